"""What the benches embed: docstrings of the standard library, as documents.

A bench that needs more documents than there are docstrings takes them again with a number, so
that no two texts are equal.
"""

from collections.abc import Iterator, Sequence
from functools import cache

from schemas import Document
from streams.core.text import clean, content_hash
from streams.demo.corpus import Article, articles
from streams.ports import NewRecord

__all__ = [
    "BUDGET_BYTES",
    "FIRST_LSN",
    "SOURCE",
    "STARTED_MS",
    "document_records",
    "documents",
    "numbered",
]

SOURCE = "articles"
BUDGET_BYTES = 1_200
"""The text budget of an Ollama lane, unless it is configured otherwise."""
STARTED_MS = 1_757_000_000_000
FIRST_LSN = 24_023_128
_DIFFERENT = 1_000


def numbered(count: int) -> Iterator[tuple[int, Article]]:
    """Rows of the table `articles`, each with its primary key."""
    found = _corpus()
    for number in range(count):
        article = found[number % len(found)]
        again = number // len(found)
        title = f"{article.title} ({again})" if again else article.title
        yield number, Article(title, article.body, article.module, article.kind)


def documents(count: int) -> list[Document]:
    """Those rows as documents, as `normalise` makes them."""
    return [_document(number, article) for number, article in numbered(count)]


def document_records(topic: str, found: Sequence[Document]) -> list[NewRecord]:
    """Documents as they stand on their topic."""
    return [NewRecord(topic, document.id.encode(), document.encode()) for document in found]


@cache
def _corpus() -> list[Article]:
    return articles(_DIFFERENT)


def _document(number: int, article: Article) -> Document:
    text = clean(f"{article.title}\n\n{article.body}", BUDGET_BYTES)
    return Document(
        id=f"{SOURCE}/{number}",
        source=SOURCE,
        key={"id": number},
        text=text.value,
        content_hash=content_hash(text.value),
        metadata={"title": article.title, "module": article.module, "kind": article.kind},
        position=f"{FIRST_LSN + number:020d}",
        changed_at=STARTED_MS + number,
        cut_bytes=text.cut_bytes,
    )

"""A dead letter goes back to where it failed, once, and never over something newer."""

from collections.abc import Mapping

import orjson
import pytest

from schemas import Document, Reason
from streams.adapters.memory_log import MemoryLog
from streams.core.dead_letters import REPLAY_HEADER, Letter, LetterState, dead_letter_record
from streams.core.normalisation import Limits
from streams.core.records import LogRecord, NewRecord
from streams.core.source import Source, Template
from streams.core.text import content_hash
from streams.errors import ConfigurationError
from streams.ports import TopicSpec
from streams.services.dead_letters import Discarded, NotDiscarded, discard, find, read_letters
from streams.services.replay import Refused, ReplayContext, Replayed, replay

CDC = "cdc.public.articles"
LIMITS = Limits(text_budget_bytes=1_000, metadata_bytes=1_000, record_bytes=50_000)
SOURCE = Source("articles", ("id",), Template.parse("{title}"))


class World:
    """The topics, with a clock that counts one millisecond for each record."""

    def __init__(self) -> None:
        self.now = 0
        self.log = MemoryLog(clock=self._tick)
        self.sources: Mapping[str, Source] = {CDC: SOURCE}

    def _tick(self) -> int:
        self.now += 1
        return self.now

    async def setup(self) -> "World":
        await self.log.create(TopicSpec(CDC, 2, 1))
        await self.log.create(TopicSpec("documents", 3, 1, {"cleanup.policy": "compact"}))
        await self.log.create(TopicSpec("dead-letters", 2, 1))
        return self

    async def event(self, id_: int, lsn: int, **row: object) -> LogRecord:
        """A change event as it stands on its topic."""
        value = {
            "op": "u",
            "before": None,
            "after": {"id": id_, **row},
            "source": {"connector": "postgresql", "lsn": lsn, "ts_ms": 1},
        }
        key = orjson.dumps({"id": id_})
        return await self.stands(NewRecord(CDC, key, orjson.dumps(value)))

    async def stands(self, record: NewRecord) -> LogRecord:
        ((partition, offset),) = await self.log.append([record])
        pages = self.log.read(record.topic, since={partition: offset}, partitions=[partition])
        return (await anext(pages))[0]

    async def document(self, id_: int, text: str | None, lsn: int = 1) -> LogRecord:
        """The newest version of a document, or its delete."""
        value = None
        if text is not None:
            value = Document(
                id=f"articles/{id_}",
                source="articles",
                key={"id": id_},
                text=text,
                content_hash=content_hash(text),
                position=f"{lsn:020d}",
            ).encode()
        return await self.stands(NewRecord("documents", f"articles/{id_}".encode(), value))

    async def letter(self, original: LogRecord, stage: str, max_bytes: int = 100_000) -> str:
        record = dead_letter_record(
            "dead-letters",
            original,
            stage=stage,
            reason=Reason.NOT_JSON,
            detail="",
            document_id=None,
            max_bytes=max_bytes,
        )
        ((partition, offset),) = await self.log.append([record])
        return f"{partition}-{offset}"

    async def letters(self) -> dict[str, Letter]:
        return {letter.id: letter for letter in await read_letters(self.log, "dead-letters")}

    async def replay(self, *letters: str, force: bool = False) -> list[Replayed | Refused]:
        context = ReplayContext(
            log=self.log,
            dead_letters="dead-letters",
            documents="documents",
            sources=self.sources,
            limits=LIMITS,
            by="ann",
            force=force,
        )
        return [answer async for answer in replay(context, letters)]

    async def last(self, topic: str, key: bytes | None) -> LogRecord:
        return [r async for page in self.log.read(topic) for r in page if r.key == key][-1]

    async def sizes(self) -> dict[str, int]:
        return {t: sum((await self.log.ends(t)).values()) for t in (CDC, "documents")}


@pytest.fixture
async def world() -> World:
    return await World().setup()


async def test_letters_are_listed_oldest_first_with_their_state(world):
    ids = [await world.letter(await world.event(n, n, title="t"), "normalise") for n in range(4)]
    await discard(world.log, "dead-letters", ids[1], by="ann", reason="known")
    await world.replay(ids[2])
    listed = await read_letters(world.log, "dead-letters")
    assert [letter.id for letter in listed] == ids
    assert [str(letter.state) for letter in listed] == ["open", "discarded", "replayed", "open"]
    first = await read_letters(world.log, "dead-letters", wanted=lambda one: one.letter.offset == 0)
    assert {letter.letter.offset for letter in first} == {0}


async def test_a_letter_is_found_with_its_bytes_and_its_resolution(world):
    event = await world.event(1, 1, title="t")
    letter_id = await world.letter(event, "normalise")
    await world.letter(event, "normalise")
    await discard(world.log, "dead-letters", letter_id, by="ann", reason="known")
    letter, record = (await find(world.log, "dead-letters", [letter_id]))[letter_id]
    assert (record.key, record.value) == (event.key, event.value)
    assert letter.state is LetterState.DISCARDED


@pytest.mark.parametrize(
    "name", ["", "0", "0-", "-1", "a-b", "0-99", "9-0", "0-0-0", "00-0", "0-1"]
)
async def test_a_letter_that_is_not_there_is_named(world, name):
    original = LogRecord(CDC, 0, 0, b"k", b"v")
    letter_id = await world.letter(original, "normalise")
    await discard(world.log, "dead-letters", letter_id, by="ann", reason="")
    with pytest.raises(ConfigurationError, match=rf"letter {name}: there is none"):
        await find(world.log, "dead-letters", [name])


async def test_an_event_goes_back_to_its_own_topic_and_partition_byte_for_byte(world):
    event = await world.event(1, 1, title="t")
    letter_id = await world.letter(event, "normalise")
    (answer,) = await world.replay(letter_id)
    back = await world.last(CDC, event.key)
    assert answer == Replayed(letter_id, CDC, event.partition, event.offset + 1)
    assert (back.partition, back.key, back.value) == (event.partition, event.key, event.value)
    assert back.headers == ((REPLAY_HEADER, letter_id.encode()),)
    assert (await world.letters())[letter_id].state is LetterState.REPLAYED


async def test_a_letter_is_replayed_once(world):
    letter_id = await world.letter(await world.event(1, 1, title="t"), "normalise")
    await world.replay(letter_id)
    before = await world.sizes()
    for force in (False, True):
        (answer,) = await world.replay(letter_id, force=force)
        assert answer == Refused(letter_id, "was replayed already, by ann")
    assert await world.sizes() == before
    assert len(await world.replay(letter_id, letter_id)) == 1


async def test_an_event_that_would_fail_again_is_left_unless_forced(world):
    letter_id = await world.letter(await world.event(1, 1, body="no title"), "normalise")
    (answer,) = await world.replay(letter_id)
    assert isinstance(answer, Refused)
    assert answer.why.startswith("would fail again: column_missing")
    assert (await world.letters())[letter_id].state is LetterState.OPEN
    assert isinstance((await world.replay(letter_id, force=True))[0], Replayed)


async def test_an_event_that_a_new_configuration_takes_goes_back(world):
    letter_id = await world.letter(await world.event(1, 1, body="no title"), "normalise")
    world.sources = {CDC: Source("articles", ("id",), Template.parse("{body}"))}
    assert isinstance((await world.replay(letter_id))[0], Replayed)


async def test_an_event_that_no_source_reads_any_more_is_left(world):
    letter_id = await world.letter(await world.event(1, 1, title="t"), "normalise")
    world.sources = {}
    (answer,) = await world.replay(letter_id, force=True)
    assert answer == Refused(letter_id, f"no source of the configuration reads topic {CDC}")


async def test_an_event_that_was_cut_is_left_and_its_original_named(world):
    event = await world.event(1, 1, title="t" * 30_000)
    letter_id = await world.letter(event, "normalise", max_bytes=20_000)
    (answer,) = await world.replay(letter_id, force=True)
    assert isinstance(answer, Refused)
    assert f"the original is offset {event.offset} of topic {CDC}, partition" in answer.why


@pytest.mark.parametrize(("lsn", "goes_back"), [(5, False), (7, False), (9, True)])
async def test_an_event_goes_back_only_over_an_older_state_of_its_row(world, lsn, goes_back):
    """The document stands at position 7."""
    letter_id = await world.letter(await world.event(1, lsn, title="t"), "normalise")
    newest = await world.document(1, "there", lsn=7)
    (answer,) = await world.replay(letter_id)
    if goes_back:
        assert isinstance(answer, Replayed)
    else:
        assert isinstance(answer, Refused)
        assert answer.closed
        assert f"offset {newest.offset} of topic documents" in answer.why
        letter = (await world.letters())[letter_id]
        assert letter.state is LetterState.DISCARDED
        assert "superseded" in (letter.resolution.reason if letter.resolution else "")


async def test_an_event_does_not_bring_a_row_back_that_was_deleted_since(world):
    await world.document(1, "old")
    letter_id = await world.letter(await world.event(1, 5, title="t"), "normalise")
    await world.document(1, None)
    (answer,) = await world.replay(letter_id)
    assert isinstance(answer, Refused)
    assert answer.closed


async def test_an_event_after_an_older_delete_of_its_row_goes_back(world):
    await world.document(1, None)
    letter_id = await world.letter(await world.event(1, 5, title="t"), "normalise")
    assert isinstance((await world.replay(letter_id))[0], Replayed)


async def test_several_events_go_back_in_the_order_in_which_they_stood(world):
    events = [await world.event(1, lsn, title=f"t{lsn}") for lsn in range(3)]
    letters = [await world.letter(event, "normalise") for event in events]
    answers = await world.replay(*reversed(letters))
    assert [answer.letter_id for answer in answers] == letters
    pages = world.log.read(CDC, since={events[0].partition: 3}, partitions=[events[0].partition])
    assert [r.value async for page in pages for r in page] == [event.value for event in events]


async def test_an_event_of_nothing_can_not_go_back(world):
    letter_id = await world.letter(LogRecord(CDC, 0, 3, None, None), "normalise")
    (answer,) = await world.replay(letter_id, force=True)
    assert isinstance(answer, Refused)
    assert "neither key nor value" in answer.why


async def test_a_document_is_appended_to_documents_again(world):
    document = await world.document(1, "text")
    letter_id = await world.letter(document, "embed:ollama")
    (answer,) = await world.replay(letter_id)
    back = await world.last("documents", document.key)
    assert answer == Replayed(letter_id, "documents", document.partition, document.offset + 1)
    assert (back.offset, back.value) == (document.offset + 1, document.value)
    assert (await world.letters())[letter_id].state is LetterState.REPLAYED


async def test_a_document_whose_letter_was_cut_goes_back_whole(world):
    document = await world.document(1, "text" * 9_000)
    letter_id = await world.letter(document, "embed:ollama", max_bytes=20_000)
    await world.replay(letter_id)
    assert (await world.last("documents", document.key)).value == document.value


@pytest.mark.parametrize("text", ["newer", None])
async def test_a_document_with_a_newer_version_is_superseded_and_closed(world, text):
    letter_id = await world.letter(await world.document(1, "text"), "embed:ollama")
    await world.document(1, text)
    before = await world.sizes()
    (answer,) = await world.replay(letter_id, force=True)
    assert isinstance(answer, Refused)
    assert answer.closed
    assert await world.sizes() == before
    assert (await world.letters())[letter_id].state is LetterState.DISCARDED


async def test_a_document_that_is_gone_is_superseded(world):
    document = await world.document(1, "text")
    letter_id = await world.letter(document, "embed:ollama")
    world.log.expire("documents", {document.partition: document.offset + 1})
    (answer,) = await world.replay(letter_id)
    assert answer == Refused(letter_id, "superseded: the document was deleted", closed=True)


async def test_a_replay_that_died_before_it_could_say_so_is_not_done_twice(world):
    document = await world.document(1, "text")
    letter_id = await world.letter(document, "embed:ollama")
    again = NewRecord(
        "documents", document.key, document.value, ((REPLAY_HEADER, letter_id.encode()),)
    )
    await world.log.append([again])
    before = await world.sizes()
    (answer,) = await world.replay(letter_id)
    assert answer == Replayed(letter_id, "documents", document.partition, document.offset + 1)
    assert await world.sizes() == before


@pytest.mark.parametrize("text", ["newer", None])
async def test_a_version_that_comes_in_just_before_the_replay_is_not_lost(world, text):
    """Between the look at the newest version and the append, somebody writes a newer one."""
    newer = await (await World().setup()).document(1, text)
    document = await world.document(1, "old")
    letter_id = await world.letter(document, "embed:ollama")
    append, left = world.log.append, [1, 1]

    async def late(records):
        if left and records[0].topic == "documents":
            left.pop()
            await append([NewRecord("documents", document.key, newer.value)])
        return await append(records)

    world.log.append = late
    (answer,) = await world.replay(letter_id)
    last = await world.last("documents", document.key)
    assert last.value == newer.value
    assert isinstance(answer, Replayed)
    assert answer.offset == last.offset


async def test_a_stage_that_is_not_known_is_left(world):
    letter_id = await world.letter(await world.event(1, 1, title="t"), "translate")
    (answer,) = await world.replay(letter_id)
    assert answer == Refused(letter_id, "its stage 'translate' is not known here")


async def test_a_letter_is_discarded_once_and_can_be_brought_back(world):
    letter_id = await world.letter(await world.event(1, 1, title="t"), "normalise")
    asked = (world.log, "dead-letters", letter_id)
    assert await discard(*asked, by="ann", reason="known") == Discarded(letter_id)
    answer = await discard(*asked, by="bob", reason="again")
    assert answer == NotDiscarded(letter_id, "was discarded already, by ann")
    (answer,) = await world.replay(letter_id)
    why = "was discarded by ann (known); --force brings it back"
    assert answer == Refused(letter_id, why)
    assert isinstance((await world.replay(letter_id, force=True))[0], Replayed)
    assert isinstance(await discard(*asked, by="bob", reason="again"), NotDiscarded)

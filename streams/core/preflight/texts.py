"""The texts that a preflight embeds: fixed, so that two runs ask the same."""

from itertools import cycle, islice

__all__ = [
    "ACCENTS",
    "CANARIES",
    "EMOJI",
    "PLAIN",
    "SCRIPTS",
    "WIRE",
    "dense",
    "prose",
    "unbroken",
]

PLAIN = (
    "The library opens at nine in the morning.",
    "Heavy rain is expected in the north tonight.",
    "The committee approved the new budget on Friday.",
    "Bread dough has to rest before it is baked.",
    "The train to the coast was twenty minutes late.",
    "Bees find their way home by the position of the sun.",
    "The old bridge was closed for repairs.",
    "She learned to play the violin as a child.",
)
"""Ordinary sentences about different things."""

CANARIES = (
    (
        "weather",
        "It will rain heavily tomorrow.",
        "Heavy rain is expected tomorrow.",
        "The company reported a rise in profit.",
    ),
    (
        "cooking",
        "Boil the potatoes until they are soft.",
        "Cook the potatoes in boiling water until soft.",
        "The spacecraft entered orbit around the moon.",
    ),
    (
        "medicine",
        "The doctor treated the patient for a fever.",
        "The patient with a fever was treated by a doctor.",
        "Our team lost the football match in the last minute.",
    ),
)
"""What it is about, a text, one of the same meaning, and one about something else."""

SCRIPTS = {
    "German": ("Der Zug fährt morgen früh.", "Die Katze schläft im Garten."),
    "Russian": ("Поезд уходит завтра утром.", "Кошка спит в саду."),
    "Chinese": ("火车明天早上出发。", "猫在花园里睡觉。"),
    "Arabic": ("القطار يغادر غدا صباحا", "القطة تنام في الحديقة"),
    "Hindi": ("ट्रेन कल सुबह जाती है", "बिल्ली बगीचे में सोती है"),
}
"""Two sentences each about different things, of the same number of words where that counts."""

ACCENTS = ("café", "naïve")
EMOJI = ("🎉", "😢")

WIRE = (
    "A plain line of text.",
    "Two paragraphs.\n\nWith a blank line\tand a tab between.",
    "Quotes \" and ', a backslash \\, braces {text} {0}, a percent %s and <b>markup</b>.",
    "Accents é ñ ü, the euro €, 東京, an emoji 🎉 and a family 👩‍👩‍👧.",
)
"""Canonical texts with what is most easily changed on the way."""

_WORDS = "the river runs slowly past an old stone bridge and a library where people read "


def prose(size_bytes: int, last: str) -> str:
    """Ordinary words, exactly so many bytes (more than `last` has), with this last word."""
    filled = "".join(islice(cycle(_WORDS), max(0, size_bytes - len(last) - 1)))
    if filled.endswith(" "):  # one blank before the last word, so that the size is exact
        filled = f"{filled[:-1]}s"
    return f"{filled} {last}" if filled else last


def unbroken(size_bytes: int) -> str:
    """One word of so many letters, without a pattern that a tokenizer could know."""
    return "".join(chr(97 + (index * index * 7 + index * 3) % 26) for index in range(size_bytes))


def dense(size_bytes: int) -> str:
    """Punctuation only: each byte a token to most tokenizers."""
    return "".join(islice(cycle("!?.,;:"), size_bytes))

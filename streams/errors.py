"""Everything Hotswap raises on purpose.

    HotswapError
    ├── ConfigurationError   the operator must change a setting; names it and the remedy
    ├── DriftError           something outside differs from what was pinned or configured
    ├── TransientError       the other side may answer later; nothing is skipped meanwhile
    ├── LaneHalted           retrying is pointless until an operator acts (quota, key, model)
    ├── LanePaused           the control log says that the lane rests; it goes on by itself
    ├── InputRefused         this very input was refused; others may pass
    │   └── MalformedVector  the embedder answered, but not with a usable vector
    └── OwnershipLost        the partition belongs to another worker now

Adapters translate their library's errors into these in one table each, always with
`raise … from error`.
"""

__all__ = [
    "ConfigurationError",
    "DriftError",
    "HotswapError",
    "InputRefused",
    "LaneHalted",
    "LanePaused",
    "MalformedVector",
    "OwnershipLost",
    "TransientError",
]


class HotswapError(Exception):
    """Base of all errors that Hotswap raises on purpose; its text is meant for people."""


class ConfigurationError(HotswapError):
    """A setting is missing or wrong."""

    def __init__(self, setting: str, problem: str, remedy: str = "") -> None:
        super().__init__(f"{setting}: {problem}" + (f"\n  remedy: {remedy}" if remedy else ""))
        self.setting = setting
        self.problem = problem
        self.remedy = remedy


class DriftError(HotswapError):
    """Something outside is not as it was pinned or configured.

    Attributes:
        subject: what was looked at, such as `topic documents`.
        differences: name → (expected, found).
    """

    def __init__(
        self, subject: str, differences: dict[str, tuple[object, object]], remedy: str = ""
    ) -> None:
        listed = "\n".join(
            f"  {name}: expected {expected!r}, found {found!r}"
            for name, (expected, found) in differences.items()
        )
        super().__init__(
            f"{subject} differs from what Hotswap expects\n{listed}"
            + (f"\n  remedy: {remedy}" if remedy else "")
        )
        self.subject = subject
        self.differences = differences
        self.remedy = remedy


class TransientError(HotswapError):
    """The other side did not answer, or asked to wait.

    Attributes:
        retry_after: seconds the other side asked for, if it did.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LaneHalted(HotswapError):
    """The lane can not go on until an operator acts; nothing is dropped meanwhile."""


class LanePaused(HotswapError):
    """The control log says that the lane rests; nothing is dropped meanwhile."""


class InputRefused(HotswapError):
    """The other side refused the input itself. A batch may hold one bad input among good ones."""


class MalformedVector(InputRefused):
    """The answer was not n finite, non-zero vectors of the right length."""


class OwnershipLost(HotswapError):
    """The partition was taken away before the write; whoever has it now will do the work."""

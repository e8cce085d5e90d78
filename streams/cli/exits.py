"""What the exit status of `hotswap` says, and which error leads to which."""

from enum import IntEnum

from streams.errors import ConfigurationError, HotswapError, TransientError

__all__ = ["EPILOG", "Exit", "exit_for"]


class Exit(IntEnum):
    """The exit statuses of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    HELD = 4
    REJECTED = 5
    INCONCLUSIVE = 6
    INTERRUPTED = 130


EPILOG = (
    f"Exit status: {Exit.OK} done, or so already; {Exit.FAILED} failed, or something differs;"
    f" {Exit.USAGE} wrong usage or configuration; {Exit.UNREACHABLE} another system can not be"
    f" reached; {Exit.HELD} an order that a guard holds; {Exit.REJECTED} an order that is"
    f" rejected, such as one that came too late; {Exit.INCONCLUSIVE} nothing can be said yet, or"
    f" something is not complete; {Exit.INTERRUPTED} interrupted."
)


def exit_for(error: HotswapError) -> Exit:
    """The exit status that an error which reached the command line leads to."""
    if isinstance(error, ConfigurationError):
        return Exit.USAGE
    if isinstance(error, TransientError):
        return Exit.UNREACHABLE
    return Exit.FAILED

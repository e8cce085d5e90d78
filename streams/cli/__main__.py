"""`hotswap`, and `python -m streams.cli`, which is the same."""

import gc
import sys

__all__ = ["run"]

_INTERRUPTED = 130
"""As in `streams.cli.exits`, which may not be loaded yet."""

_COLLECT_AFTER = 50_000
"""What is loaded stays, and looking through it for garbage after every 700 new objects, as Python
does, takes a twelfth of the start. Nothing here makes cycles in quantity."""


def run() -> None:
    """Load the command line and run it; Ctrl-C while it is being loaded ends it without a trace."""
    gc.set_threshold(_COLLECT_AFTER)
    try:
        from streams.cli.main import main  # noqa: PLC0415 - loading it is what may be interrupted
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    main()


if __name__ == "__main__":
    run()

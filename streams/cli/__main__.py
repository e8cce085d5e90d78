"""`hotswap`, and `python -m streams.cli`, which is the same."""

import sys

__all__ = ["run"]

_INTERRUPTED = 130
"""As in `streams.cli.exits`, which may not be loaded yet."""


def run() -> None:
    """Load the command line and run it; Ctrl-C while it is being loaded ends it without a trace."""
    try:
        from streams.cli.main import main  # noqa: PLC0415 - loading it is what may be interrupted
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    main()


if __name__ == "__main__":
    run()

"""`python -m streams.cli` is `hotswap`."""

from streams.cli.main import main

main()

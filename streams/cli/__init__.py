"""The `hotswap` command."""

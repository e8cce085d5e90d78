"""Faces over HTTP: what callers of `hotswap serve` see."""

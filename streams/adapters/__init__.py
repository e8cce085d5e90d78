"""One external system each, behind a port, with one table from its errors to ours."""

"""Serving reads: route, search, fall back, mirror, and take feedback."""

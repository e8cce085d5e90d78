"""The demonstration: the whole flow on real parts, told on one screen."""

"""Use cases that join pure decisions with adapters."""

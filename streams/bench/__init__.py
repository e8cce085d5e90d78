"""Speed, measured against references that are taken in the same run."""

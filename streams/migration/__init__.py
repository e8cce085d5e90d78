"""The control log's fold: what state a prefix of control records amounts to."""

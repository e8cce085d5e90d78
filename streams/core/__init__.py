"""Pure decisions: values in, values with reasons out. No I/O, clock or randomness."""

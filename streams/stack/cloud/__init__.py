"""A stand-in for a cloud embedding API: OpenAI's protocol over a small real model.

For demo, tests and benches. Its limits and faults are options, on the command line and while
it runs. It listens on loopback unless told otherwise.
"""

__all__ = ["DIMENSIONS", "MODEL"]

MODEL = "wordllama-l2-supercat-256"
DIMENSIONS = 256

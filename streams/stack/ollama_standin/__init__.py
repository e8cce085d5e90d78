"""A stand-in for an Ollama server: its protocol over MiniLM as ONNX.

For machines without Ollama, and for faults that a real one shows only on bad days. Answers and
errors are those of Ollama 0.17.4, compared with it by the tests. It listens on loopback only.
"""

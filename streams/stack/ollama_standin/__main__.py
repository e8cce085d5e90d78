"""`python -m streams.stack.ollama_standin --port PORT`: run the Ollama stand-in.

Each field of `Faults` is an option.
"""

from streams.stack.models import minilm_onnx, minilm_tokenizer
from streams.stack.ollama_standin.app import make_app
from streams.stack.ollama_standin.faults import Faults
from streams.stack.ollama_standin.model import Model
from streams.stack.ollama_standin.service import Service
from streams.stack.standin.command import options, serve
from streams.stack.standin.control import Control


def main() -> None:
    """Serve until told to end."""
    chosen = options("streams.stack.ollama_standin", Faults)
    model = Model(minilm_onnx(), minilm_tokenizer())
    serve(make_app(Service(model, Control(chosen.switches, chosen.seed))), chosen.port)


if __name__ == "__main__":
    main()

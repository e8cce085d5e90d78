"""Arguments of a call → a request, as `hotswap serve` makes one of a body.

Its limits on `k` and on a text's length protect a server from its callers, and are not kept to
here.
"""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from streams.errors import InputRefused

__all__ = ["request"]

Model = TypeVar("Model", bound=BaseModel)


def request(model: type[Model], **fields: object) -> Model:
    """The request with these fields.

    Raises: InputRefused, naming each field that is wrong.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, each['loc'])) or 'request'}: "
            + each["msg"].removeprefix("Value error, ")
            for each in error.errors(include_url=False, include_input=False)
        )
        raise InputRefused("; ".join(problems)) from error

"""Secrets: named in the configuration, held in the environment or in files, never printed."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from streams.errors import ConfigurationError

__all__ = ["SecretRef"]


class SecretRef(BaseModel):
    """Where a secret is: `{ env = "NAME" }` or `{ file = "/run/secrets/name" }`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_plain_text(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError(
                'a secret does not belong in this file; write { env = "NAME" } or { file = "PATH" }'
            )
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> "SecretRef":
        if (self.env is None) == (self.file is None):
            raise ValueError('give exactly one of { env = "NAME" } and { file = "PATH" }')
        return self

    def read(self, setting: str) -> SecretStr:
        """The secret itself, without surrounding white space.

        Raises: ConfigurationError that names `setting` if it is absent or empty.
        """
        if self.env is not None:
            value = os.environ.get(self.env, "").strip()
            remedy = f"set the environment variable {self.env}"
            problem = f"environment variable {self.env} is not set"
        else:
            remedy = f"write the secret to {self.file}"
            problem = f"{self.file} can not be read or is empty"
            try:
                value = Path(str(self.file)).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigurationError(
                    setting, f"{problem} ({error.strerror})", remedy
                ) from error
        if not value:
            raise ConfigurationError(setting, problem, remedy)
        return SecretStr(value)

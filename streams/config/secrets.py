"""Secrets: named in the configuration, held in the environment or in files, never printed."""

import os
from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from streams.config.section import Section
from streams.errors import ConfigurationError

__all__ = ["SecretRef"]


class SecretRef(Section):
    """Where a secret is: `{ env = "NAME" }` or `{ file = "/run/secrets/name" }`."""

    env: str | None = Field(default=None, description="Name of an environment variable.")
    file: Path | None = Field(default=None, description="A file that holds the secret only.")

    @model_validator(mode="before")
    @classmethod
    def _refuse_plain_text(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError(  # noqa: TRY004 (pydantic wants a ValueError)
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
            except UnicodeDecodeError:
                # Not chained: the decoder's error holds the file's bytes.
                raise ConfigurationError(setting, f"{self.file} is not UTF-8", remedy) from None
        if not value:
            raise ConfigurationError(setting, problem, remedy)
        return SecretStr(value)

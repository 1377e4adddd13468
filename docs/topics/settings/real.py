import os
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

FOR_DEVELOPMENT = "only-for-development"


# --8<-- [start:words]
def by_comma(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [word.strip() for word in value.split(",") if word.strip()]


Words = Annotated[list[str], NoDecode, BeforeValidator(by_comma)]
# --8<-- [end:words]


# --8<-- [start:settings]
class Database(BaseModel):
    url: SecretStr = SecretStr("sqlite://")
    pool: Annotated[int, Field(ge=1)] = 5


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="ROOMS_",
        env_nested_delimiter="__",  # ROOMS_DATABASE__POOL=20
        env_ignore_empty=True,
        hide_input_in_errors=True,
        frozen=True,
    )

    stage: Literal["dev", "prod"] = "dev"
    signing_key: SecretStr = SecretStr(FOR_DEVELOPMENT)
    hosts: Words = []
    database: Database = Database()

    @model_validator(mode="after")
    def production_has_its_own_key(self) -> Self:
        key = self.signing_key.get_secret_value()
        if self.stage == "prod" and key == FOR_DEVELOPMENT:
            raise ValueError("ROOMS_SIGNING_KEY is missing")
        return self


# --8<-- [end:settings]


# --8<-- [start:unknown]
def unknown_variables(environ: Iterable[str] = os.environ) -> list[str]:
    """Variables that look like settings and are none: misspelled, or outdated."""
    prefix = Settings.model_config["env_prefix"]
    known = {f"{prefix}{name}".upper() for name in Settings.model_fields}
    ours = (name for name in environ if name.upper().startswith(prefix))
    return sorted(name for name in ours if name.upper().split("__")[0] not in known)


# --8<-- [end:unknown]

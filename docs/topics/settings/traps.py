from pathlib import Path
from typing import Annotated

import smallest
from fastapi import Depends, FastAPI
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


# --8<-- [start:class-as-dependency]
class Keys(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ROOMS_")

    door_code: SecretStr = SecretStr("0000")


open_to_all = FastAPI()


@open_to_all.get("/door")
def door(keys: Annotated[Keys, Depends()]) -> str:
    return f"the code is {keys.door_code.get_secret_value()}"


# --8<-- [end:class-as-dependency]


def get_keys() -> Keys:
    return Keys()


closed = FastAPI()


@closed.get("/door")
def door_again(keys: Annotated[Keys, Depends(get_keys)]) -> str:
    return f"the code is {keys.door_code.get_secret_value()}"


late = FastAPI()
late.get("/house")(smallest.house)


class FromHere(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env")

    house: str = "Main Street 1"


# --8<-- [start:beside]
BESIDE = Path(__file__).with_name("example.env")


class Beside(FromHere):
    model_config = SettingsConfigDict(env_file=BESIDE)


# --8<-- [end:beside]


class Strict(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", env_prefix="ROOMS_")

    house: str = "Main Street 1"


class Relaxed(Strict):
    model_config = SettingsConfigDict(extra="ignore")


class Hosts(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ROOMS_")

    hosts: list[str] = []


class Talkative(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ROOMS_")

    door_code: SecretStr
    house: str


class Discreet(Talkative):
    model_config = SettingsConfigDict(hide_input_in_errors=True)

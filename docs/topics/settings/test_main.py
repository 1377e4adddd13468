import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pytest
import real
import smallest
import traps
from app import settings as app_settings
from app.bookings.domain import Booking
from app.bookings.errors import Impossible
from app.bookings.policy import Policy
from app.main import create_app
from app.settings import Settings
from fastapi import Depends, FastAPI
from pydantic import BeforeValidator, PydanticUserError, ValidationError
from pydantic_settings import BaseSettings, SettingsError

ATTIC = {"name": "attic", "seats": 12}
MORNING = {"room": "attic", "day": "2099-03-02", "start": 9, "end": 11, "people": 6}


@pytest.fixture(autouse=True)
def clean_slate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variable of ours is set, and nothing is cached; before and after."""
    for name in os.environ:
        if name.startswith(("ROOMS_", "HOUSE")):
            monkeypatch.delenv(name)
    caches = smallest.get_settings, app_settings.get_settings
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


def told(build: Callable[[], Any]) -> str:
    """What a start prints: the error without the line that links to the docs."""
    try:
        return repr(build())
    except (ValidationError, SettingsError) as error:
        lines = str(error).splitlines()
        kept = [line for line in lines if "errors.pydantic.dev" not in line]
        return "\n".join([type(error).__name__, *kept])


async def first_answer(client_for: Any, app: Any) -> str:
    """What a client gets from /house, if the app starts."""
    try:
        async with client_for(app) as http:
            response = await http.get("/house")
            return f"{response.status_code} {response.text}"
    except Exception as error:
        return f"no start: {type(error).__name__}"


# --- the idea, in the smallest app


async def test_the_app_does_not_start_without_what_is_required(client_for):
    assert (await first_answer(client_for, smallest.app)).startswith("no start")


async def test_the_environment_changes_what_the_app_answers(
    client_for, monkeypatch
):
    monkeypatch.setenv("ROOMS_DOOR_CODE", "2580")
    answer = await first_answer(client_for, smallest.app)
    assert answer == '200 "Main Street 1, opens at 8"'
    smallest.get_settings.cache_clear()
    monkeypatch.setenv("ROOMS_OPENS", "10")
    answer = await first_answer(client_for, smallest.app)
    assert answer == '200 "Main Street 1, opens at 10"'


def test_three_starts(monkeypatch, shown):
    starts = [
        {"ROOMS_OPENS": "late"},
        {"ROOMS_OPENS": "25", "ROOMS_DOOR_CODE": "2580"},
        {"rooms_opens": "10", "ROOMS_DOOR_CODE": "2580"},
    ]
    lines = []
    for environment in starts:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            lines.append(" ".join(f"{k}={v}" for k, v in environment.items()))
            seen = told(smallest.Settings)
            lines += [*(f"    {line}" for line in seen.splitlines()), ""]
    shown("three-starts", "\n".join(lines).rstrip())
    assert "2 validation errors" in lines[2]
    assert "opens=10" in lines[-2]
    assert "2580" not in lines[-2]


# --- how it works


def test_precedence(tmp_path, monkeypatch, shown):
    """Take the strongest source away, again and again."""
    monkeypatch.chdir(tmp_path)
    Path("secrets").mkdir()
    Path("secrets/rooms_house").write_text("a secret file\n")
    Path(".env").write_text("ROOMS_HOUSE=the .env file\n")
    monkeypatch.setenv("ROOMS_HOUSE", "the environment")
    monkeypatch.setenv("ROOMS_DOOR_CODE", "2580")
    seen = []

    def read(**given: Any) -> None:
        settings = smallest.Settings(_secrets_dir="secrets", **given)
        seen.append(settings.house)

    read(house="an argument")
    read()
    monkeypatch.delenv("ROOMS_HOUSE")
    read()
    Path(".env").unlink()
    read()
    Path("secrets/rooms_house").unlink()
    read()
    shown("precedence", "\n".join(f"{i} {s}" for i, s in enumerate(seen, 1)))
    assert seen == [
        "an argument",
        "the environment",
        "the .env file",
        "a secret file",
        "Main Street 1",
    ]


def test_secret_files_are_stripped_and_a_missing_folder_warns(tmp_path):
    (tmp_path / "rooms_house").write_text(" Mill Lane 5 \n\n")
    assert traps.Strict(_secrets_dir=tmp_path).house == "Mill Lane 5"
    with pytest.warns(UserWarning, match="does not exist"):
        assert traps.Strict(_secrets_dir=tmp_path / "gone").house == "Main Street 1"


def test_the_order_of_the_sources_can_be_changed(tmp_path, monkeypatch):
    class FileFirst(traps.Strict):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: Any, init_settings: Any, *others: Any, **named: Any
        ) -> tuple[Any, ...]:
            environment, env_file = named["env_settings"], named["dotenv_settings"]
            return init_settings, env_file, environment

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROOMS_HOUSE", "the environment")
    Path(".env").write_text("ROOMS_HOUSE=the .env file\n")
    assert traps.Strict().house == "the environment"
    assert FileFirst().house == "the .env file"


def test_a_change_after_the_start_is_not_seen(monkeypatch):
    monkeypatch.setenv("ROOMS_DOOR_CODE", "2580")
    settings = smallest.Settings()
    monkeypatch.setenv("ROOMS_OPENS", "10")
    assert settings.opens == 8
    assert smallest.Settings().opens == 10


def test_an_env_file_does_not_enter_the_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("ROOMS_HOUSE=Mill Lane 5\n")
    assert traps.Strict().house == "Mill Lane 5"
    assert "ROOMS_HOUSE" not in os.environ


def test_a_dump_hides_a_secret_and_one_method_shows_it(monkeypatch):
    monkeypatch.setenv("ROOMS_DOOR_CODE", "2580")
    settings = smallest.Settings()
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "2580" not in text
        assert "**********" in text
    assert settings.door_code.get_secret_value() == "2580"


@pytest.mark.parametrize(
    ("text", "flag"),
    [("1", True), ("yes", True), ("ON", True), ("false", False), ("0", False)],
)
def test_words_become_flags(monkeypatch, text, flag):
    class Flags(BaseSettings):
        debug: bool = False

    monkeypatch.setenv("DEBUG", text)
    assert Flags().debug is flag
    assert bool(os.environ["DEBUG"]) is True


def test_an_empty_variable_is_a_value_unless_told_otherwise(monkeypatch):
    monkeypatch.setenv("ROOMS_DOOR_CODE", "2580")
    monkeypatch.setenv("ROOMS_OPENS", "")
    assert "unable to parse string as an integer" in told(smallest.Settings)
    assert smallest.Settings(_env_ignore_empty=True).opens == 8


def test_a_child_process_inherits_the_environment(monkeypatch):
    monkeypatch.setenv("ROOMS_DOOR_CODE", "2580")
    command = "import os; print(os.environ['ROOMS_DOOR_CODE'])"
    child = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    assert child.stdout.strip() == "2580"


# --- the rooms application


async def test_a_room_is_booked_once(client):
    await client.post("/rooms", json=ATTIC)
    booked = await client.post("/bookings", json=MORNING)
    assert (booked.status_code, booked.json()) == (201, {**MORNING, "id": 1})
    again = await client.post("/bookings", json=MORNING)
    assert (again.status_code, again.json()) == (
        409,
        {"detail": "attic is taken then"},
    )


# --8<-- [start:own-settings]
async def test_each_app_has_its_own_settings(client_for):
    night = create_app(Settings(opens=22, closes=24, _env_file=None))
    async with client_for(night) as http:
        await http.post("/rooms", json=ATTIC)
        refused = await http.post("/bookings", json=MORNING)
        assert refused.json() == {"detail": "rooms are open from 22 to 24"}
        late = {**MORNING, "start": 22, "end": 23}
        assert (await http.post("/bookings", json=late)).status_code == 201


# --8<-- [end:own-settings]


# --8<-- [start:policy]
def test_a_rule_needs_no_settings():
    wish = Booking("attic", date(2099, 3, 2), 9, 12, 6)
    Policy(longest=3).check(wish)
    with pytest.raises(Impossible, match="at most 2 hours"):
        Policy(longest=2).check(wish)


# --8<-- [end:policy]


async def test_the_environment_reaches_the_rule(client_for, monkeypatch):
    monkeypatch.setenv("ROOMS_LONGEST", "1")
    async with client_for(create_app()) as http:
        refused = await http.post("/bookings", json=MORNING)
    assert (refused.status_code, refused.json()) == (
        422,
        {"detail": "a booking lasts at most 1 hours"},
    )


def test_hours_that_make_no_sense_stop_the_start(monkeypatch):
    monkeypatch.setenv("ROOMS_CLOSES", "7")
    monkeypatch.setenv("ROOMS_DATABASE_URL", "postgresql://ada:tops3cret@db/rooms")
    with pytest.raises(ValidationError, match="must be later than") as stopped:
        create_app()
    assert "tops3cret" not in str(stopped.value)


def test_settings_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        Settings(_env_file=None).opens = 9


def test_only_the_outermost_modules_know_the_settings(bundle_dir):
    def imports_settings(path: Path) -> bool:
        tree = ast.parse(path.read_text())
        return any(
            isinstance(node, ast.ImportFrom) and node.module == "app.settings"
            for node in ast.walk(tree)
        )

    found = {
        path.relative_to(bundle_dir).as_posix()
        for path in bundle_dir.glob("app/**/*.py")
        if imports_settings(path)
    }
    assert found == {"app/main.py"}


def test_on_the_wire_nothing_changed(bundle_dir):
    def answers(topic: str) -> dict[str, tuple[Any, ...]]:
        recorded = json.loads(
            (bundle_dir.parent / topic / "responses.json").read_text()
        )
        return {
            a["name"]: (a["request"], a["status"], a.get("body"))
            for a in recorded["answers"]
        }

    before, now = answers("unit-of-work"), answers("settings")
    shared = before.keys() & now.keys()
    assert {"room", "book", "taken", "keyed", "replayed", "cancel"} <= shared
    assert [before[name] for name in shared] == [now[name] for name in shared]


async def test_the_opening_hours_left_the_schema(client):
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    start = schemas["BookingIn"]["properties"]["start"]
    assert (start["minimum"], start["maximum"]) == (0, 23)


async def test_an_override_reaches_routes_and_not_direct_calls(
    client_for, monkeypatch
):
    monkeypatch.setenv("ROOMS_DOOR_CODE", "2580")
    app = FastAPI()
    app.get("/house")(smallest.house)
    app.get("/direct")(lambda: smallest.get_settings().house)
    fake = smallest.Settings(house="Test Street 0")
    app.dependency_overrides[smallest.get_settings] = lambda: fake
    async with client_for(app) as http:
        assert (await http.get("/house")).json() == "Test Street 0, opens at 8"
        assert (await http.get("/direct")).json() == "Main Street 1"


async def test_an_override_does_not_spare_the_check_at_the_start(
    client_for, monkeypatch
):
    fake = smallest.Settings(door_code="0000")
    monkeypatch.setitem(
        smallest.app.dependency_overrides, smallest.get_settings, lambda: fake
    )
    assert (await first_answer(client_for, smallest.app)).startswith("no start")


# --- what one ships


def test_nested_settings_and_lists_come_from_plain_text(monkeypatch):
    monkeypatch.setenv("ROOMS_DATABASE__POOL", "20")
    monkeypatch.setenv("ROOMS_HOSTS", "a.example, b.example")
    settings = real.Settings()
    assert settings.database.pool == 20
    assert settings.database.url.get_secret_value() == "sqlite://"
    assert settings.hosts == ["a.example", "b.example"]


def test_production_needs_a_key_of_its_own(monkeypatch):
    monkeypatch.setenv("ROOMS_STAGE", "prod")
    assert "ROOMS_SIGNING_KEY is missing" in told(real.Settings)
    monkeypatch.setenv("ROOMS_SIGNING_KEY", "a long random one")
    assert real.Settings().stage == "prod"


def test_a_misspelled_variable_is_ignored_and_can_be_found(monkeypatch):
    monkeypatch.setenv("ROOMS_SINGING_KEY", "a long random one")
    assert real.Settings().signing_key.get_secret_value() == real.FOR_DEVELOPMENT
    monkeypatch.setenv("ROOMS_DATABASE__POOL", "20")
    assert real.unknown_variables() == ["ROOMS_SINGING_KEY"]


def test_pydantic_itself_has_no_base_settings():
    with pytest.raises(ImportError, match="moved to the `pydantic-settings`"):
        from pydantic import BaseSettings  # noqa: F401


def test_pydantic_settings_has_a_cache_of_its_own(monkeypatch):
    monkeypatch.setenv("ROOMS_DOOR_CODE", "2580")
    first = smallest.Settings.settings_cached()
    monkeypatch.setenv("ROOMS_OPENS", "10")
    assert smallest.Settings.settings_cached() is first
    smallest.Settings.settings_clear_cache()
    assert smallest.Settings.settings_cached().opens == 10
    smallest.Settings.settings_clear_cache()


def test_debug_logging_names_the_files_and_the_values(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROOMS_HOUSE", "Mill Lane 5")
    caplog.set_level("DEBUG", "pydantic_settings")
    traps.Strict()
    assert caplog.text == ""
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    traps.Strict()
    assert f"Env file not found, skipping: {tmp_path}/.env" in caplog.text
    assert "Mill Lane 5" in caplog.text


# --- gotchas


async def test_cached_settings_outlive_the_test(client_for, monkeypatch):
    async def hours(make_app: Callable[[str], Any]) -> list[str]:
        """What two tests in a row see, the second with another variable."""
        seen = []
        for opens in ("9", "10"):
            with monkeypatch.context() as patch:
                patch.setenv("ROOMS_OPENS", opens)
                async with client_for(make_app(opens)) as http:
                    wish = {**MORNING, "start": 1, "end": 2}
                    refused = await http.post("/bookings", json=wish)
                    seen.append(refused.json()["detail"])
        return seen

    def trap(opens: str) -> Any:
        return create_app()

    def fix(opens: str) -> Any:
        return create_app(Settings(opens=int(opens)))

    assert await hours(trap) == ["rooms are open from 9 to 20"] * 2
    assert await hours(fix) == [
        "rooms are open from 9 to 20",
        "rooms are open from 10 to 20",
    ]


async def test_first_request_finds_the_missing_variable(client_for):
    trap = await first_answer(client_for, traps.late)
    fix = await first_answer(client_for, smallest.app)
    assert trap == "500 Internal Server Error"
    assert fix.startswith("no start")


async def test_clients_set_the_settings(client_for, monkeypatch):
    monkeypatch.setenv("ROOMS_DOOR_CODE", "2580")

    async def codes(app: Any) -> list[str]:
        """What the door says, to a client who asks and to one who decides."""
        async with client_for(app) as http:
            asked = await http.get("/door")
            decided = await http.get("/door?door_code=1111")
            return [asked.json(), decided.json()]

    assert await codes(traps.open_to_all) == [
        "the code is 0000",
        "the code is 1111",
    ]
    assert await codes(traps.closed) == ["the code is 2580"] * 2


async def test_the_api_docs_break_with_settings_as_a_dependency(client_for):
    async with client_for(traps.open_to_all) as http:
        assert (await http.get("/openapi.json")).status_code == 500
    async with client_for(traps.closed) as http:
        assert (await http.get("/openapi.json")).status_code == 200


def test_unknown_key_stops_the_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("ROOMS_HOUSE=Mill Lane 5\nPOSTGRES_PASSWORD=s3cret\n")

    refused = told(traps.Strict)
    assert "postgres_password\n  Extra inputs are not permitted" in refused
    assert told(traps.Relaxed) == "Relaxed(house='Mill Lane 5')"


def test_a_list_field_makes_the_class_unusable_as_a_dependency():
    with pytest.raises(PydanticUserError, match="leading underscores"):

        @FastAPI().get("/hosts")
        def hosts(settings: Annotated[traps.Hosts, Depends()]) -> list[str]:
            return settings.hosts


def test_an_unknown_variable_in_the_environment_is_no_error(monkeypatch):
    monkeypatch.setenv("ROOMS_COLOR", "red")
    assert traps.Strict().house == "Main Street 1"


def test_comma_list_is_not_json(monkeypatch):
    def hosts(kind: Any, text: str) -> list[str] | str:
        monkeypatch.setenv("ROOMS_HOSTS", text)
        try:
            return kind().hosts
        except SettingsError as error:
            return str(error)

    assert hosts(traps.Hosts, "a,b") == (
        'error parsing value for field "hosts" from source "EnvSettingsSource"'
    )
    assert hosts(real.Settings, "a,b") == ["a", "b"]
    assert hosts(traps.Hosts, '["a", "b"]') == ["a", "b"]


@pytest.mark.parametrize("kind", [list[int], set[int], dict[str, int], Policy])
def test_structures_are_decoded_before_any_validator(monkeypatch, kind):
    class Structured(BaseSettings):
        data: Annotated[kind, BeforeValidator(lambda text: pytest.fail(text))]

    monkeypatch.setenv("DATA", "1,2")
    with pytest.raises(SettingsError, match='field "data"'):
        Structured()


def test_error_prints_the_secret(monkeypatch, shown):
    monkeypatch.setenv("ROOMS_DOOR_CODE", "2580")
    trap, fix = told(traps.Talkative), told(traps.Discreet)
    shown("secret-in-error", f"{trap}\n\n{fix}")
    assert "2580" in trap
    assert "2580" not in fix


def test_hidden_input_is_still_in_the_list_of_errors(monkeypatch):
    monkeypatch.setenv("ROOMS_DOOR_CODE", "2580")
    with pytest.raises(ValidationError) as refused:
        traps.Discreet()
    assert "2580" in str(refused.value.errors())
    assert "2580" not in str(refused.value.errors(include_input=False))


def test_env_file_is_read_from_elsewhere(tmp_path, monkeypatch, bundle_dir):
    (tmp_path / ".env").write_text("HOUSE=Mill Lane 5\n")
    other = tmp_path / "elsewhere"
    other.mkdir()

    def houses(kind: Any) -> list[str]:
        """What the same code reads when started from two folders."""
        seen = []
        for folder in (tmp_path, other):
            monkeypatch.chdir(folder)
            seen.append(kind().house)
        return seen

    assert houses(traps.FromHere) == ["Mill Lane 5", "Main Street 1"]
    assert houses(traps.Beside) == ["Mill Lane 5", "Mill Lane 5"]

import importlib.metadata
import inspect
import os
import re
import shutil
import signal
import subprocess
import sys
import venv
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import anyio
import pytest
import rebuild

PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
QUIET = {"PATH": PATH, "PYTHONDONTWRITEBYTECODE": "1"}


async def stopped(server, *command, before=(), inside=()):
    """Run a command, stop its first process as Docker would, and look around."""
    address = ["UVICORN_HOST={host}", "UVICORN_PORT={port}"]
    command = ["env", *before, *address, *inside, *command]
    async with server(command=command, env={"PATH": PATH}) as url:
        os.kill(
            child(url.process.pid) if inside else url.process.pid, signal.SIGTERM
        )
        status = await anyio.to_thread.run_sync(url.process.wait)
        return {
            "status": status,
            "closed": "Connections closed" in url.log(),
            "answers": answers(url.port),
        }


def child(pid):
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def answers(port):
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/health")
        except ConnectionRefusedError:
            return False
        return connection.getresponse().status == 200


@pytest.fixture
def dockerfile(bundle_dir):
    return (bundle_dir / "Dockerfile").read_text()


@pytest.fixture
def cmd(dockerfile):
    return rebuild.command(dockerfile)


def hadolint(folder, *names):
    tool = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [tool, "--no-color", *names], cwd=folder, capture_output=True, text=True
    )
    return done.returncode, done.stdout


# How the app behaves


async def test_the_greeting_is_set_by_the_environment(client, monkeypatch):
    monkeypatch.setenv("GREETING", "Good morning")
    answer = await client.get("/greetings/Ada")
    assert (answer.status_code, answer.json()) == (
        200,
        {"greeting": "Good morning, Ada"},
    )


async def test_health_tells_which_version_runs(client, monkeypatch):
    monkeypatch.setenv("APP_VERSION", "1.4.2")
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"version": "1.4.2"})


# The image


def test_hadolint_is_content_with_both_images(bundle_dir):
    assert hadolint(bundle_dir, "Dockerfile", "small/Dockerfile") == (0, "")


def test_what_hadolint_finds_and_what_it_misses(bundle_dir, shown):
    status, found = hadolint(bundle_dir, "traps/Dockerfile")
    assert status == 1
    assert re.findall(r"DL\d+", found) == ["DL3007", "DL3042"]
    shown("hadolint", found.replace("traps/Dockerfile:", "line "))
    text = (bundle_dir / "traps/Dockerfile").read_text()
    assert "USER" not in text
    assert "$PORT" in text


def test_the_user_is_a_number_and_owns_nothing(dockerfile):
    steps = rebuild.steps(dockerfile)
    [user] = [step.rest for step in steps if step.word == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert not [step for step in steps if "--chown" in step.rest]


def test_the_build_stage_leaves_only_its_environment_behind(dockerfile):
    final = rebuild.steps(dockerfile[dockerfile.rindex("FROM ") :])
    copied = [step.rest for step in final if step.word == "COPY"]
    assert copied == ["--from=build /opt/venv /opt/venv", "app app"]
    assert not [step for step in final if "pip" in step.rest]


def test_the_lock_names_everything_that_gets_installed(bundle_dir):
    lines = (bundle_dir / "requirements.txt").read_text().split()
    names = {line.partition("==")[0] for line in lines}
    assert all("==" in line for line in lines)
    assert {"fastapi", "uvicorn"} <= names
    wanted = re.compile(r"^([\w-]+)(?!.*\bextra\b)")
    needed = {
        found[1].lower().replace("_", "-")
        for name in names
        for line in importlib.metadata.requires(name) or []
        if "python_version" not in line
        and "platform" not in line
        and (found := wanted.search(line))
    }
    assert needed <= names


def test_compose_fits_its_schema_and_the_image(bundle_dir, dockerfile):
    import yaml

    tool = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    check = [*tool, "vendor.compose-spec", "compose.yml"]
    subprocess.run(check, cwd=bundle_dir, check=True, capture_output=True)
    services = yaml.safe_load((bundle_dir / "compose.yml").read_text())["services"]
    assert services["worker"]["command"] == ["python", "-m", "app.worker"]
    assert services["worker"]["healthcheck"] == {"disable": True}
    patience = int(services["api"]["stop_grace_period"].removesuffix("s"))
    drain = rebuild.environment(dockerfile)["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"]
    assert int(drain) < patience


async def test_the_image_command_serves_and_tells_its_health(
    server, cmd, dockerfile, bundle_dir, shown
):
    assert cmd == ["uvicorn", "app.main:app"]
    health = rebuild.command(dockerfile, "HEALTHCHECK")

    async def status(port):
        env = {**QUIET, "UVICORN_PORT": str(port), "HTTP_PROXY": "http://x:1"}
        done = await anyio.run_process(
            health, cwd=bundle_dir, env=env, check=False, stderr=subprocess.DEVNULL
        )
        return done.returncode

    settings = {"PATH": PATH, "GREETING": "Good morning"}
    command = ["env", "UVICORN_HOST={host}", "UVICORN_PORT={port}", *cmd]
    async with server(command=command, env=settings) as url:
        async with url.client() as http:
            answer = (await http.get("/greetings/Ada")).json()
        assert answer == {"greeting": "Good morning, Ada"}
        assert await status(url.port) == 0
        url.process.send_signal(signal.SIGTERM)
        assert await anyio.to_thread.run_sync(url.process.wait) == -signal.SIGTERM
        assert await status(url.port) == 1
        log = url.log()
    shown(
        "stopped",
        log[log.index("INFO:     Shutting down") :].split("INFO:     Fin")[0],
    )


def test_what_runs_again_after_a_change(bundle_dir, shown):
    names = ["app/main.py", "requirements.txt", "README.md"]
    files = dict.fromkeys(names, "before")
    ways = [
        ("traps/Dockerfile", "traps/gitignore-style.dockerignore"),
        ("Dockerfile", ".dockerignore"),
    ]
    lines = []
    for name in names:
        lines.append(f"{name} has changed")
        for dockerfile, ignore in ways:
            build, patterns = (
                (bundle_dir / one).read_text() for one in (dockerfile, ignore)
            )
            before = rebuild.sent(files, patterns)
            after = rebuild.sent(files | {name: "after"}, patterns)
            again = rebuild.runs_again(build, before, after) or ["nothing"]
            lines += [f"  {dockerfile}:", *(f"    {one}" for one in again)]
    shown("runs-again", "\n".join(lines) + "\n")


def test_a_new_version_number_repeats_no_work(dockerfile):
    renamed = dockerfile.replace("VERSION=dev", "VERSION=2")
    early = renamed.replace("ARG VERSION=2\n", "").replace(
        "RUN useradd", "ARG VERSION=2\nRUN useradd"
    )

    def work_again(dockerfile):
        changed = dockerfile.replace("VERSION=2", "VERSION=3")
        return rebuild.runs_again(dockerfile, {}, {}, changed)

    assert work_again(renamed) == []
    assert len(work_again(early)) == 3


def test_dash_stays_and_bash_steps_aside():
    def first_process(shell):
        """Return what the first process of a shell form has become."""
        if shutil.which(shell) is None:
            pytest.skip(f"needs {shell}")
        with subprocess.Popen([shell, "-c", "sleep 60"]) as process:
            name = Path(f"/proc/{process.pid}/comm")
            running = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            try:
                while name.read_text() != "sleep\n" and not running.read_text():
                    pass
                return name.read_text().strip()
            finally:
                for pid in [*map(int, running.read_text().split()), process.pid]:
                    os.kill(pid, signal.SIGKILL)

    assert first_process("dash") == "dash"
    assert first_process("bash") == "sleep"


def test_fastapi_run_reads_port():
    from fastapi_cli import cli

    port = inspect.signature(cli.run).parameters["port"].annotation.__metadata__[0]
    assert port.envvar == "PORT"


async def test_as_pid_1_a_stopped_server_ends_with_zero(server, cmd):
    outcome = await stopped(server, *cmd, inside=new_pid_namespace())
    assert outcome == {"status": 0, "closed": True, "answers": False}


# Gotchas: trap and fix through the same probe


async def test_shell_keeps_the_signal(server):
    outcomes = {}

    async def stop(script):
        outcomes[script] = await stopped(server, "sh", script)

    async with anyio.create_task_group() as group:
        group.start_soon(stop, "traps/start.sh")
        group.start_soon(stop, "start.sh")
    ended = {"status": -signal.SIGTERM}
    assert outcomes["traps/start.sh"] == ended | {"closed": False, "answers": True}
    assert outcomes["start.sh"] == ended | {"closed": True, "answers": False}


def new_pid_namespace():
    """Return a command that gives the next one PID 1, as a container does."""
    more = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *more, "--fork", "--pid", "--kill-child"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*command, "true"]).returncode
    ):
        pytest.skip("needs Linux, and the right to make a PID namespace")
    return command


def test_pid_1_ignores_the_signal(bundle_dir):
    def after_sigterm(worker, *before):
        """Return the last of five lines after the signal, and the status."""
        command = [*before, sys.executable, "-u", worker]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, cwd=bundle_dir, stdout=pipe, text=True
        ) as process:
            try:
                assert process.stdout.readline() == "job done\n"
                pid = child(process.pid) if before else process.pid
                os.kill(pid, signal.SIGTERM)
                lines = [process.stdout.readline().strip() for _ in range(5)]
                runs_on = bool(lines[-1])
                status = None if runs_on else process.wait()
            finally:
                process.kill()
        return next(filter(None, reversed(lines)), ""), status

    pid_1 = new_pid_namespace()
    assert after_sigterm("traps/worker.py")[1] == -signal.SIGTERM
    assert after_sigterm("traps/worker.py", *pid_1) == ("job done", None)
    assert after_sigterm("app/worker.py", *pid_1) == ("stopped between two jobs", 0)


async def test_port_is_not_expanded(server, bundle_dir, cmd):
    outcomes = {}
    env = {"PATH": PATH, "PORT": "8080", "UVICORN_HOST": "127.0.0.1"}

    async def start(name, command):
        command = ["env", "UVICORN_PORT={port}", *command]
        try:
            async with server(command=command, env=env) as url:
                outcomes[name] = answers(url.port)
        except RuntimeError as error:
            outcomes[name] = str(error)

    trap = rebuild.command((bundle_dir / "traps/Dockerfile").read_text())
    async with anyio.create_task_group() as group:
        group.start_soon(start, "trap", trap)
        group.start_soon(start, "fix", cmd)
    error = "Invalid value for '--port': '$PORT' is not a valid integer"
    assert error in outcomes["trap"]
    assert outcomes["fix"] is True


def test_code_before_dependencies(bundle_dir, dockerfile):
    files = dict.fromkeys(["app/main.py", "requirements.txt"], "before")

    def installs_again(dockerfile):
        changed = files | {"app/main.py": "after"}
        again = rebuild.runs_again(dockerfile, files, changed)
        return any("pip install" in step for step in again)

    assert installs_again((bundle_dir / "traps/Dockerfile").read_text())
    assert not installs_again(dockerfile)


def test_nested_secrets_enter_the_image(bundle_dir):
    names = [
        ".env",
        ".git/config",
        "README.md",
        "app/.env",
        "app/.env.local",
        "app/__init__.py",
        "app/__pycache__/main.pyc",
        "app/main.py",
        "app/test.sqlite3",
        "requirements.txt",
    ]

    def enter(dockerignore):
        files = dict.fromkeys(names, "")
        return set(rebuild.sent(files, (bundle_dir / dockerignore).read_text()))

    code = {"app/__init__.py", "app/main.py", "requirements.txt"}
    secret = {"app/.env", "app/.env.local", "app/test.sqlite3"}
    trap = enter("traps/gitignore-style.dockerignore")
    assert trap == code | secret | {"README.md", "app/__pycache__/main.pyc"}
    assert enter(".dockerignore") == code


def test_copied_venv_loses_its_python(tmp_path):
    built, copied = tmp_path / "build/venv", tmp_path / "srv/venv"
    venv.create(built, symlinks=True)
    ours = Path(sys.executable).with_name("uvicorn").read_text()
    assert ours.startswith(f"#!{Path(sys.executable).parent}/python")
    script = built / "bin/uvicorn"
    script.write_text(f"#!{built}/bin/python\n" + ours.partition("\n")[2])
    script.chmod(0o755)
    [packages] = built.glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text(str(Path(pytest.__file__).parents[1]))

    def runs(*command):
        try:
            done = subprocess.run([*command, "--version"], capture_output=True)
        except FileNotFoundError as error:
            return error.strerror
        return done.returncode

    shutil.move(built, copied)
    assert runs(copied / "bin/uvicorn") == "No such file or directory"
    assert runs(copied / "bin/python", "-m", "uvicorn") == 0
    shutil.move(copied, built)
    assert runs(built / "bin/uvicorn") == 0


async def test_last_lines_are_lost(server, cmd, dockerfile):
    outcomes = {}
    image = rebuild.environment(dockerfile)

    async def stop(name, *before):
        before = ["-u", "PYTHONUNBUFFERED", *before]
        outcomes[name] = await stopped(server, *cmd, before=before)

    async with anyio.create_task_group() as group:
        group.start_soon(stop, "buffered")
        setting = f"PYTHONUNBUFFERED={image['PYTHONUNBUFFERED']}"
        group.start_soon(stop, "unbuffered", setting)
    assert outcomes["buffered"]["closed"] is False
    assert outcomes["unbuffered"]["closed"] is True

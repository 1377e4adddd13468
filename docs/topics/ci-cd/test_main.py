import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psycopg
import pytest
import yaml
from macros.proofs.server import free_port

BIN = Path(sys.executable).parent
IMPORTS = ("alembic.config", "fastapi.testclient", "psycopg", "redis", "uvicorn")
IMPORTS += ("sqlalchemy.orm", "sqlalchemy.dialects.postgresql.psycopg", "_pytest")
IMPORTS += ("mypy.main", "mypy.checker")
SHELLS = {
    None: ["bash", "-e"],
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
}


def read_workflow(path):
    return yaml.load(path.read_text(), yaml.BaseLoader)


def commands(workflow):
    """Return the run: steps of a workflow as {(job, step): command}."""
    return {
        (job, step["name"]): step["run"]
        for job, settings in workflow["jobs"].items()
        for step in settings["steps"]
        if "run" in step
    }


def run_as_github_would(command, shell, cwd, env=()):
    """Run one run: step; return its exit code and output."""
    with tempfile.TemporaryDirectory() as temp:
        script = Path(temp, "step.sh")
        script.write_text(command + "\n")
        done = subprocess.run(
            [*SHELLS[shell], script],
            cwd=cwd,
            env=clean_env(RUNNER_TEMP=temp, **dict(env)),
            capture_output=True,
            text=True,
        )
    return done.returncode, done.stdout + done.stderr


def run_plain(tools, command, cwd, env=()):
    """Run a command without shell syntax in a process that has the imports done."""
    words = shlex.split(command)
    process = tools.start(*words, cwd=cwd, env=clean_env(**dict(env)))
    output = "".join(process.communicate())
    return process.returncode, output


def clean_env(**more):
    # The cache of mypy is kept between runs, as the pipeline's own is.
    keep = {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": tempfile.gettempdir(),
        "MYPY_CACHE_DIR": str(Path(tempfile.gettempdir(), "knowledge-map-mypy")),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return keep | more


@pytest.fixture
def pipeline(bundle_dir):
    return read_workflow(bundle_dir / "real/pipeline.yml")


@pytest.fixture
def services(postgres, valkey):
    return {"DATABASE_URL": sqlalchemy_url(postgres), "VALKEY_URL": valkey}


def sqlalchemy_url(url):
    return url.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def tools(warm):
    return warm(*IMPORTS)


# The small app and its workflow


async def test_the_price_is_per_gram(client):
    answer = await client.get("/price", params={"tea": "assam", "grams": 250})
    assert answer.json() == {"cents": 1750}
    answer = await client.get("/price", params={"tea": "cola", "grams": 1})
    assert answer.status_code == 404


async def test_version_tells_the_commit(client, monkeypatch):
    assert (await client.get("/version")).json() == {"revision": "unknown"}
    monkeypatch.setenv("REVISION", "4f2a91c")
    assert (await client.get("/version")).json() == {"revision": "4f2a91c"}


def test_each_step_finds_its_own_mistake(workdir, tools, shown):
    checks = commands(read_workflow(workdir / "check.yml"))
    del checks["check", "Install"]
    mistakes = {
        "nothing wrong": ("", ""),
        "an import that nobody uses": ("import os", "import json\nimport os"),
        "a value that may be missing": ('"REVISION", "unknown"', '"REVISION"'),
        "a wrong price": ('"assam": 7', '"assam": 8'),
    }

    def fails(mistake):
        folder = workdir / mistake
        folder.mkdir()
        shutil.copy(workdir / "check_price.py", folder)
        main = (workdir / "main.py").read_text()
        (folder / "main.py").write_text(main.replace(*mistakes[mistake], 1))
        return [run_plain(tools, each, folder)[0] != 0 for each in checks.values()]

    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(mistakes, pool.map(fails, mistakes), strict=True))
    assert list(found.values()) == [
        [False, False, False],
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]
    lines = [f"{'':30}" + "".join(f"{name:7}" for _, name in checks)]
    for mistake, steps in found.items():
        words = "".join(f"{'fails' if each else 'ok':7}" for each in steps)
        lines.append(f"{mistake:30}{words}")
    shown("mistakes", "\n".join(line.rstrip() for line in lines))


# The pipeline


def test_the_workflows_fit_their_schema(bundle_dir, tmp_path):
    def check(*files):
        tool = [BIN / "check-jsonschema", "--builtin-schema"]
        command = [*tool, "vendor.github-workflows", *files]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stdout

    pipeline = bundle_dir / "real/pipeline.yml"
    assert check(bundle_dir / "check.yml", pipeline)[0] == 0
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(pipeline.read_text().replace("runs-on:", "run-on:", 1))
    code, output = check(wrong)
    assert code == 1
    assert "'run-on'" in output or "runs-on" in output


def test_hadolint_is_content_with_the_image(bundle_dir):
    done = subprocess.run([BIN / "hadolint", bundle_dir / "real/Dockerfile"])
    assert done.returncode == 0


def test_the_commands_of_the_pipeline_pass(
    workdir, pipeline, services, tools, shown
):
    explained = {("lint", "Install"), ("test", "Install"), ("deploy", "Deploy")}
    steps = commands(pipeline)
    shell = pipeline["defaults"]["run"]["shell"]

    def run_job(name):
        for (job, step), command in steps.items():
            if job != name or (job, step) in explained:
                continue
            where = (command, workdir / "real", services)
            if re.search(r"[|$]", command):
                code, output = run_as_github_would(command, shell, *where[1:])
            else:
                code, output = run_plain(tools, *where)
            assert code == 0, (job, step, output)

    with ThreadPoolExecutor() as pool:
        list(pool.map(run_job, ["lint", "test"]))
    lines = [
        f"{'explained' if step in explained else 'run':11}{step[0]:8}{command}"
        for step, command in steps.items()
    ]
    shown("steps", "\n".join(lines))


def reachable(job):
    """Whether the addresses in a job's environment are those of its services."""
    services = job["services"]
    if "container" in job:
        open_ports = {(name, None) for name in services}
    else:
        ports = [
            port for each in services.values() for port in each.get("ports", [])
        ]
        open_ports = {("localhost", int(port.split(":")[0])) for port in ports}
    for name, value in job["env"].items():
        if name.endswith("_URL"):
            url = urlsplit(value)
            port = None if "container" in job else url.port
            if (url.hostname, port) not in open_ports:
                return False
    return True


def test_the_steps_look_for_the_services_where_they_are(pipeline):
    job = pipeline["jobs"]["test"]
    by_name = {
        key: value.replace("localhost", service)
        for (key, value), service in zip(
            job["env"].items(), job["services"], strict=True
        )
    }
    assert reachable(job)
    assert not reachable(job | {"env": by_name})
    assert reachable(job | {"env": by_name, "container": "python:3.13"})
    assert all(
        "--health-cmd" in each["options"] for each in job["services"].values()
    )


def test_a_pull_request_gets_no_secret_and_no_right_to_write(pipeline):
    assert set(pipeline["on"]) == {"pull_request", "push"}
    assert pipeline["permissions"] == {"contents": "read"}
    jobs = pipeline["jobs"]
    only_main = "github.event_name == 'push' && github.ref == 'refs/heads/main'"
    for name in jobs:
        job = jobs[name]
        trusted = job.get("if") == only_main or "image" in job.get("needs", [])
        powerful = "secrets." in json.dumps(job) or "permissions" in job
        assert powerful == trusted, name


def test_every_action_is_pinned_to_a_commit(bundle_dir):
    for file in ("check.yml", "real/pipeline.yml"):
        uses = re.findall(r"uses: (.*)", (bundle_dir / file).read_text())
        assert uses
        for action in uses:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_deployments_wait_for_each_other(pipeline):
    deploy = pipeline["jobs"]["deploy"]
    assert deploy["concurrency"] == {
        "group": "production",
        "cancel-in-progress": "false",
    }
    assert deploy["env"]["IMAGE"].endswith("@${{ needs.image.outputs.digest }}")


# Deployments: a stand-in for the Docker command, with folders as images and
# processes as containers. PostgreSQL, the migrations and the servers are real.


class Docker:
    def __init__(self, tools, env, folder):
        self.tools, self.env, self.folder = tools, env, folder
        self.address = f"127.0.0.1:{free_port()}"
        self.images, self.tags, self.calls = {}, {}, []
        self.image = self.container = None

    def build(self, project, revision, change=lambda folder: None):
        folder = self.folder / revision
        shutil.copytree(project, folder)
        change(folder)
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
        name = f"shop@sha256:{digest.hexdigest()}"
        self.images[name] = (folder, revision)
        self.tags["shop:latest"] = name
        return name

    def __call__(self, *arguments):
        self.calls.append(arguments[0])
        match arguments:
            case ["inspect", "--format", "{{.Config.Image}}", "shop"]:
                return self.image
            case ["stop", "shop"]:
                self.stop()
            case ["rm", "shop"]:
                self.container = None
            case ["run", "--rm", "--env", "DATABASE_URL", image, *command]:
                self.calls.append(" ".join(command))
                process = self.process(image, *command)
                output = process.communicate()
                assert process.returncode == 0, output
            case ["run", "--detach", *_, image]:
                self.run(image)
        return ""

    def run(self, image):
        host, port = self.address.split(":")
        where = ["--host", host, "--port", port]
        self.image = image
        self.container = self.process(image, "uvicorn", "app.main:app", *where)

    def process(self, image, *command):
        folder, revision = self.images[self.tags.get(image, image)]
        env = clean_env(**self.env, REVISION=revision)
        return self.tools.start(*command, cwd=folder, env=env)

    def stop(self):
        if self.container is not None and self.container.poll() is None:
            os.kill(self.container.pid, signal.SIGTERM)
            self.container.wait()

    def status(self, path="/teas", data=None):
        body = None if data is None else json.dumps(data).encode()
        headers = {"content-type": "application/json"}
        request = Request(f"http://{self.address}{path}", body, headers)
        try:
            with urlopen(request, timeout=20) as answer:
                return answer.status
        except HTTPError as error:
            return error.code

    def revision(self):
        with urlopen(f"http://{self.address}/version", timeout=20) as answer:
            return json.load(answer)["revision"]


@contextmanager
def production(tools, env, workdir, folder, by_tag=False):
    """Yield a Docker that runs revision v1 on a migrated database."""
    from real.deploy import passes_smoke_test

    docker = Docker(tools, env, folder)
    try:
        image = docker.build(workdir / "real", "v1")
        docker("run", "--rm", "--env", "DATABASE_URL", image, *UPGRADE)
        docker.run("shop:latest" if by_tag else image)
        assert passes_smoke_test(docker.address, "v1")
        yield docker
    finally:
        docker.stop()


UPGRADE = ("alembic", "upgrade", "head")


@pytest.mark.parametrize("before", ["shop@sha256:old", None])
def test_a_container_that_cannot_start_is_a_failed_deployment_too(before):
    from real.deploy import deploy

    started = []

    def docker(*arguments):
        if arguments[0] in {"inspect", "stop", "rm"} and before is None:
            raise subprocess.CalledProcessError(1, "docker")
        if arguments[:2] == ("run", "--detach"):
            started.append(arguments[-1])
            if started == ["new"]:
                raise subprocess.CalledProcessError(125, "docker")
        return before if arguments[0] == "inspect" else ""

    assert not deploy("new", "v2", docker, "127.0.0.1:9")
    assert started == (["new", before] if before else ["new"])


def with_origin(folder):
    """Make the release that adds a column."""
    shutil.copy("release/models.py", folder / "app")
    shutil.copy("release/0002_expand_add_origin.py", folder / "migrations/versions")


def with_failing_list(folder):
    """Make a release that needs a setting which CI had and production has not."""
    main = folder / "app/main.py"
    text = main.read_text().replace(
        "    teas = session", '    os.environ["CURRENCY"]\n    teas = session'
    )
    main.write_text(text)


def test_the_database_is_migrated_while_the_old_version_answers(
    tools, services, workdir, tmp_path
):
    from real.deploy import deploy, passes_smoke_test

    with production(tools, services, workdir, tmp_path) as docker:
        old = docker.image
        assert not passes_smoke_test(docker.address, "v2")
        assam = {"name": "Assam", "cents": 700}
        assert docker.status("/teas", assam) == 201
        new = docker.build(workdir / "real", "v2", with_origin)
        docker("run", "--rm", "--env", "DATABASE_URL", new, *UPGRADE)
        sencha = {"name": "Sencha", "cents": 900}
        assert docker.revision() == "v1"
        assert docker.status("/teas", sencha) == 201
        assert docker.status("/teas") == 200

        docker.calls.clear()
        assert deploy(new, "v2", docker, docker.address)
        order = ["inspect", "run", "alembic upgrade head", "stop", "rm", "run"]
        assert docker.calls == order
        assert (docker.image, docker.revision()) == (new, "v2")
        assert docker.status("/teas/Sencha") == 200

        docker.stop()
        old_image_again = docker.process(old, *UPGRADE)
        assert "Can't locate revision identified by '0002'" in "".join(
            old_image_again.communicate()
        )


# Gotchas: trap and fix through the same probe


def test_tee_hides_the_failure(tmp_path, pipeline):
    command = commands(pipeline)["test", "Test"]
    test = "def test_sum():\n    assert 1 + 1 == 3\n"
    (tmp_path / "sum_test.py").write_text(test)

    def exit_code(shell):
        code, output = run_as_github_would(command, shell, tmp_path)
        assert "1 failed" in output
        return code

    assert exit_code(None) == 0
    assert exit_code(pipeline["defaults"]["run"]["shell"]) == 1


def test_sqlite_is_content_with_too_long_a_name(workdir, tools, services, tmp_path):
    project = workdir / "real"
    for file in ("app/models.py", "migrations/versions/0001_create_teas.py"):
        text = (project / file).read_text()
        (project / file).write_text(text.replace("String(60)", "String(12)"))

    def test_job(database):
        # Each a Valkey database of its own: both count views of the same tea.
        number = int(database.startswith("sqlite"))
        valkey = (
            urlsplit(services["VALKEY_URL"])._replace(path=f"/{number}").geturl()
        )
        env = services | {"DATABASE_URL": database, "VALKEY_URL": valkey}
        assert run_plain(tools, shlex.join(UPGRADE), project, env)[0] == 0
        code, output = run_plain(
            tools, "pytest -p no:cacheprovider --tb=line", project, env
        )
        return code, "value too long for type character varying(12)" in output

    sqlite = f"sqlite:///{tmp_path}/shop.db"
    trap, fix = both(test_job, sqlite, services["DATABASE_URL"])
    assert trap == (0, False)
    assert fix == (1, True)


def test_two_heads_pass_the_tests(workdir, tools, services, pipeline):
    project = workdir / "real"
    versions = project / "migrations/versions"
    shell = pipeline["defaults"]["run"]["shell"]
    one_head = commands(pipeline)["lint", "One head"]
    shutil.copy("release/0002_expand_add_origin.py", versions)
    shutil.copy("traps/0002_add_stock.py", versions)

    def passes(*command):
        if command == (one_head,):
            return not run_as_github_would(*command, shell, project, services)[0]
        code, output = run_plain(tools, shlex.join(command), project, services)
        assert code == 0 or "Multiple head revisions are present" in output
        return code == 0

    assert passes("alembic", "upgrade", "heads")
    assert not passes(*UPGRADE)
    assert not passes(one_head)


def test_image_is_not_what_was_tested(tmp_path):
    def publish(version):
        name = f"tea_tools-{version}"
        info = f"{name}.dist-info"
        with zipfile.ZipFile(tmp_path / f"{name}-py3-none-any.whl", "w") as wheel:
            head = f"Metadata-Version: 2.1\nName: tea-tools\nVersion: {version}\n"
            wheel.writestr(f"{info}/METADATA", head)
            kind = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            wheel.writestr(f"{info}/WHEEL", kind)
            wheel.writestr(f"{info}/RECORD", "")

    def installs(requirement):
        (tmp_path / "requirements.txt").write_text(requirement)
        command = [BIN / "uv", "pip", "install", "--dry-run", "--no-index"]
        command += ["--offline", "--no-cache", "--python", sys.executable]
        command += ["--find-links", tmp_path, "-r", tmp_path / "requirements.txt"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return re.search(r"tea-tools==(\S+)", done.stderr)[1]

    def tested_and_built(requirement):
        for wheel in tmp_path.glob("*.whl"):
            wheel.unlink()
        publish("1.0")
        tested = installs(requirement)
        publish("2.0")
        return tested, installs(requirement)

    assert tested_and_built("tea-tools>=1.0") == ("1.0", "2.0")
    assert tested_and_built("tea-tools==1.0") == ("1.0", "1.0")


def rolled_back(tools, services, workdir, folder, release, by_tag=False):
    """Deploy a release that fails its smoke test; tell what answers after it."""
    from real.deploy import deploy, passes_smoke_test

    url = services["DATABASE_URL"]
    with psycopg.connect(
        url.replace("+psycopg", ""), autocommit=True
    ) as connection:
        connection.execute(f"CREATE SCHEMA {folder.name}")
    own = f"{url}?options=-c%20search_path%3D{folder.name}"
    env = services | {"DATABASE_URL": own}
    with production(tools, env, workdir, folder, by_tag) as docker:
        new = docker.build(workdir / "real", "v2", release)
        image = "shop:latest" if by_tag else new
        assert not deploy(image, "v2", docker, docker.address)
        passes_smoke_test(docker.address, "v1")
        seen = docker.revision(), docker.status("/teas")
        docker.stop()
        log = "".join(docker.container.communicate())
        errors = ["UndefinedColumn) column teas.cents does not exist", "KeyError"]
        return *seen, next((error for error in errors if error in log), "")


def both(probe, trap, fix):
    with ThreadPoolExecutor(2) as pool:
        return tuple(pool.map(probe, [trap, fix]))


def test_latest_brings_back_the_broken_image(tools, services, workdir, tmp_path):
    def after_rollback(by_tag):
        folder = tmp_path / ("by_tag" if by_tag else "by_digest")
        return rolled_back(
            tools, services, workdir, folder, with_failing_list, by_tag
        )

    trap, fix = both(after_rollback, True, False)
    assert trap == ("v2", 500, "KeyError")
    assert fix == ("v1", 200, "")


def with_rename(folder):
    with_failing_list(folder)
    shutil.copy("traps/0002_rename_cents.py", folder / "migrations/versions")
    models = folder / "app/models.py"
    text = models.read_text().replace("cents: Mapped", "price: Mapped")
    models.write_text(text.replace("cents: int", "price: int"))


def with_expansion(folder):
    with_failing_list(folder)
    with_origin(folder)


def test_rollback_meets_a_renamed_column(tools, services, workdir, tmp_path):
    def after_rollback(release):
        folder = tmp_path / release.__name__
        return rolled_back(tools, services, workdir, folder, release)

    trap, fix = both(after_rollback, with_rename, with_expansion)
    assert trap == ("v1", 500, "UndefinedColumn) column teas.cents does not exist")
    assert fix == ("v1", 200, "")

import asyncio
import copy
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import autoscaler
import httpx2
import pytest
import rules
from macros.proofs.server import free_port
from main import app
from rules import RULES, Manifests, broken

BIN = Path(sys.executable).parent
OURS = ["k8s/deployment.yml", "k8s/hpa.yml", "k8s/pdb.yml", "k8s/service.yml"]


@pytest.fixture
def ours(bundle_dir):
    return Manifests.load([bundle_dir / name for name in OURS], app)


def but(manifests, path, value=None):
    """The same manifests with one place changed, or taken out."""
    kinds = copy.deepcopy(manifests.kinds)
    names = [int(name) if name.isdigit() else name for name in path.split(".")]
    *parents, last = names
    place = kinds
    for name in parents:
        place = place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return Manifests(kinds, manifests.app)


POD = "Deployment.template.spec"
WEB = f"{POD}.containers.0"
PLACES = "endpoint-0", "endpoint-1"


def validate(folder, *words):
    """What the validator says, and its exit status."""
    done = subprocess.run(
        [BIN / "kubernetes-validate", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


# The app


async def test_the_answer_names_the_pod(client, monkeypatch):
    monkeypatch.setenv("POD_NAME", "greeter-7d9c-x2v4k")
    answer = await client.get("/greetings/Ada")
    assert (answer.status_code, answer.json()) == (
        200,
        {"greeting": "Hello, Ada", "pod": "greeter-7d9c-x2v4k"},
    )


async def test_each_probe_of_the_manifest_gets_a_yes(client, ours):
    for name in rules.PROBES:
        answer = await client.get(ours.container[name]["httpGet"]["path"])
        assert answer.status_code == 200


# The manifests


def test_every_manifest_fits_its_schema(bundle_dir, shown):
    status, said = validate(bundle_dir, "--strict", *OURS, "small.yml")
    assert (status, said.count(" passed for ")) == (0, 6)
    shown("valid", said)


def test_no_rule_is_broken_by_what_we_ship(ours):
    assert broken(ours) == []


def test_the_schema_is_content_and_the_rules_are_not(bundle_dir, shown):
    status, said = validate(bundle_dir, "--strict", "traps/greeter.yml")
    assert (status, said.count(" passed for ")) == (0, 4)
    usual = Manifests.load([bundle_dir / "traps/greeter.yml"], app)
    assert broken(usual) == [one for one in RULES if "target is a port" not in one]
    shown("rules", "\n".join(f"broken: {one}" for one in broken(usual)))


BREAKS = {
    "the Service selects": ("Service.selector", {"app": "greeting"}),
    "the Service's target": ("Service.ports.0.targetPort", 80),
    "the server listens on": (f"{WEB}.command.3", "--port=80"),
    "the server listens to": (f"{WEB}.command.2", "--host=127.0.0.1"),
    "every probe": (f"{WEB}.livenessProbe.httpGet.path", "/health"),
    "a pod gets": (f"{WEB}.readinessProbe", None),
    "a stopping pod": (f"{WEB}.lifecycle", None),
    "sleep and shutdown": (f"{POD}.terminationGracePeriodSeconds", 30),
    "a rollout takes": ("Deployment.strategy", None),
    "the image": (f"{WEB}.image", "registry.example.com:5000/greeter"),
    "CPU and memory": (f"{WEB}.resources.requests.cpu", None),
    "the autoscaler alone": ("Deployment.replicas", 2),
    "the budget": ("PodDisruptionBudget.maxUnavailable", 0),
}


@pytest.mark.parametrize("sentence", RULES)
def test_each_rule_sees_its_own_mistake(ours, sentence):
    [change] = [BREAKS[start] for start in BREAKS if sentence.startswith(start)]
    assert broken(but(ours, *change)) == [sentence]


def test_a_stuck_pod_is_restarted_after_half_a_minute_a_slow_start_after_one(ours):
    def seconds(name):
        probe = ours.container[name]
        return probe["periodSeconds"] * probe["failureThreshold"]

    assert [seconds(name) for name in rules.PROBES] == [60, 30, 10]


def test_the_sleep_hook_is_unknown_to_old_clusters(bundle_dir):
    def accepted(version):
        options = "--strict", "--quiet", "-k", version
        return validate(bundle_dir, *options, "k8s/deployment.yml")[0] == 0

    assert [accepted("1.28"), accepted("1.30")] == [False, True]


def test_a_removed_api_version_is_a_warning_for_the_validator(workdir):
    hpa = workdir / "k8s/hpa.yml"
    hpa.write_text(hpa.read_text().replace("autoscaling/v2", "autoscaling/v2beta2"))

    def word(version):
        status, said = validate(workdir, "--strict", "-k", version, "k8s/hpa.yml")
        assert status == 0
        return said.split()[0]

    assert [word("1.25"), word("1.26")] == ["INFO", "WARN"]


def test_the_autoscaler_divides_by_the_request(ours, shown):
    hpa, lines = ours.kinds["HorizontalPodAutoscaler"], []
    for used in ["100m", "310m", "450m", "500m", "1000m"]:
        percent = autoscaler.utilization(ours.container, [used] * 3)
        pods = autoscaler.desired(hpa, 3, percent)
        lines.append(f"3 pods use {used:>5} each = {percent:>3.0f} %   -> {pods}")
    shown("scaling", "\n".join(lines))
    assert [line.split()[-1] for line in lines] == ["3", "3", "5", "5", "10"]


# A rollout, with Caddy as the Service and real processes as pods


def service(folder, port):
    """Caddy as kube-proxy: each connection to the next pod, no second try."""
    proxy = {
        "handler": "reverse_proxy",
        "load_balancing": {"selection_policy": {"policy": "round_robin"}},
        "transport": {"protocol": "http", "keep_alive": {"enabled": False}},
        "upstreams": [{"dial": f"{{file.{folder / place}}}"} for place in PLACES],
    }
    site = {
        "listen": [f"127.0.0.1:{port}"],
        "automatic_https": {"disable": True},
        "routes": [{"handle": [proxy]}],
    }
    quiet = {"logs": {"default": {"level": "ERROR"}}}
    admin = {"disabled": True, "config": {"persist": False}}
    apps = {"http": {"servers": {"service": site}}}
    return {"admin": admin, "logging": quiet, "apps": apps}


def publish(folder, *pods):
    """Tell the Service which pods there are; Caddy reads this for each request."""
    for place, pod in zip(PLACES, [*pods, *pods], strict=False):
        address = folder / f"{place}.new"
        address.write_text(f"127.0.0.1:{pod.port}")
        address.rename(folder / place)


class Stream:
    """Requests that never pause; who answered them in each phase, and how."""

    def __init__(self, url):
        self.url, self.phase, self.seen, self.lost = url, None, {}, 0

    async def __aenter__(self):
        self.task = asyncio.create_task(self.run())
        return self

    async def __aexit__(self, *error):
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task  # raises what ended it too early

    async def run(self):
        none_kept = httpx2.Limits(max_keepalive_connections=0)
        async with self.url.client(limits=none_kept, timeout=30) as http:
            await asyncio.gather(*(self.ask(http) for _ in range(3)))

    async def ask(self, http):
        while True:
            phase = self.phase
            answer = await http.get("/greetings/Ada")
            ok = answer.status_code == 200
            self.lost += not ok
            who = answer.json()["pod"] if ok else f"~ {answer.status_code}"
            if phase and phase == self.phase:
                self.seen.setdefault(phase, []).append(who)

    async def during(self, phase):
        """Go on until twelve requests began and ended in this phase."""
        self.phase = phase
        async with asyncio.timeout(60):
            while len(self.seen.get(phase, [])) < 12 and not self.task.done():
                await asyncio.sleep(0.005)
        self.phase = None  # what happens between two phases counts as lost only


class Pod:
    """The container's own command as a process, on a port of this machine."""

    def __init__(self, manifests, name, folder, warm):
        self.manifests, self.name, self.folder = manifests, name, folder
        self.warm = warm
        self.port, self.process = free_port(), None

    def start(self):
        program, *words = self.manifests.container["command"]
        own = ["--host=127.0.0.1", f"--port={self.port}", "--log-level=error"]
        self.process = self.warm("fastapi", "uvicorn").start(
            program,
            *words,
            *own,
            cwd=self.folder,
            env=os.environ
            | {"POD_NAME": self.name, "PYTHONDONTWRITEBYTECODE": "1"},
        )

    async def ready(self):
        """Ask until the server answers."""
        path = self.manifests.container["livenessProbe"]["httpGet"]["path"]
        async with httpx2.AsyncClient(trust_env=False) as http, asyncio.timeout(60):
            while True:
                with suppress(httpx2.TransportError):
                    answer = await http.get(f"http://127.0.0.1:{self.port}{path}")
                    assert answer.status_code == 200
                    return
                await asyncio.sleep(0.02)

    async def terminate(self):
        os.kill(self.process.pid, signal.SIGTERM)
        await asyncio.to_thread(self.process.wait, 30)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()


async def roll(manifests, stream, endpoints, old, new):
    """Replace one pod by the next, in the order that these manifests ask for."""
    if "readinessProbe" not in manifests.container:
        publish(endpoints, old, new)
    await stream.during("the new pod starts")
    if new.process is None:
        new.start()
    await new.ready()
    publish(endpoints, old, new)
    await stream.during("both are ready")
    waits = rules.sleep_before_stop(manifests) > 0
    if not waits:
        await old.terminate()
    await stream.during("the old pod is deleted")
    publish(endpoints, new)
    await stream.during("the Service knows it")
    if waits:
        await old.terminate()
    await stream.during("the old pod is gone")


@asynccontextmanager
async def cluster(server, scratch, pods):
    """Start the pods, and Caddy as the Service in front of the first."""
    config = scratch / "caddy.json"
    config.write_text(json.dumps(service(scratch, "{env.PORT}")))
    caddy = ["env", "PORT={port}", str(BIN / "caddy"), "run", "--config"]
    publish(scratch, pods[0])
    try:
        for pod in pods:
            pod.start()
        home = {"HOME": str(scratch), "XDG_DATA_HOME": str(scratch)}
        async with server(command=[*caddy, str(config)], env=home) as url:
            await asyncio.gather(*(pod.ready() for pod in pods))
            yield url
    finally:
        for pod in pods:
            pod.kill()


# Gotchas


async def test_rollout_loses_requests(
    server, warm, ours, bundle_dir, tmp_path, shown
):
    no_sleep = but(ours, f"{WEB}.lifecycle")
    unasked = but(ours, f"{WEB}.readinessProbe")
    names = ["v1", "v2", "v3", "v4"]
    pods = [Pod(ours, name, bundle_dir, warm) for name in names]
    lost, text = {}, ""

    async def probe(url, title, manifests, old, new):
        async with Stream(url) as stream:
            await roll(manifests, stream, tmp_path, old, new)
        lost[title] = stream.lost
        lines = [
            f"  {phase:<24}{'  '.join(sorted(set(who))).replace('~ ', 'lost: ')}"
            for phase, who in stream.seen.items()
        ]
        return "\n".join([title, *lines, ""])

    v1, v2, v3, v4 = pods
    async with cluster(server, tmp_path, pods[:3]) as url:
        try:
            text += await probe(url, "as shipped", ours, v1, v2)
            text += await probe(url, "no preStop", no_sleep, v2, v3)
            text += await probe(url, "no readinessProbe", unasked, v3, v4)
        finally:
            v4.kill()
    assert lost["as shipped"] == 0
    assert lost["no preStop"] > 0
    assert lost["no readinessProbe"] > 0
    shown("rollout", text)


def test_misplaced_field_is_dropped(bundle_dir, workdir, shown):
    file = workdir / "traps/misplaced.yml"

    def probe(*options):
        return validate(workdir, *options, "traps/misplaced.yml")

    lax, strict = probe(), probe("--strict")
    assert (lax[0], strict[0]) == (0, 1)
    file.write_text(file.read_text().replace("readyness", "readiness"))
    once_more = probe("--strict")
    assert once_more[0] == 1
    found = "\n".join(said for _, said in (lax, strict, once_more))
    place = r" (against version [\d.]+): (\S+): "
    shown("misplaced", re.sub(place, r"\n  \1:\n  \2:\n  ", found))
    assert "'strategy' was unexpected" in once_more[1]


def test_service_finds_no_pod(ours):
    def probe(manifests):
        return manifests.selects(manifests.kinds["Service"]["selector"])

    assert probe(but(ours, "Service.selector", {"app": "greeting"})) is False
    assert probe(ours) is True


def test_budget_forbids_every_drain(ours):
    fewest = ours.kinds["HorizontalPodAutoscaler"]["minReplicas"]

    def probe(manifests):
        return rules.evictable(manifests.kinds["PodDisruptionBudget"], fewest)

    budget = "PodDisruptionBudget"
    strict = but(but(ours, f"{budget}.maxUnavailable"), f"{budget}.minAvailable", 3)
    assert probe(strict) == 0
    assert probe(ours) == 1


def test_autoscaler_knows_no_percentage(ours):
    def probe(manifests):
        return autoscaler.utilization(manifests.container, ["450m", "450m", "450m"])

    assert probe(but(ours, f"{WEB}.resources.requests.cpu")) is None
    assert probe(ours) == 90


def test_apply_undoes_the_autoscaler(ours):
    def probe(manifests):
        """What `kubectl apply` leaves of the nine pods that are running."""
        live = ours.kinds["Deployment"] | {"replicas": 9}
        return (live | manifests.kinds["Deployment"])["replicas"]

    assert probe(but(ours, "Deployment.replicas", 2)) == 2
    assert probe(ours) == 9


async def test_workers_hide_a_crash(server, ours, bundle_dir):
    program, *words = ours.container["command"]
    own = ["--host", "{host}", "--port", "{port}"]
    command = [str(BIN / program), *words, *own]

    async def probe(*options):
        """Kill the process that serves; does the container end, or go on?"""
        async with server(
            "main:app", *options, command=command, cwd=bundle_dir
        ) as pod:
            started = r"Started server process \[(\d+)\]"
            async with asyncio.timeout(60):
                while not (found := re.search(started, pod.log())):
                    await asyncio.sleep(0.01)
                os.kill(int(found[1]), signal.SIGKILL)
                while pod.process.poll() is None:
                    if len(re.findall(started, pod.log())) > 1 + len(options):
                        pod.process.kill()
                        return "goes on"
                    await asyncio.sleep(0.01)
            return f"ends with {pod.process.returncode}"

    trap, fix = await asyncio.gather(probe("--workers=2"), probe())
    assert trap == "goes on"
    assert fix == "ends with -9"

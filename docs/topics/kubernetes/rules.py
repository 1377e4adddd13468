from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

PROBES = "startupProbe", "livenessProbe", "readinessProbe"


@dataclass(frozen=True)
class Manifests:
    kinds: dict[str, dict[str, Any]]
    app: FastAPI

    @classmethod
    def load(cls, files: Iterable[Path], app: FastAPI) -> "Manifests":
        texts = [file.read_text() for file in files]
        documents = [one for text in texts for one in yaml.safe_load_all(text)]
        return cls({one["kind"]: one["spec"] for one in documents}, app)

    @property
    def template(self) -> dict[str, Any]:
        return self.kinds["Deployment"]["template"]

    @property
    def container(self) -> dict[str, Any]:
        return self.template["spec"]["containers"][0]

    def option(self, name: str, default: str) -> str:
        words = " ".join(self.container["command"]).replace("=", " ").split()
        return words[words.index(name) + 1] if name in words else default

    def selects(self, labels: dict[str, str]) -> bool:
        return labels.items() <= self.template["metadata"]["labels"].items()


RULES: dict[str, Callable[[Manifests], bool]] = {}


def rule(sentence: str) -> Callable[[Callable], Callable]:
    return lambda check: RULES.setdefault(sentence, check)


def broken(manifests: Manifests) -> list[str]:
    return [sentence for sentence, holds in RULES.items() if not holds(manifests)]


@rule("the Service selects the pods")
def service_finds_pods(m: Manifests) -> bool:
    return m.selects(m.kinds["Service"]["selector"])


@rule("the Service's target is a port of the container")
def target_exists(m: Manifests) -> bool:
    ports = m.container["ports"]
    known = {port[key] for port in ports for key in ("name", "containerPort")}
    return {port["targetPort"] for port in m.kinds["Service"]["ports"]} <= known


@rule("the server listens on the container's port")
def port_is_open(m: Manifests) -> bool:
    port = m.container["ports"][0]["containerPort"]
    return int(m.option("--port", "8000")) == port


@rule("the server listens to the outside")
def host_is_open(m: Manifests) -> bool:
    return m.option("--host", "127.0.0.1") == "0.0.0.0"


# --8<-- [start:rule]
@rule("every probe asks a path of the app")
def probes_have_routes(m: Manifests) -> bool:
    probes = [m.container[name] for name in PROBES if name in m.container]
    known = {route.path for route in iter_route_contexts(m.app.routes)}
    return {probe["httpGet"]["path"] for probe in probes} <= known


# --8<-- [end:rule]


@rule("a pod gets requests once it is ready")
def readiness_is_asked(m: Manifests) -> bool:
    return "readinessProbe" in m.container


def sleep_before_stop(m: Manifests) -> int:
    hook = m.container.get("lifecycle", {}).get("preStop", {})
    return hook.get("sleep", {}).get("seconds", 0)


@rule("a stopping pod serves on while the news spreads")
def stop_waits(m: Manifests) -> bool:
    return sleep_before_stop(m) > 0


# --8<-- [start:stop]
@rule("sleep and shutdown end before the grace period")
def stop_fits(m: Manifests) -> bool:
    shutdown = float(m.option("--timeout-graceful-shutdown", "inf"))
    grace = m.template["spec"].get("terminationGracePeriodSeconds", 30)
    return sleep_before_stop(m) + shutdown < grace


# --8<-- [end:stop]


@rule("a rollout takes no pod away before the next is ready")
def none_is_missing(m: Manifests) -> bool:
    strategy = m.kinds["Deployment"].get("strategy", {}).get("rollingUpdate", {})
    return strategy.get("maxUnavailable", "25%") == 0


@rule("the image has a version")
def image_is_named(m: Manifests) -> bool:
    _, _, tag = m.container["image"].rpartition("/")[2].partition(":")
    return tag not in {"", "latest"}


@rule("CPU and memory are requested, memory is limited")
def size_is_known(m: Manifests) -> bool:
    resources = m.container.get("resources", {})
    asked, allowed = resources.get("requests", {}), resources.get("limits", {})
    return {"cpu", "memory"} <= asked.keys() and "memory" in allowed


@rule("the autoscaler alone sets the number of pods")
def number_has_one_owner(m: Manifests) -> bool:
    return "replicas" not in m.kinds["Deployment"]


@rule("the budget leaves a pod to evict at the smallest number")
def budget_leaves_room(m: Manifests) -> bool:
    fewest = m.kinds["HorizontalPodAutoscaler"]["minReplicas"]
    return evictable(m.kinds["PodDisruptionBudget"], fewest) > 0


def evictable(budget: dict[str, Any], running: int) -> int:
    """How many pods the budget lets go; whole numbers only, no percentages."""
    if "maxUnavailable" in budget:
        return budget["maxUnavailable"]
    return max(running - budget["minAvailable"], 0)

"""
What a run is started as: the base job template of a work pool of each type.

None has a variable, so neither a run nor a deployment can choose a command, an image or a variable of the
environment. Secrets are named and never written: Prefect keeps a template in clear and shows it to everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clinic.settings.systems.runs import Runs
from tasks.processes.identity import VARIABLE, Installation

PLACE: Final = "/srv/practice"  # of cohort.toml, home and secrets in a container
USER: Final = 10001  # whom the image runs as (tasks/deploy/Containerfile)
# In the place of Prefect's own: it looks first whether the run is of ours
COMMAND: Final = ("python", "-P", "-m", "tasks.deploy.one_run")
_NO_VARIABLES: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {},
    "additionalProperties": False,
}


def job_template(runs: Runs, who: Installation) -> dict[str, Any]:
    """The base job template of this installation's work pool, as Prefect takes it."""
    made = {"process": _process, "docker": _docker, "kubernetes": _kubernetes}[runs.pool]
    return {"job_configuration": made(runs, who), "variables": dict(_NO_VARIABLES)}


def container_worker(who: Installation) -> str:
    """How the worker of a pool of containers is started: it is Prefect's own."""
    return (
        f"runs of {who.label} are containers ([runs] pool), so no worker of Cohort's starts them; start "
        f"Prefect's, where prefect-{who.runs_as} is installed: "
        f"prefect worker start --type {who.runs_as} --pool {who.pool}"
    )


def _process(runs: Runs, who: Installation) -> dict[str, Any]:
    return {"stream_output": True}


def _environment(who: Installation) -> dict[str, str]:
    return {VARIABLE: who.install_id, "COHORT_CONFIG": f"{PLACE}/cohort.toml"}


def _docker(runs: Runs, who: Installation) -> dict[str, Any]:
    """As prefect-docker's DockerWorkerJobConfiguration reads it."""
    return {
        "image": runs.image,
        "image_pull_policy": "IfNotPresent",
        "command": " ".join(COMMAND),
        "env": _environment(who),
        "volumes": [f"{runs.volume}:{PLACE}"],
        "networks": [runs.network] if runs.network else [],
        "mem_limit": runs.memory.removesuffix("i").lower(),
        "auto_remove": True,
        "privileged": False,
        "stream_output": True,
    }


def _kubernetes(runs: Runs, who: Installation) -> dict[str, Any]:
    """As prefect-kubernetes' KubernetesWorkerJobConfiguration reads it. A job that fails is not begun again."""
    container = {
        "name": "prefect-job",  # Prefect's worker asks for this name
        "image": runs.image,
        "imagePullPolicy": "IfNotPresent",
        "args": list(COMMAND),
        "env": [{"name": name, "value": value} for name, value in _environment(who).items()],
        "envFrom": [{"secretRef": {"name": runs.secret}}] if runs.secret else [],
        "resources": {"requests": {"memory": "512Mi"}, "limits": {"memory": runs.memory}},
        "volumeMounts": [{"name": "practice", "mountPath": PLACE}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "parallelism": 1,  # here, as Prefect's worker asks for it
        "completions": 1,
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "runAsUser": USER, "fsGroup": USER},
        "containers": [container],
        "volumes": [
            {"name": "practice", "persistentVolumeClaim": {"claimName": runs.volume}},
        ],
    }
    manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": f"{who.pool}-", "namespace": runs.namespace, "labels": {}},
        "spec": {
            "backoffLimit": 0,  # what crashed goes on by `settle`, which knows what was sent
            "ttlSecondsAfterFinished": 3600,
            "template": {"spec": pod},
        },
    }
    return {
        "namespace": runs.namespace,
        "job_manifest": manifest,
        "pod_watch_timeout_seconds": 600,
        "stream_output": True,
    }

"""What a run is started as: nothing of it can be chosen by a run, and no secret stands in it."""

from __future__ import annotations

import json

import pytest

from clinic.settings.systems.runs import Runs
from tasks.prefect.pools import COMMAND, PLACE, job_template
from tasks.processes.identity import Installation

ID = "3f2a9c1b-0000-4000-8000-000000000001"
KINDS = {
    "process": Runs(),
    "docker": Runs(pool="docker", image="cohort:0.1", volume="hill", network="inside"),
    "kubernetes": Runs(pool="kubernetes", image="cohort:0.1", volume="hill", secret="hill", namespace="hill"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_run_can_choose_anything_of_how_it_is_started(kind: str) -> None:
    template = job_template(KINDS[kind], Installation(ID, "Hill", kind))
    assert template["variables"] == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }
    assert "{{" not in json.dumps(template)


def test_a_docker_container_has_the_volume_and_says_whose_run_it_is() -> None:
    job = job_template(KINDS["docker"], Installation(ID, "Hill", "docker"))["job_configuration"]
    assert job["volumes"] == [f"hill:{PLACE}"]
    assert job["env"] == {"COHORT_INSTALLATION": ID, "COHORT_CONFIG": f"{PLACE}/cohort.toml"}
    assert job["command"].split() == list(COMMAND)
    assert (job["networks"], job["mem_limit"], job["privileged"]) == (["inside"], "2g", False)


def test_a_kubernetes_job_names_its_secret_and_is_not_begun_again() -> None:
    job = job_template(KINDS["kubernetes"], Installation(ID, "Hill", "kubernetes"))[
        "job_configuration"
    ]
    spec = job["job_manifest"]["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "hill"}}]
    assert {one["name"] for one in container["env"]} == {"COHORT_INSTALLATION", "COHORT_CONFIG"}
    assert container["args"] == list(COMMAND)
    assert (spec["backoffLimit"], spec["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert spec["template"]["spec"]["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"pool": "docker"}, "image and volume"),
        ({"pool": "kubernetes", "image": "cohort:0.1"}, "needs also volume"),
        ({"pool": "docker", "image": "i", "volume": "v", "secret": "s"}, "record_url_file"),
    ],
)
def test_what_a_container_needs_is_asked_for(values: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Runs(**values)  # type: ignore[arg-type]


def test_each_type_has_a_pool_of_its_own() -> None:
    docker = Installation(ID, "Hill", "docker")
    assert docker.pool == "cohort-3f2a9c1b-docker"
    assert docker.other_pools == ["cohort-3f2a9c1b", "cohort-3f2a9c1b-kubernetes"]
    assert docker.label == Installation(ID, "Hill").label, "deployments keep their names"

"""
What should be deployed, and what the server has instead: each entry of prefect.yaml as it was last deployed.

Compared is what decides which run begins, when and with which form: entry point, form, parameters, schedules,
limit, queue, tags and description. Whether a person paused a deployment or a schedule is theirs, and
no difference.

A form costs the import of its flow, so that forms are kept beside Prefect's files, for as long as no source
of ours changes; the comparison itself asks the server each time.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from prefect.client.schemas.responses import DeploymentResponse
from prefect.utilities.callables import parameter_schema

from clinic.settings import Settings
from tasks.forms.choices import without_choices
from tasks.processes.home import code, prefect_home

_VARIABLE: Final = re.compile(r"\{\{ \$(\w+) \}\}")
_FORMS: Final = "forms.json"


@dataclass(frozen=True)
class Deployed:
    """
    A deployment as far as it matters: the words for people, and their values.

    name: as the server has it
    """

    name: str
    facts: Mapping[str, Any]

    def differs(self, other: Deployed) -> list[str]:
        """What the other has otherwise, in the words of `facts`."""
        return [word for word, value in self.facts.items() if other.facts[word] != value]


def wanted(settings: Settings, variables: Mapping[str, str], file: Path) -> list[Deployed]:
    """Every entry of a prefect.yaml, filled in."""
    text = _VARIABLE.sub(lambda found: variables[found[1]], file.read_text(encoding="utf-8"))
    whole = yaml.safe_load(text)
    entries = whole["deployments"]
    forms = _forms(settings, [entry["entrypoint"] for entry in entries])
    return [_of_entry(entry, whole["pull"], forms[entry["entrypoint"]]) for entry in entries]


def found(deployment: DeploymentResponse) -> Deployed:
    """What the server has."""
    limit, options = deployment.global_concurrency_limit, deployment.concurrency_options
    schedules = [_schedule(one.model_dump(mode="json")) for one in deployment.schedules]
    return Deployed(
        deployment.name,
        {
            "entry point": deployment.entrypoint,
            "description": deployment.description,
            "tags": sorted(deployment.tags),
            "queue": (deployment.work_pool_name, deployment.work_queue_name),
            "parameters": deployment.parameters,
            "limit": (limit and limit.limit, options and options.collision_strategy.value),
            "schedules": sorted(schedules, key=str),
            "steps": deployment.pull_steps or [],
            "form": without_choices(deployment.parameter_openapi_schema or {}),
            "checks of the form": deployment.enforce_parameter_schema,
        },
    )


def _of_entry(entry: Mapping[str, Any], pull: list[Any], form: object) -> Deployed:
    limit = entry["concurrency_limit"]
    schedules = [
        _schedule({"slug": one["slug"], "schedule": one, "parameters": one.get("parameters", {})})
        for one in entry.get("schedules", ())
    ]
    return Deployed(
        entry["name"],
        {
            "entry point": entry["entrypoint"],
            "description": entry["description"],
            "tags": sorted(entry["tags"]),
            "queue": (entry["work_pool"]["name"], entry["work_pool"]["work_queue_name"]),
            "parameters": entry.get("parameters", {}),
            "limit": (limit["limit"], limit["collision_strategy"]),
            "schedules": sorted(schedules, key=str),
            "steps": pull,
            "form": form,
            "checks of the form": entry["enforce_parameter_schema"],
        },
    )


def _schedule(one: Mapping[str, Any]) -> tuple[object, ...]:
    timed = one["schedule"]
    return one["slug"], timed.get("cron"), timed.get("timezone"), one["parameters"]


def _forms(settings: Settings, entry_points: Iterable[str]) -> dict[str, Any]:
    """The form of each flow; imported only where a source has changed since."""
    kept, now = prefect_home(settings) / _FORMS, code()
    if kept.exists() and (noted := json.loads(kept.read_text()))["code"] == now:
        forms: dict[str, Any] = noted["forms"]
        if set(forms) >= set(entry_points):
            return forms
    forms = {entry_point: _form(entry_point) for entry_point in entry_points}
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"code": now, "forms": forms}))
    return forms


def _form(entry_point: str) -> object:
    module, _, name = entry_point.rpartition(".")
    flow = getattr(importlib.import_module(module), name)
    return json.loads(
        json.dumps(parameter_schema(flow).model_dump(mode="json", exclude_unset=True))
    )

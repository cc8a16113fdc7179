"""
Puts what can be chosen into a server's forms: by `cohort server start`, and by `settle` where it changed.

Call `tasks.processes.environment.apply_environment` first: this module imports prefect.
"""

from __future__ import annotations

import json
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowFilter,
    FlowFilterName,
)

from clinic.message.intake.choices import choices_of
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.forms.choices import with_choices
from tasks.guard.asking import whole
from tasks.processes.environment import prefect_home
from tasks.processes.identity import Installation
from tasks.show.artifacts import unless_gone

_FLOWS: Final = ["message", "remind"]
_NOTE: Final = "choices.json"


def offer_choices(record: Record, settings: Settings, who: Installation) -> list[str]:
    """
    Bring this installation's forms up to what can be chosen now; which were changed.

    Keys and codes are no patient's data, and a run's parameters show them too.
    """
    choices = choices_of(record, settings)
    changed = []
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[who.tag]))
    flows = FlowFilter(name=FlowFilterName(any_=_FLOWS))
    with get_client(sync_client=True) as client:
        for one in whole(client.read_deployments, flow_filter=flows, deployment_filter=ours):
            form = with_choices(one.parameter_openapi_schema or {}, choices)
            if form != one.parameter_openapi_schema:
                client.update_deployment(
                    one.id, DeploymentUpdate.model_validate({"parameter_openapi_schema": form})
                )
                changed.append(one.name)
    return sorted(changed)


def offer_news(record: Record, settings: Settings, who: Installation) -> int:
    """The same, but the server is asked only where something else can be chosen than when it was last told."""
    note = prefect_home(settings) / _NOTE
    now = json.dumps([who.install_id, choices_of(record, settings)])
    if note.exists() and note.read_text(encoding="utf-8") == now:
        return 0
    changed = unless_gone(offer_choices)(record, settings, who)
    if changed is None:  # no server: another time
        return 0
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(now, encoding="utf-8")
    return len(changed)

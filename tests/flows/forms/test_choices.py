"""A run form offers what the record has, on a real server; what waits goes on whatever is offered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags

from clinic.clock import SystemClock
from clinic.message.template.catalogue import seed_catalogue
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.forms.choices import without_choices
from tasks.forms.offering import offer_news
from tasks.guard.asking import whole
from tasks.guard.decorators import ParametersRefused
from tasks.prefect.deploying import ensure_deployed
from tasks.processes.environment import prefect_home
from tasks.processes.identity import Installation
from tasks.runs.runs import start_deployment

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("deployed_anew")]


@pytest.fixture
def settings(
    prefect_server: Settings,
    sqlite_record_url: str,
    who: Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settings]:
    """Those of the server's home, where this process works, with a record of its own; left as they were."""
    monkeypatch.setenv("COHORT_HOME", str(prefect_server.home))
    begun = datetime.now(UTC)
    yield prefect_server.model_copy(update={"record_url": sqlite_record_url})
    (prefect_home(prefect_server) / "choices.json").unlink(missing_ok=True)
    with get_client(sync_client=True) as client:
        for one in whole(client.read_deployments, deployment_filter=ours(who)):
            plain = {
                "parameter_openapi_schema": without_choices(one.parameter_openapi_schema or {})
            }
            client.update_deployment(one.id, DeploymentUpdate.model_validate(plain))
        for run in whole(client.read_flow_runs, deployment_filter=ours(who)):
            if run.created and run.created >= begun:
                client.delete_flow_run(run.id)


def ours(who: Installation) -> DeploymentFilter:
    """The deployments of this installation."""
    return DeploymentFilter(tags=DeploymentFilterTags(all_=[who.tag]))


@pytest.fixture
def record(settings: Settings) -> Iterator[Record]:
    record = Record.open(settings.database_url)
    yield record
    record.close()


def offered(who: Installation, kind: str) -> list[str]:
    """The templates that the form of this kind offers."""
    with get_client(sync_client=True) as client:
        [found] = [
            one
            for one in client.read_deployments(deployment_filter=ours(who))
            if one.name.startswith(f"{kind} (")
        ]
    [model] = [
        m for name, m in found.parameter_openapi_schema["definitions"].items() if "Req" in name
    ]
    values: list[str] = model["properties"]["template"].get("enum", [])
    return values


def test_a_new_template_is_offered_by_the_recurring_run_and_what_waits_is_not_refused(
    settings: Settings, who: Installation, record: Record
) -> None:
    """Issue 17: choices are written when it is deployed and where they changed; a campaign waits for months."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    request = {"template": "flu-invite", "cohort": {"list_id": 7}}
    seed_catalogue(record, SystemClock(), TEMPLATES)
    assert offer_news(record, settings, who) == 2
    assert offer_news(record, settings, who) == 0
    assert "flu-invite" in offered(who, "message")
    assert "appointment-reminder" in offered(who, "remind")
    start_deployment("message/message", {"request": request}, at=tomorrow)

    gone = {"request": request | {"template": "no-more"}}
    with pytest.raises(ParametersRefused):
        start_deployment("message/message", gone, at=tomorrow)
    assert start_deployment("message/message", gone, at=tomorrow, checked=False)

    # A choice is no difference of version: nothing is deployed again for it
    assert ensure_deployed(settings, who) is None
    assert "flu-invite" in offered(who, "message")

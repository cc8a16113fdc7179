"""
NEW-24, NEW-25, NEW-26, NEW-27, NEW-30: what went wrong elsewhere, asked for where no terminal shows a question.

Each request goes to the worker as the form in the Prefect UI posts it; one as its schedule does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.schedules import IntervalSchedule

from clinic.message.audience.audience import Audience
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.record.schema.messages import campaign, recipient
from clinic.settings import Settings
from tests.flows.installation import artifacts_of, deployed_by, running_office, state_of
from tests.main_job import ADDRESSES_KEPT, Practice, nhs
from tests.servers.prefect_server import wait_for

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]

ADULTS, MOTHERS = range(1, 61), range(70, 76)
HEADING = "NHS Number,Mobile,First Name,Surname"
ENDED = {"Completed", "Failed", "Crashed", "Cancelled"}


@pytest.fixture(scope="module")
def office(
    prefect_server: Settings, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Practice]:
    """Sixty adults with a number each, and six mothers, each with a daughter on her number."""
    folder = tmp_path_factory.mktemp("incidents")
    with running_office(prefect_server, migrated_sqlite, folder, approval_above=1_000) as practice:
        for n in ADULTS:
            practice.patient(n, birth_date=date(1960, 1, 1 + n % 28), family_name=f"Family{n}")
        for n in MOTHERS:
            home = f"07400 3030{n}"
            practice.patient(n, birth_date=date(1985, 1, 3), mobile=home)
            practice.patient(n + 30, birth_date=date(2013, 5, 2), mobile=home)
        nurse = NewTemplate(
            "nurse", "Nurse", "review", "Your review with the nurse is due.",
            audience=Audience(classes=("sensitive",)),
        )  # fmt: skip
        add_template(practice.record, practice.clock, nurse, by="nia")
        practice.template(
            "You have aggressive lung cancer with metastases. Please come in.", key="for-one"
        )
        yield practice


def row(n: int, *, number_of: int) -> str:
    return f"{nhs(n)},07700 900{number_of:03},Given{n},Family{n}"


def requests(practice: Practice) -> dict[str, dict[str, Any]]:
    """Of each incident: what somebody fills in."""
    sorted_apart = [row(n, number_of=(n + 17) % 60 + 1) for n in ADULTS]
    says_no = [f"{nhs(n)},{'Y' if n % 10 == 0 else ''}" for n in ADULTS]
    family = [nhs(n + more) for n in MOTHERS for more in (0, 30)]
    made = {
        "numbers sorted apart": practice.request(
            practice.file(*sorted_apart, heading=HEADING, name="apart.csv")
        ),
        "bad news meant for one": practice.request(
            practice.everybody(37, name="wishes.csv"), template="for-one"
        ),
        "a list that says no": practice.request(
            practice.file(*says_no, heading="NHS Number,Declined texts", name="no.csv")
        ),
        "children on a mother's number": practice.request(
            practice.file(*family, name="family.csv"), template="nurse"
        ),
    }
    whose = {"request_key": None, "requested_by": "ann"}
    return {
        name: practice.by_number(
            request.model_copy(update={"list_name": name, **whose})
        ).as_parameter()
        for name, request in made.items()
    }


def by_the_form(practice: Practice, request: Mapping[str, Any]) -> UUID:
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(deployed_by(practice))
        answer = client.request(
            "POST",
            "/deployments/{id}/create_flow_run",
            path_params={"id": deployment.id},
            json={"parameters": {"request": dict(request)}, "state": {"type": "SCHEDULED"}},
        )
    return UUID(answer.json()["id"])


def by_a_schedule(practice: Practice, request: Mapping[str, Any]) -> UUID:
    """Its first run, which has begun; the schedule is ended, and Prefect takes its coming runs with it."""
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(deployed_by(practice)).id
        now = practice.clock.now()
        asked = DeploymentScheduleCreate(
            schedule=IntervalSchedule(interval=timedelta(minutes=1), anchor_date=now),
            parameters={"request": dict(request)},
        )
        body = [asked.model_dump(mode="json", exclude_unset=True)]
        client.request(
            "POST", "/deployments/{id}/schedules", path_params={"id": deployment}, json=body
        )
        ours = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment]))

        def first() -> UUID | None:
            runs = client.read_flow_runs(flow_run_filter=ours)
            own = [run for run in runs if run.auto_scheduled and run.start_time]
            return own[0].id if own else None

        run = wait_for("a run of the schedule", first)
        for schedule in client.read_deployment_by_name(deployed_by(practice)).schedules:
            client.request(
                "DELETE", "/deployments/{id}/schedules/{schedule_id}",
                path_params={"id": deployment, "schedule_id": schedule.id},
            )  # fmt: skip
    return run


@pytest.fixture(scope="module")
def ended(office: Practice) -> dict[str, UUID]:
    """Every incident started, and its run at its end."""
    runs = {}
    for place, (name, request) in enumerate(requests(office).items()):
        start = by_a_schedule if place == 0 else by_the_form
        runs[name] = start(office, request)
    for name, run in runs.items():
        wait_for(f"end of {name}", lambda run=run: state_of(run) in ENDED)
    return runs


def outcomes(practice: Practice, name: str) -> dict[str, int]:
    query = (
        sa.select(recipient.c.outcome, sa.func.count())
        .join(campaign, campaign.c.id == recipient.c.campaign_id)
        .where(campaign.c.list_name == name)
        .group_by(recipient.c.outcome)
    )
    with practice.record.read() as connection:
        return dict(connection.execute(query).tuples().all())


def why(run: UUID) -> str:
    """What the analyst reads of it: the state's message, and its pages."""
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run).state
    return "\n".join([str(state and state.message), *map(str, artifacts_of(run).values())])


def test_a_number_column_sorted_apart_is_stopped_on_a_schedule(
    office: Practice, ended: dict[str, UUID]
) -> None:
    name = "numbers sorted apart"
    assert state_of(ended[name]) == "Failed"
    assert "another patient's on the record" in why(ended[name])
    assert outcomes(office, name) == {"number_of_another": 60}


def test_bad_news_meant_for_one_is_stopped_by_its_words(
    office: Practice, ended: dict[str, UUID]
) -> None:
    name = "bad news meant for one"
    assert state_of(ended[name]) == "Failed"
    said = why(ended[name])
    assert "content_bad_news" in said
    assert "Given1" not in said


def test_a_list_that_says_no_is_obeyed(office: Practice, ended: dict[str, UUID]) -> None:
    name = "a list that says no"
    assert state_of(ended[name]) == "Completed", why(ended[name])
    assert outcomes(office, name) == {"accepted": 54, "list_says_declined": 6}


def test_children_get_no_text_on_their_mothers_numbers(
    office: Practice, ended: dict[str, UUID]
) -> None:
    found = outcomes(office, "children on a mother's number")
    assert found["child_contact"] == 6


def test_nobody_was_messaged_but_whom_the_rules_allow(
    office: Practice, ended: dict[str, UUID]
) -> None:
    with office.record.read() as connection:
        sent = connection.scalars(ADDRESSES_KEPT).all()
    none = {f"+447700900{n:03}" for n in ADULTS if n % 10 == 0}
    assert sent
    assert none.isdisjoint(sent)

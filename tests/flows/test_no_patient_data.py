"""
What a failing flow leaves with Prefect: types and places, and nothing of a patient.

The negative control runs the same faults through Prefect's own decorators, and must be caught:
a search that finds nothing there would prove nothing here.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

import prefect
import pydantic
import pytest
import sqlalchemy as sa
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter

from clinic.errors import CohortRefused
from clinic.settings import Settings
from tasks.guard.decorators import ParametersRefused, Unforeseen, flow, task
from tests.servers.prefect_server import find_in_prefect, wait_for

pytestmark = pytest.mark.prefect


class Patient(pydantic.BaseModel):
    name: str
    nhs_number: str = pydantic.Field(pattern=r"^\d{10}$")


def fails_with_text(secret: str) -> None:
    raise ValueError(f"cannot text {secret}")


def fails_while_handling(secret: str) -> None:
    try:
        fails_with_text(secret)
    except ValueError as error:
        raise CohortRefused("gate", "too many rows have errors") from error


def fails_in_an_insert(secret: str) -> None:
    engine = sa.create_engine("sqlite://", hide_parameters=False)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO missing VALUES (:name)"), {"name": secret})


def fails_in_validation(secret: str) -> None:
    Patient(name="x", nhs_number=secret)


def fails_with_a_note(secret: str) -> None:
    error = CohortRefused("gate", "too many rows have errors")
    error.add_note(secret)
    raise error


def logs_and_fails(secret: str) -> None:
    log = prefect.get_run_logger()
    try:
        fails_with_text(secret)
    except ValueError as error:
        log.exception("batch %d failed: %s", 3, error)
        log.error("batch failed: %r", error)
    logging.getLogger("some.library").warning("retrying", exc_info=ValueError(secret))
    raise RuntimeError(secret)


FAULTS = [
    fails_with_text,
    fails_while_handling,
    fails_in_an_insert,
    fails_in_validation,
    fails_with_a_note,
    logs_and_fails,
]


@pytest.fixture
def secret() -> str:
    """A patient's name that no other test uses, with a letter that JSON escapes."""
    return f"Siân {uuid.uuid4().hex[:8]} ap Gwilym"


@pytest.fixture
def flow_name() -> str:
    """A flow that is run once."""
    return f"leak-{uuid.uuid4().hex[:8]}"


def all_is_recorded(name: str, *, logged: bool = True) -> None:
    """Wait until the run's end is among the events, and its last log line (if any) has come."""
    with get_client(sync_client=True) as client:
        flows = FlowFilter(name=FlowFilterName(any_=[name]))
        run = client.read_flow_runs(flow_filter=flows)[0]
        event = EventFilter(
            event=EventNameFilter(name=["prefect.flow-run.Failed"]),
            resource=EventResourceFilter(id=[f"prefect.flow-run.{run.id}"]),
        )
        logs = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))

        def events() -> int:
            body = {"filter": event.model_dump(mode="json")}
            return int(client.request("POST", "/events/filter", json=body).json()["total"])

        def last_line() -> bool:
            return any("Finished in state" in line.message for line in client.read_logs(logs))

        wait_for("event of the run's end", events)
        if logged:
            wait_for("last line of the run's log", last_line)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_task_leaves_no_patient_data_with_prefect(
    fault: Callable[[str], None], secret: str, flow_name: str, prefect_server: Settings
) -> None:
    """Database, events, logs, result files and home hold no sentinel."""

    @task(name="step")
    def step(words: str) -> None:
        fault(words)

    @flow(name=flow_name)
    def leak(campaign: str) -> None:
        step(secret)

    with pytest.raises((Unforeseen, CohortRefused)) as failure:
        leak(campaign="c-1")

    all_is_recorded(flow_name)
    assert secret not in str(failure.value)
    assert find_in_prefect(prefect_server.home, [secret]) == []
    assert find_in_prefect(prefect_server.home, [flow_name]) != []


def test_wrong_parameters_are_named_and_not_repeated_in_state_or_log(
    secret: str, flow_name: str, prefect_server: Settings
) -> None:
    @flow(name=flow_name)
    def leak(campaign: str, patient: Patient) -> None:
        pass

    with pytest.raises(ParametersRefused) as failure:
        leak(campaign="c-1", patient={"name": "x", "nhs_number": secret})  # type: ignore[arg-type]

    all_is_recorded(flow_name, logged=False)  # the run has not begun, so it has no log
    assert "patient.nhs_number: string_pattern_mismatch" in str(failure.value)
    # Prefect keeps what it was given as parameters, whatever we do: hence keys only
    places = find_in_prefect(prefect_server.home, [secret])
    assert [place for place in places if "prefect.db" not in place] == [
        f"flow_run.parameters: {secret}"
    ]


def test_with_prefects_own_decorators_the_search_finds_the_leak(
    secret: str, flow_name: str, prefect_server: Settings
) -> None:
    @prefect.task(name="step")
    def step() -> None:
        fails_with_text(secret)

    @prefect.flow(name=flow_name)
    def leak() -> None:
        step()

    with pytest.raises(ValueError, match="cannot text"):
        leak()

    all_is_recorded(flow_name)

    def leaked() -> set[str] | None:
        found = find_in_prefect(prefect_server.home, [secret])
        places = {place.rsplit(": ", 1)[0] for place in found}
        expected = {"flow_run_state.message", "task_run_state.message", "events.payload"}
        return places if expected <= places else None

    places = wait_for("leak in states and events", leaked)
    assert any(place.startswith("prefect/storage/") for place in places), places

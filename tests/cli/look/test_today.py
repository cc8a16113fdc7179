"""`cohort today`: each thing that waits, runs, failed or is to be done is there, with the way on."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.change.operations import set_state
from clinic.clock import SystemClock
from clinic.govern.audit.trail import Act, record_act
from clinic.message.campaign.sending_stop import stop_by_person
from clinic.notify.asking import ASKED, tell_failed
from clinic.notify.request import NoticeRequest
from clinic.record.database import Record
from clinic.record.schema.change import follow_up
from clinic.record.schema.messages import campaign
from tests.cli.office import Office, ask, hire
from tests.clinic.change.practice import asked, patients, places
from tests.ledgers import add_campaign
from tests.ports import free_port


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> tuple[Office, Record]:
    """A day with one of everything, on a record of its own."""
    folder = tmp_path_factory.mktemp("today")
    (folder / "record.db").write_bytes(migrated_sqlite.read_bytes())
    office = Office(folder, Record.open(f"sqlite:///{folder / 'record.db'}"))
    office.environment["COHORT_PREFECT_PORT"] = str(free_port())  # where nobody answers
    record, clock = office.open(), SystemClock()
    hire(office)
    places(record)
    patients(record, 6)
    planned, failed, gone_on = (
        asked(record, clock, "tag", {"add": ["a"]}, [n], key=f"k{n}") for n in (1, 2, 3)
    )
    add_campaign(record, clock, 2)
    with record.write() as connection:
        now = clock.now()
        set_state(connection, failed, "failed", state_reason="requester-left", finished_at=now)
        set_state(connection, gone_on, "approved")
        connection.execute(
            sa.update(campaign).values(state="paused", state_reason="halted-failures")
        )
        row = {"operation_id": planned, "code": "reschedule_visits", "subject": "", "count": 3}
        connection.execute(sa.insert(follow_up).values(**row))
    notice = NoticeRequest(
        operation_id=planned, audience="provider", reason="r", requested_by="ann", request_key="k"
    )
    with record.write() as connection:
        values = {"audience": "provider", "template": "", "request_key": "k"}
        act = Act(
            operator="ann",
            operation_type=ASKED,
            subject="notice",
            subject_id=planned,
            new_values=values,
        )
        record_act(connection, clock, act)
    tell_failed(record, clock, notice, "notice-no-address")
    ask(office, subject="campaign", subject_id=77, kind="campaign", requested_by="max")
    ask(office, subject="operation", subject_id=78, kind="tag", requested_by="mia")
    return office, record


def test_each_thing_of_the_day_is_there_with_the_way_on(day: tuple[Office, Record]) -> None:
    office, _ = day
    found = office.rows("today", environment={"COHORT_OPERATOR": "mia"})
    assert found["operator"] == "mia"
    assert set(found["standing_still"]) == {"server_away"}
    assert _ways(found["waits_for_me"]) == {}  # max has not confirmed that the campaign is his
    assert _ways(found["waits_for_others"]) == {
        "campaign 77": "cohort approvals show 1",
        "operation 78": "cohort approvals show 2",
    }
    assert _ways(found["failed"]) == {
        "operation 2": "cohort operations rerun 2",
        "campaign 1": "cohort resume 1",
        "notice of operation 1": "cohort operations show 1",
    }
    assert _ways(found["under_way"]) == {
        "operation 1": "cohort operations resume 1",
        "operation 3": "cohort operations show 3",
    }
    assert found["follow_ups"] == {"scheduling": 1}


@pytest.mark.parametrize(
    ("who", "waits"),
    [
        ("max", {"campaign 77": "cohort confirm 1", "operation 78": "cohort approvals show 2"}),
        ("ann", {}),
    ],
)
def test_what_waits_for_somebody_is_what_they_may_decide_or_must_confirm(
    day: tuple[Office, Record], who: str, waits: dict[str, str]
) -> None:
    """ALC-44."""
    found = day[0].rows("today", environment={"COHORT_OPERATOR": who})
    assert _ways(found["waits_for_me"]) == waits


def test_a_requester_reads_who_rejected_it_and_why(tmp_path: Path, sqlite_record: Record) -> None:
    """The note reaches whoever asked, and nobody else is told that it is theirs."""
    office = Office(tmp_path, sqlite_record)
    office.environment["COHORT_PREFECT_PORT"] = str(free_port())
    hire(office)
    number = ask(office, requested_by="ann", kind="tag")
    done = office.run("reject", str(number), "--note", "Ask Dr Rees first", me="max")
    assert done.exit_code == 0, done.output
    (line,) = office.rows("today", environment={"COHORT_OPERATOR": "ann"})["rejected"]
    assert (line["what"], line["says"]) == ("operation 7", "by max: Ask Dr Rees first")
    assert line["then"] == f"cohort approvals show {number}"
    assert "Ask Dr Rees first" in office.run("today", environment={"COHORT_OPERATOR": "ann"}).stdout
    assert office.rows("today", environment={"COHORT_OPERATOR": "mia"})["rejected"] == []


def test_what_is_told_to_people_names_the_commands_and_why(day: tuple[Office, Record]) -> None:
    said = day[0].run("today").output
    for part in (
        "cohort server start", "halted-failures: Too large a share", "could not be sent",
        "Follow-ups open: scheduling 1.", "cohort operations rerun 2", "cohort follow-ups",
    ):  # fmt: skip
        assert part in said


def test_while_sending_is_stopped_no_campaign_is_said_to_be_resumed(
    day: tuple[Office, Record],
) -> None:
    office, record = day
    stop_by_person(record, SystemClock(), by="mia", reason="wrong text")
    found = office.rows("today")
    assert "by mia: a person stopped it" in found["standing_still"]["sending_stopped"]
    assert _ways(found["failed"])["campaign 1"] == "cohort show 1"
    assert "cohort sending status" in office.run("today").output


def _ways(lines: list[dict[str, str]]) -> dict[str, str]:
    return {line["what"]: line["then"] for line in lines}

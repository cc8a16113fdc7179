"""
One patient whose every value is found nowhere else, through the main job and each way it can fail.

None of those values may be in what Prefect keeps (database, events, logs, result files, home), nor in
what the processes print. tests/flows/test_no_patient_data.py shows that the search finds what is there.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from cli.program import app
from clinic.gateway.protocol import Answer, Outgoing, Turned
from clinic.message.campaign.request import MessageRequest
from clinic.practice.safe_contact import set_safe_contact
from clinic.record.database import Record
from clinic.record.schema.messages import campaign
from clinic.record.schema.messages import message as message_table
from clinic.settings import Settings
from flows.message import message
from tasks.guard.decorators import ParametersRefused
from tasks.runs.runs import start_deployment
from tests.fakes import FakeClock, FakeGateway
from tests.flows.installation import run_apart, run_flow
from tests.main_job import ADDRESSES_KEPT, Practice, nhs
from tests.references import message_id
from tests.servers.prefect_server import find_in_prefect

pytestmark = pytest.mark.prefect


@dataclass(frozen=True)
class Sentinel:
    """A patient of one test: no other test, and no other text, has these values."""

    given: str
    family: str
    nhs_number: str
    mobile: str
    email: str
    born: date
    remark: str
    safe: str  # NEW-26: the number that is safe, and why; what is sent goes there
    why: str

    @property
    def words(self) -> list[str]:
        """Every value in every spelling in which it could leave."""
        n, m, b = self.nhs_number, self.mobile, self.born
        return [
            self.given, self.family, n, f"{n[:3]} {n[3:6]} {n[6:]}", m, m[1:], f"+44{m[1:]}",
            self.email, f"{b:%Y-%m-%d}", f"{b:%d/%m/%Y}", self.remark, f"-{n}", self.safe,
            self.safe[1:], f"+44{self.safe[1:]}", self.why,
        ]  # fmt: skip


@pytest.fixture
def sentinel() -> Sentinel:
    unique = uuid.uuid4()
    letters = "".join(chr(ord("a") + int(digit, 16)) for digit in unique.hex[:10])
    return Sentinel(
        given=f"Siân{letters}",
        family=f"Llŷr{letters}",
        nhs_number=nhs(40 + unique.int % 100),
        mobile=f"07700900{100 + unique.int % 900}",  # those below 100 are the other patients'
        email=f"{letters}@example.org",
        born=date(1906 + unique.int % 20, 7, 1 + unique.int % 28),
        remark=f"remark {letters} \\ é",
        safe=f"07700900{100 + (unique.int + 450) % 900}",
        why=f"somebody reads {letters}",
    )


def peopled(practice: Practice, sentinel: Sentinel) -> None:
    for n in range(1, 21):
        practice.patient(n, birth_date=date(1950, 1, n))
    practice.patient(
        100, nhs_number=sentinel.nhs_number, given_name=sentinel.given, mobile=sentinel.mobile,
        family_name=sentinel.family, email=sentinel.email, birth_date=sentinel.born,
    )  # fmt: skip
    set_safe_contact(
        practice.record, practice.clock, 100, channels=["sms"], number=sentinel.safe,
        reason=sentinel.why, by="nia", phones=practice.settings.phones,
    )  # fmt: skip
    practice.template("Dear {{ patient.full_name }}: {{ list.Remark|default('') }}", key="dear")


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path, sentinel: Sentinel) -> Practice:
    """Twenty patients and the sentinel, on both databases; the template speaks of the sentinel's values."""
    practice = Practice(record, clock, tmp_path)
    peopled(practice, sentinel)
    return practice


def listed(practice: Practice, sentinel: Sentinel, *more: str) -> MessageRequest:
    """A list of the sentinel and everybody, with a column for each value."""
    s = sentinel
    rows = [
        f"{s.nhs_number},{s.born:%d/%m/%Y},{s.mobile},{s.email},{s.given},{s.family},{s.remark}"
    ]
    rows += [f"{nhs(n)},{date(1950, 1, n):%d/%m/%Y},,,,," for n in range(1, 21)]
    heading = "NHS Number,Born,Mobile,Email,First Name,Surname,Remark"
    return practice.request(
        practice.file(*rows, *more, heading=heading), template="dear", request_key=None
    )


def nothing_of(sentinel: Sentinel, server: Settings, *printed: str) -> None:
    """The sentinel is nowhere in Prefect's home (its database, logs, results), nor in what was printed."""
    assert find_in_prefect(server.home, sentinel.words) == []
    for text in printed:
        assert [word for word in sentinel.words if word in text] == []


def test_after_success(
    practice: Practice, sentinel: Sentinel, prefect_server: Settings,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run = run_flow(practice, listed(practice, sentinel))
    assert run.state == "Completed", run.says
    assert any(item.text.startswith(f"Dear {sentinel.given}") for item in practice.items())
    nothing_of(sentinel, prefect_server, *capfd.readouterr())


def test_after_a_check_that_refuses_the_list(
    practice: Practice, sentinel: Sentinel, prefect_server: Settings,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    wrong = f"{sentinel.nhs_number[:-1]}{(int(sentinel.nhs_number[-1]) + 1) % 10}"
    bad = [f"{wrong},{sentinel.born},{sentinel.mobile},,,,{sentinel.remark}"] * 40
    run = run_flow(practice, listed(practice, sentinel, *bad))
    assert run.state == "Failed"
    assert "list-refused" in run.says
    nothing_of(sentinel, prefect_server, *capfd.readouterr())


@pytest.mark.parametrize("table", ["message", "recipient"])
def test_after_an_insert_that_the_database_refuses(
    practice: Practice, sentinel: Sentinel, prefect_server: Settings, table: str,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The databases' own words quote the row: `Key (campaign_id, patient_id, channel)=…`, `COPY, line 1`."""
    request = listed(practice, sentinel)
    with practice.record.write() as connection:
        if table == "message":
            connection.execute(
                sa.insert(message_table).values(
                    id=message_id(1, 999), campaign_id=1, batch_id=1, patient_id=100, channel="sms",
                    row_number=999, address=sentinel.mobile, body=sentinel.remark,
                )
            )  # fmt: skip
        else:  # a column that takes less than what is to be written into it
            kind = "VARCHAR(3)" if practice.record.dialect == "postgresql" else "INTEGER"
            connection.execute(sa.text("ALTER TABLE recipient DROP COLUMN address"))
            connection.execute(
                sa.text(f"ALTER TABLE recipient ADD COLUMN address {kind} CHECK (address IS NULL)")
            )
    run = run_flow(practice, request)
    assert run.state == "Failed"
    assert "record-refused-row" in run.says
    assert f"table {table} refused a row" in run.says
    nothing_of(sentinel, prefect_server, *capfd.readouterr())


class Talkative(FakeGateway):
    """Fails once with an error of a library that repeats what it was given, then turns everybody down so."""

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        self.calls += 1
        if self.calls == 1:
            raise ValueError(f"cannot send {[(one.to, one.body) for one in messages]}")
        return Answer(
            {one.reference: Turned("number-barred", f"no {one.to}: {one.body}") for one in messages}
        )


def test_after_an_error_of_the_gateway(
    practice: Practice, sentinel: Sentinel, prefect_server: Settings,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    practice.gateway = Talkative()
    run = run_flow(practice, listed(practice, sentinel))
    assert practice.gateway.calls >= 1
    assert run.state in {"Failed", "Completed"}
    nothing_of(sentinel, prefect_server, *capfd.readouterr())


def test_after_a_crash(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, sentinel: Sentinel,
    prefect_server: Settings,
) -> None:  # fmt: skip
    """NEW-3 also: SIGKILL in the middle of sending; the same request again messages everybody once."""
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.settings = practice.settings.model_copy(update={"batch_size": 7})
    peopled(practice, sentinel)
    request = listed(practice, sentinel).model_copy(update={"request_key": "crash"})
    killed = run_apart(practice, prefect_server, request, "send.returned", "2")
    assert killed.returncode == -9, killed.stderr
    assert len(practice.items()) < 21
    nothing_of(sentinel, prefect_server, killed.stdout, killed.stderr)
    ended = run_apart(practice, prefect_server, request)
    assert ended.returncode == 0, ended.stderr
    nothing_of(sentinel, prefect_server, ended.stdout, ended.stderr)
    assert len(practice.items()) == 21
    assert practice.count(campaign) == 1
    with practice.record.read() as connection:
        sent = connection.scalars(ADDRESSES_KEPT).all()
    assert len(sent) == len(set(sent)) == 21
    assert find_in_prefect(tmp_path / "prefect", sentinel.words) == []
    assert (tmp_path / "logs" / "cohort.log").exists()
    assert find_in_prefect(tmp_path / "logs", sentinel.words) == []


def test_after_a_parameter_that_the_flow_does_not_take(
    sentinel: Sentinel, prefect_server: Settings, deployed_anew: bool,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Asked for through the server, as UI and CLI do: it refuses, and keeps nothing of what was given."""
    wrong = {"request": {"list_name": "x", "patient": sentinel.given, "phone": sentinel.mobile}}
    monkeypatch.setenv("COHORT_HOME", str(prefect_server.home))
    with pytest.raises(ParametersRefused) as refusal:
        start_deployment("message/message", wrong)
    nothing_of(sentinel, prefect_server, str(refusal.value), *capfd.readouterr())


@pytest.mark.usefixtures("prefect_server")
def test_a_wrong_parameter_of_a_call_is_not_repeated(sentinel: Sentinel) -> None:
    with pytest.raises(ParametersRefused) as refusal:
        message({"list_name": "x", "cohort": {"ids": sentinel.nhs_number}})  # type: ignore[call-overload]
    assert [word for word in sentinel.words if word in str(refusal.value)] == []
    assert "cohort" in str(refusal.value)


@pytest.mark.parametrize("fault", ["wrong rows", "wrong columns", "unknown template"])
def test_the_programs_errors_name_rows_and_kinds_and_no_patient(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, sentinel: Sentinel, fault: str
) -> None:
    """What `cohort message` prints when a list is refused: positions, counts, what to do."""
    practice = Practice(sqlite_record, clock, tmp_path)
    row = f"{sentinel.nhs_number},{sentinel.mobile},{sentinel.given}"
    rows = [row] * 30 if fault != "wrong columns" else [row]
    heading = "NHS Number,Mobile,First Name" if fault != "wrong columns" else row
    path = practice.file(*rows, heading=heading)
    template = "none" if fault == "unknown template" else "plain"
    result = CliRunner().invoke(
        app,
        ["message", str(path), "--name", "List", "--template", template, "--yes"],
        env={
            "COHORT_HOME": str(tmp_path), "COHORT_CONFIG": os.devnull,
            "COHORT_RECORD_URL": practice.settings.record_url, "NO_COLOR": "1",
        },
    )  # fmt: skip
    assert result.exit_code == 2, result.output
    assert [word for word in sentinel.words if word in result.output] == []

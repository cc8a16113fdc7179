"""Reports of campaigns by MESH, against NHS England's own sandbox: once each, whatever happens between."""

from __future__ import annotations

import csv
import hashlib
import io
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import mesh_client
import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed
from clinic.message.incoming.receipt_timeout import end_waiting
from clinic.outside_record.mesh.asking import ask_for_ended, ask_for_report
from clinic.outside_record.mesh.content import HEADINGS
from clinic.outside_record.mesh.post import MeshPost, NotSent, PostRefused, Unsure
from clinic.outside_record.mesh.reports import list_reports, send_reports
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign
from clinic.record.schema.people import clinical_item
from clinic.record.schema.systems.mesh import mesh_report
from clinic.settings import Mesh
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs
from tests.servers.mesh import KEY, OURS, PASSWORD, PRACTICE, running_mesh
from tests.servers.scripted import reply, scripted_http

pytestmark = pytest.mark.xdist_group("mesh")


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The sandbox's address."""
    with running_mesh(tmp_path_factory.mktemp("mesh")) as url:
        yield url


def settings(url: str, **values: Any) -> Mesh:
    given: dict[str, Any] = {
        "url": url, "mailbox": OURS, "password": PASSWORD, "shared_key": KEY, "to_mailbox": PRACTICE,
        "workflow_id": "COHORT_REPORT", "timeout_seconds": 10, "send_from": "2026-01-01",
    }  # fmt: skip
    return Mesh(**(given | values))


class Reports:
    """A practice with one campaign of three, and what sends its report."""

    def __init__(self, record: Record, clock: FakeClock, folder: Path, url: str) -> None:
        self.record, self.clock, self.url = record, clock, url
        self.practice = practice = Practice(record, clock, folder)
        practice.patients(3)
        practice.run(practice.everybody(3), snomed_codes=["699237001"])
        self.install_id = uuid.uuid4().hex  # its own: the mailboxes are shared by the tests
        self._theirs = mesh_client.MeshClient(url, PRACTICE, PASSWORD, shared_key=KEY.encode())
        self._opened: list[Any] = [self._theirs]

    def post(self, url: str = "", **values: Any) -> MeshPost:
        """Our mailbox, closed at the end."""
        made = MeshPost(settings(url or self.url, **values))
        self._opened.append(made)
        return made

    def close(self) -> None:
        for one in self._opened:
            one.close()

    def ask(self, *, again: bool = False) -> int:
        return ask_for_report(
            self.record, self.clock, 1, install_id=self.install_id, by="nia", again=again
        )

    def ended(self, since: date = date(2026, 1, 1)) -> int:
        """What the scheduled run asks for by itself."""
        return ask_for_ended(self.record, self.clock, install_id=self.install_id, since=since)

    def send(self, post: Any = None, *, owner: str = "me") -> int:
        own = post or self.post()
        return send_reports(
            self.record,
            self.clock,
            own,
            owner=owner,
            show=lambda at: f"{at:%d/%m/%Y}" if at else "",
        )

    @property
    def states(self) -> list[str]:
        return [line.state for line in reversed(list_reports(self.record))]

    def arrived(self) -> list[Any]:
        """What the practice has from us."""
        found = [self._theirs.retrieve_message(key) for key in self._theirs.list_messages()]
        return [one for one in found if str(one.local_id).startswith(self.install_id[:8])]


@pytest.fixture
def reports(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, mesh: str
) -> Iterator[Reports]:
    """One campaign, of which no report was asked for."""
    made = Reports(sqlite_record, clock, tmp_path, mesh)
    yield made
    made.close()


@pytest.fixture
def on_either(record: Record, clock: FakeClock, tmp_path: Path, mesh: str) -> Iterator[Reports]:
    """The same on either database."""
    made = Reports(record, clock, tmp_path, mesh)
    yield made
    made.close()


def test_the_practice_gets_a_row_for_each_message_and_we_hear_that_it_has_it(
    on_either: Reports,
) -> None:
    """ACX-32: where there is no other interface, the practice's own system takes the file."""
    reports = on_either
    reports.ask()
    assert reports.send() == 1
    (message,) = reports.arrived()
    assert message.workflow_id == "COHORT_REPORT"
    rows = list(csv.reader(io.StringIO(message.read().decode("utf-8"))))
    assert rows[0] == list(HEADINGS)
    assert [(row[0], row[2], row[6], row[8]) for row in rows[1:]] == [
        ("1", nhs(n), "Pending", "699237001") for n in (1, 2, 3)
    ]
    assert reports.send() == 0
    assert reports.states == ["sent"]
    message.acknowledge()
    reports.send()
    assert reports.states == ["acknowledged"]


class Breaks:
    """A post that breaks once at one of two pieces: before MESH has it, after, or with the whole process."""

    def __init__(self, post: MeshPost, piece: str, when: str) -> None:
        self._post, self._piece, self._when = post, piece, when
        self.status = self._post.status

    def begin(self, *words: Any) -> str:
        return str(self._at("begin", self._post.begin, *words))

    def finish(self, *words: Any) -> bool:
        return bool(self._at("finish", self._post.finish, *words))

    def _at(self, piece: str, call: Any, *words: Any) -> Any:
        when = self._when if piece == self._piece else ""
        self._when = "" if when else self._when
        if when == "before":
            raise Unsure
        if when == "refused connection":
            raise NotSent
        if when == "killed before":
            raise KeyboardInterrupt
        found = call(*words)
        if when == "after":
            raise Unsure
        if when == "killed after":
            raise KeyboardInterrupt
        return found


BREAKS = ("before", "after", "refused connection", "killed before", "killed after")


@pytest.mark.parametrize("when", BREAKS)
@pytest.mark.parametrize("piece", ["begin", "finish"])
def test_whatever_happens_the_practice_has_it_once(reports: Reports, piece: str, when: str) -> None:
    """And as it is when it arrives: a receipt that came meanwhile is in it, or was too late for it."""
    reports.ask()
    post = Breaks(reports.post(), piece, when)
    try:
        reports.send(post, owner="dead")
    except KeyboardInterrupt:
        assert reports.states == ["sending"]
    with reports.record.write() as connection:
        connection.execute(sa.update(clinical_item).values(status="sent"))
    reports.clock.sleep(3600)
    for _ in range(2):
        reports.send(post, owner="next")
    (message,) = reports.arrived()
    assert reports.states == ["sent"]
    data = message.read()
    rows = list(csv.reader(io.StringIO(data.decode("utf-8"))))
    assert [row[2] for row in rows[1:]] == [nhs(n) for n in (1, 2, 3)]
    too_late = piece == "finish" and when in ("after", "killed after")
    assert {row[6] for row in rows[1:]} == {"Pending" if too_late else "Sent Successfully"}
    with reports.record.read() as connection:
        noted = connection.scalar(sa.select(mesh_report.c.sha256))
    sent = hashlib.sha256(data).hexdigest()
    assert noted == (None if too_late else sent), "which file it is, or that it is not known"


class StandsStill:
    """A post whose machine stands still at one of two pieces, while another machine does all that is left."""

    def __init__(self, reports: Reports, piece: str, when: str) -> None:
        self._reports, self._piece, self._when = reports, piece, when
        self._post = reports.post()
        self.status = self._post.status

    def begin(self, *words: Any) -> str:
        return str(self._at("begin", self._post.begin, *words))

    def finish(self, *words: Any) -> bool:
        return bool(self._at("finish", self._post.finish, *words))

    def _at(self, piece: str, call: Any, *words: Any) -> Any:
        if (piece, self._when) == (self._piece, "before"):
            self._others_do_it()
        found = call(*words)
        if (piece, self._when) == (self._piece, "after"):
            self._others_do_it()
        return found

    def _others_do_it(self) -> None:
        self._when = ""
        self._reports.clock.sleep(3600)
        self._reports.send(owner="another")
        assert self._reports.states == ["sent"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("piece", ["begin", "finish"])
def test_a_machine_that_stood_still_sends_no_second_report(
    on_either: Reports, piece: str, when: str
) -> None:
    """ACX-32: its lease ran out meanwhile, and another sent what it had begun."""
    reports = on_either
    reports.ask()
    assert reports.send(StandsStill(reports, piece, when), owner="slept") == 0
    (message,) = reports.arrived()
    assert reports.states == ["sent"]
    message.acknowledge()
    reports.send()
    assert reports.states == ["acknowledged"]


def test_what_another_sent_while_we_looked_what_waits_is_not_begun_again(
    reports: Reports,
) -> None:
    """ACX-32: the lease is free again, and ours; the report is sent."""
    reports.ask()
    reports.send(owner="another")
    reports.ask(again=True)

    class Looks(Breaks):
        """Stands still with the first of two reports, when it knows both."""

        def begin(self, *words: Any) -> str:
            reports.clock.sleep(3600)
            reports.send(owner="another")
            raise NotSent

    with reports.record.write() as connection:  # both wait
        connection.execute(sa.update(mesh_report).values(state="waiting", message_id=None))
    reports.send(Looks(reports.post(), "", ""), owner="slept")
    assert reports.states == ["sent", "sent"]
    assert len(reports.arrived()) == 3


@pytest.mark.parametrize("answer", [Unsure, NotSent, PostRefused])
def test_what_a_machine_that_stood_still_hears_does_not_undo_what_another_did(
    reports: Reports, answer: type[Exception]
) -> None:
    """ACX-32: nor does it let the report wait again, to be sent once more."""
    reports.ask()

    class Hears(Breaks):
        def begin(self, *words: Any) -> str:
            reports.clock.sleep(3600)
            reports.send(owner="another")
            raise PostRefused("12") if answer is PostRefused else answer

    reports.send(Hears(reports.post(), "", ""), owner="slept")
    assert reports.states == ["sent"]
    reports.send()
    assert len(reports.arrived()) == 1


def test_nothing_of_a_patient_is_at_mesh_before_its_id_is_known(reports: Reports) -> None:
    """What is begun and never ended is headings alone, and the practice does not see it."""
    reports.ask()
    heads: list[bytes] = []

    class Listens(Breaks):
        def begin(self, *words: Any) -> str:
            heads.append(words[-1])
            return super().begin(*words)

    reports.send(Listens(reports.post(), "finish", "before"))
    assert heads == [",".join(HEADINGS).encode()]
    assert reports.arrived() == []
    assert reports.states == ["unknown"]


def test_a_report_goes_by_itself_when_its_campaign_is_over_and_once(on_either: Reports) -> None:
    """ACX-32: when nothing is awaited of it any more; whoever looks, and at the same time, asks once."""
    reports = on_either
    assert reports.ended() == 0, "receipts are awaited still"
    reports.clock.sleep(80 * 3600)
    practice = reports.practice
    end_waiting(reports.record, reports.clock, practice.settings.receipts)
    assert reports.ended(since=date(2027, 1, 1)) == 0, "it was over before that day"
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: reports.ended(), range(4))) == 1
    assert reports.send() == 1
    assert (reports.ended(), reports.send()) == (0, 0)
    (message,) = reports.arrived()
    rows = list(csv.reader(io.StringIO(message.read().decode("utf-8"))))
    assert {row[6] for row in rows[1:]} == {"Send Failed"}
    with pytest.raises(NotAllowed, match="report-there"):
        reports.ask()


@pytest.mark.parametrize(
    "values",
    [
        {"dry_run": True},
        {"save_to_record": False},
        {"gateway": "outbox"},
        {"state": "running"},
        {"state": "reconciling"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_was_no_campaign_to_patients_or_is_not_over_is_not_reported(
    reports: Reports, values: dict[str, Any]
) -> None:
    with reports.record.write() as connection:
        connection.execute(sa.update(batch).values(settled=True))
        connection.execute(sa.update(campaign).values(**values))
    assert reports.ended() == 0


def test_a_mailbox_that_is_none_refuses_it_with_a_code(reports: Reports) -> None:
    reports.ask()
    reports.send(reports.post(to_mailbox="NOBODY1"))
    (line,) = list_reports(reports.record)
    assert line.state == "refused"
    assert line.problem is not None
    assert line.problem.startswith("mesh-")
    assert reports.ask(again=True) == 2
    assert reports.send() == 1
    assert reports.states == ["refused", "sent"]


def test_where_nobody_is_it_waits(reports: Reports) -> None:
    reports.ask()
    reports.send(reports.post("http://127.0.0.1:9"))
    assert reports.states == ["waiting"]
    assert reports.send() == 1


@pytest.mark.parametrize(
    "answer",
    [reply(302, b"", "Location: http://127.0.0.1:9/elsewhere"), reply(500), reply(200, b"<html>")],
    ids=["redirect", "500", "html"],
)
def test_what_is_no_answer_leaves_it_unknown_and_no_other_host_is_asked(
    reports: Reports, answer: Any
) -> None:
    reports.ask()
    with scripted_http(answer) as server:
        reports.send(reports.post(server.url))
        assert reports.states == ["waiting"], "nothing can arrive of it"
    assert reports.send() == 1, "MESH has nothing of it"
    assert len(reports.arrived()) == 1


@pytest.mark.parametrize(
    ("status", "tracked", "state"),
    [
        (202, "", "sent"),
        (423, "", "sent"),
        (409, "accepted", "sent"),
        (403, "uploading", "refused"),
        (404, "", "unknown"),
        (503, "", "unknown"),
    ],
)
def test_the_second_piece_is_judged_by_its_status(
    reports: Reports, status: int, tracked: str, state: str
) -> None:
    """423: MESH has the whole of it; a refusal only where its own tracking says that it is not whole."""
    reports.ask()
    begun = reply(202, b'{"message_id": "M1"}', "Content-Type: application/json")
    found = reply(200, b'{"status": "%s"}' % tracked.encode()) if tracked else reply(404)
    with scripted_http(begun, reply(status), found) as server:
        reports.send(reports.post(server.url))
    assert reports.states == [state]


def test_one_report_a_campaign_unless_another_is_asked_for(reports: Reports) -> None:
    reports.ask()
    with pytest.raises(NotAllowed, match="report-there"):
        reports.ask()
    with pytest.raises(NotAllowed, match="report-there"):
        reports.ask(again=True)  # it waits still
    reports.send()
    assert reports.ask(again=True) == 2
    reports.send()
    assert len(reports.arrived()) == 2

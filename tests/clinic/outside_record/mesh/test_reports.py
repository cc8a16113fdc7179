"""Reports of campaigns by MESH, against NHS England's own sandbox: once each, whatever happens between."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mesh_client
import pytest

from clinic.errors import NotAllowed
from clinic.outside_record.mesh.content import HEADINGS
from clinic.outside_record.mesh.post import MeshPost, NotSent, Unsure
from clinic.outside_record.mesh.reports import ask_for_report, list_reports, send_reports
from clinic.record.database import Record
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
    given = {
        "url": url, "mailbox": OURS, "password": PASSWORD, "shared_key": KEY, "to_mailbox": PRACTICE,
        "workflow_id": "COHORT_REPORT", "timeout_seconds": 10,
    }  # fmt: skip
    return Mesh(**(given | values))


class Reports:
    """A practice with one campaign of three, and what sends its report."""

    def __init__(self, record: Record, clock: FakeClock, folder: Path, url: str) -> None:
        self.record, self.clock, self.url = record, clock, url
        practice = Practice(record, clock, folder)
        practice.patients(3)
        practice.run(practice.everybody(3), snomed_codes=["699237001"])
        self.install_id = uuid.uuid4().hex  # its own: the mailboxes are shared by the tests
        self._practice = mesh_client.MeshClient(url, PRACTICE, PASSWORD, shared_key=KEY.encode())
        self._opened: list[Any] = [self._practice]

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
        found = [self._practice.retrieve_message(key) for key in self._practice.list_messages()]
        return [one for one in found if str(one.local_id).startswith(self.install_id[:8])]


@pytest.fixture
def reports(record: Record, clock: FakeClock, tmp_path: Path, mesh: str) -> Iterator[Reports]:
    """One campaign, of which no report was asked for."""
    made = Reports(record, clock, tmp_path, mesh)
    yield made
    made.close()


def test_the_practice_gets_a_row_for_each_message_and_we_hear_that_it_has_it(
    reports: Reports,
) -> None:
    """ACX-32: where there is no other interface, the practice's own system takes the file."""
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
    """A post that breaks at its first report: before MESH has it, after, or with the whole process."""

    def __init__(self, post: MeshPost, when: str) -> None:
        self._post, self._when = post, when
        self.find, self.status = self._post.find, self._post.status

    def send(self, local_id: str, filename: str, data: bytes) -> str:
        when, self._when = self._when, ""
        if when == "before":
            raise Unsure
        if when == "refused connection":
            raise NotSent
        message_id = self._post.send(local_id, filename, data)
        if when == "after":
            raise Unsure
        if when == "killed":
            raise KeyboardInterrupt
        return message_id


@pytest.mark.parametrize("when", ["before", "after", "killed", "refused connection"])
def test_whatever_happens_the_practice_has_it_once(reports: Reports, when: str) -> None:
    reports.ask()
    post = Breaks(reports.post(), when)
    try:
        reports.send(post, owner="dead")
    except KeyboardInterrupt:
        assert reports.states == ["sending"]
    reports.clock.sleep(3600)
    for _ in range(2):
        reports.send(post, owner="next")
    assert len(reports.arrived()) == 1
    assert reports.states == ["sent"]


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
)
def test_what_is_no_answer_leaves_it_unknown_and_no_other_host_is_asked(
    reports: Reports, answer: Any
) -> None:
    reports.ask()
    with scripted_http(answer) as server:
        reports.send(reports.post(server.url))
        assert reports.states == ["unknown"]
    assert reports.send() == 1, "MESH has nothing of it"
    assert len(reports.arrived()) == 1


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

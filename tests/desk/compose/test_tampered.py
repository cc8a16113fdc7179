"""Drafts of others, the same form twice, a row that was tampered with, a killed helper; no patient's value."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused
from clinic.govern.people.facilities import set_facilities
from clinic.govern.people.operators import disable_operator
from clinic.message.drafts.uploads import path_of, remove_unused
from clinic.message.drafts.work import is_changed, next_due, note_problem
from clinic.record.schema.campaigns import draft
from clinic.record.schema.messages import message, recipient
from clinic.record.schema.people import facility, group_member, patient, patient_group
from tasks.wiring import Wiring
from tests.desk.compose.composing import TEXT, Composer
from tests.main_job import Practice, nhs

_PAGES = ("", "list", "text", "code", "when", "review", "progress", "not-accepted.csv")
_FORMS = (
    "list",
    "text",
    "segments",
    "code",
    "when",
    "days",
    "check",
    "send",
    "override",
    "discard",
)


@pytest.fixture
def composer(parts: Wiring, practice: Practice) -> Composer:
    """An operator; the practice has five patients."""
    practice.patients(5)
    return Composer(parts)


@pytest.mark.parametrize("name", ["tegan", "mair"])
def test_a_draft_is_its_owners_alone(composer: Composer, parts: Wiring, name: str) -> None:
    """ASVS 8.2.2: for others, managers too, each page and form of it is not there; nothing of it changes."""
    composer.ready(1, 2)
    before = composer.row()
    other = Composer(parts, name)
    other.number = composer.number
    assert [other.see(part).status_code for part in _PAGES] == [404] * len(_PAGES)
    forms = [other.send(part, {**TEXT, "timing": "now"}).status_code for part in _FORMS]
    assert forms == [404] * len(_FORMS)
    assert composer.row() == before
    assert f"drafts/{composer.number}" not in other.visitor.see("/messages/new").text


def test_two_yeses_of_two_tabs_are_one_message(composer: Composer) -> None:
    """Double submits: one campaign, one send; the second tab is shown the same."""
    composer.ready(1, 2)
    for _ in range(3):
        assert composer.say_yes().url.path == f"{composer.at}/review"
    composer.help()
    assert composer.say_yes().url.path == f"{composer.at}/review"
    composer.help()
    assert composer.started == [1]
    assert composer.campaigns() == [(1, "running")]


def test_checking_twice_is_one_campaign(composer: Composer) -> None:
    """The button of the last page, pressed twice."""
    composer.begin().list_of(1)
    composer.send("text", TEXT)
    for _ in range(2):
        composer.send("when", {"timing": "now"})
        composer.help()
    assert composer.campaigns() == [(1, "checking")]


def test_what_is_changed_after_the_review_is_another_campaign(composer: Composer) -> None:
    """The reviewed one is refused; a yes of an old tab counts for nothing."""
    composer.ready(1, 2)
    old = composer.row().campaign_id
    composer.send("text", {**TEXT, "body": "Flu clinic on Monday."})
    assert composer.campaigns() == [(1, "refused")]
    composer.send("check", {})
    composer.help()
    answer = composer.send("send", {"campaign": old})
    assert answer.status_code == 422
    assert "changed since that review" in answer.text
    composer.help()
    assert composer.campaigns() == [(1, "refused"), (2, "checking")]
    assert composer.started == []
    composer.say_yes()
    composer.help()
    assert composer.campaigns() == [(1, "refused"), (2, "running")]


def test_what_was_sent_cannot_be_changed_or_discarded(composer: Composer) -> None:
    composer.ready(1)
    composer.say_yes()
    for part in ("text", "discard"):
        assert composer.send(part, {**TEXT, "body": "Something else"}).status_code == 403
    composer.help()
    assert composer.campaigns() == [(1, "running")]


@pytest.mark.parametrize(
    "tampered",
    [
        {"state": "sending"},
        {"state": "sending", "mark": "0" * 64},
        {"owner": "mair", "state": "sending"},
    ],
)
def test_a_row_that_nobody_said_to_send_sends_nothing(
    composer: Composer, tampered: dict[str, str]
) -> None:
    """A draft written past the program has no mark under the key of the trail."""
    composer.ready(1)
    with composer.parts.record.write() as connection:
        connection.execute(sa.update(draft).values(**tampered))
    composer.help()
    assert composer.started == []
    assert composer.row().problem == "draft-unproven"
    assert composer.campaigns() == [(1, "refused")]


def test_a_yes_is_of_that_campaign_alone(composer: Composer, practice: Practice) -> None:
    """The mark is of the campaign that was reviewed: another number in the row is no yes to that one."""
    composer.ready(1)
    practice.begin(practice.everybody(3), request_key="another")
    composer.say_yes()
    with practice.record.write() as connection:
        connection.execute(sa.update(draft).values(campaign_id=2))
    composer.help()
    assert composer.started == []
    assert composer.campaigns()[1] == (2, "checking")


def test_who_is_disabled_before_it_went_sends_nothing(composer: Composer, parts: Wiring) -> None:
    """NEW-38."""
    composer.ready(1)
    composer.say_yes()
    disable_operator(parts.record, parts.clock, name="olwen", by="ada")
    composer.help()
    assert composer.started == []
    assert composer.campaigns() == [(1, "refused")]


def test_who_is_tied_to_facilities_sees_no_count_of_others(
    composer: Composer, parts: Wiring
) -> None:
    """NEW-38: groups by name alone, and a filter finds their own patients."""
    with parts.record.write() as connection:
        connection.execute(sa.insert(facility).values(id=1, code="F1", name="One"))
        connection.execute(sa.insert(patient_group).values(id=1, code="g", name="Walkers"))
        connection.execute(sa.insert(group_member).values(group_id=1, patient_id=1))
        connection.execute(sa.update(patient).where(patient.c.id < 3).values(facility_id=1))
    assert "Walkers (1 patient)" in composer.begin().see("list").text
    set_facilities(parts.record, parts.clock, name="olwen", codes=["F1"], by="ada")
    page = composer.see("list").text
    assert "Walkers" in page
    assert "1 patient" not in page
    composer.send("list", {"list_name": "All", "source": "filter", "status": "active"})
    assert composer.row().rows == 2


def test_a_large_message_asks_for_approval(composer: Composer, parts: Wiring) -> None:
    """NEW-1: the button says so, and nothing is sent."""
    release = parts.settings.release.model_copy(update={"approval_above": 1})
    parts.settings = parts.settings.model_copy(update={"release": release})
    own = Composer(parts).ready(1, 2, 3)
    assert "Ask for approval" in own.see("review").text
    own.say_yes()
    own.help()
    assert own.campaigns() == [(1, "awaiting_approval")]
    assert "Approval asked for" in own.see("review").text


def test_what_is_found_is_answered_with_a_reason(composer: Composer) -> None:
    """COM-4: each finding needs one; without it nothing is sent, and the field says so."""
    composer.ready(1, body="Your HIV test result is ready.")
    assert "What was found" in composer.see("review").text
    codes = _reasons(composer)
    answer = composer.say_yes()
    assert answer.status_code == 422
    assert "Say why it is right" in answer.text
    assert composer.campaigns() == [(1, "checking")]
    assert composer.say_yes(**dict.fromkeys(codes, "They asked for it by text")).status_code == 200
    composer.help()
    assert composer.campaigns()[0][1] in ("running", "awaiting_approval")


def _reasons(composer: Composer) -> list[str]:
    return re.findall(r'name="(reason-[^"]+)"', composer.see("review").text)


def test_a_list_that_the_checks_stop_takes_a_reason(composer: Composer, practice: Practice) -> None:
    """NEW-5: the page says why, has the rows for download, and asks for the reason of whoever knows better."""
    practice.template("Smear tests are due.", key="smear")
    composer.ready(1, 101, what="template", template="smear")
    assert composer.row().problem == "list-refused"
    page = composer.see("review").text
    assert "Why is it right all the same?" in page
    assert nhs(101) in composer.see("not-accepted.csv").text
    assert composer.send("override", {"reason": ""}).status_code == 422
    composer.send("override", {"reason": "They moved here yesterday"})
    composer.help()
    assert "Send 1 message" in composer.see("review").text
    composer.send("text", {**TEXT, "body": "Something else."})
    assert '"override":""' in composer.row().asked, "it answered for that list and text alone"


def test_a_draft_is_continued_or_discarded(composer: Composer, parts: Wiring) -> None:
    """It survives closing the browser, and goes with its file and its campaign."""
    composer.begin().list_of(1)
    again = Composer(parts)
    assert f"/drafts/{composer.number}" in again.visitor.see("/messages/new").text
    uploads = list((parts.settings.home / "uploads").glob("*/*"))
    assert [path.stat().st_mode & 0o777 for path in uploads] == [0o600]
    composer.send("discard", {})
    assert list((parts.settings.home / "uploads").glob("*/*")) == []
    assert composer.see().status_code == 404
    other = Composer(parts).ready(1)
    other.send("discard", {})
    assert other.campaigns() == [(1, "refused")]


def test_an_upload_that_nobody_needs_goes(composer: Composer, parts: Wiring) -> None:
    """Of an upload that was killed, after an hour; what a draft has stays."""
    composer.begin().list_of(1)
    left = parts.settings.home / "uploads" / "9-left"
    left.mkdir()
    os.utime(left, (0, 0))
    remove_unused(parts.record, parts.settings.home, parts.clock.now() + timedelta(days=9_000))
    assert not left.exists()
    assert composer.row().file


def test_a_file_replaced_while_it_is_read_is_no_trouble(
    composer: Composer, parts: Wiring, caplog: pytest.LogCaptureFixture
) -> None:
    """Two uploads on end: the helper reads the second, and tells nobody of the first."""
    composer.begin().list_of(1)
    first = next_due(parts.record)
    composer.list_of(1, 2)
    assert first is not None
    with pytest.raises(CohortRefused):
        path_of(parts.settings.home, first.file or "")
    assert is_changed(parts.record, first)
    note_problem(parts.record, first, "internal", "Too late.")
    composer.help()
    assert composer.row().rows == 2
    assert not composer.row().problem
    assert not caplog.records


def test_a_helper_that_is_killed_again_and_again_does_not_try_for_ever(composer: Composer) -> None:
    """A list that brings it down each time is told as a problem."""
    composer.begin().list_of(1)
    composer.send("text", TEXT)
    composer.send("when", {"timing": "now"})
    with composer.parts.record.write() as connection:
        connection.execute(sa.update(draft).values(tries=9))
    composer.help()
    assert composer.row().problem == "draft-failed"
    composer.send("check", {})
    composer.help()
    assert composer.row().state == "ready"


def test_no_value_of_a_patient_is_anywhere_but_in_the_record(
    composer: Composer, parts: Wiring, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Sentinel: not in logs, in the draft, in an address, nor in a file that is left (ASVS 14.2, 16.2)."""
    sentinel = "Zanzibarova"
    caplog.set_level(logging.DEBUG)
    lines = ["NHS Number,Given Name", f"{nhs(1)},{sentinel}", f"{sentinel},{sentinel}"]
    answers = [composer.begin().upload("\n".join(lines).encode())]
    answers += [composer.send("text", {**TEXT, "body": "Hello {{ patient.given_name }}"})]
    answers += [composer.send("when", {"timing": "now"})]
    composer.help()
    composer.see("review")
    composer.see("not-accepted.csv")
    composer.send("override", {"reason": "It is right"})
    composer.help()
    composer.say_yes()
    composer.help()
    assert composer.campaigns()
    seen = [str(answer.url) for answer in answers] + [caplog.text, str(composer.row())]
    assert not [text for text in seen if sentinel in text or nhs(1) in text]
    files = [p for p in parts.settings.home.rglob("*") if p.is_file() and "record.db" not in p.name]
    assert not [p for p in files if sentinel.encode() in p.read_bytes()]


def test_a_list_too_large_is_refused_before_it_is_kept(composer: Composer, parts: Wiring) -> None:
    """ASVS 5.2.1."""
    from desk.staff.compose.whom import LARGEST

    composer.begin()
    headers = {
        "content-length": str(LARGEST + 1),
        "content-type": "multipart/form-data; boundary=x",
    }
    answer = composer.visitor.client.post(f"{composer.at}/list", content=b"--x", headers=headers)
    assert answer.status_code == 413
    assert not list((parts.settings.home / "uploads").glob("*/*"))


def _helper(home: Path, record: str) -> subprocess.Popen[bytes]:
    """A real one, as the desk starts it."""
    own = {
        "COHORT_HOME": str(home),
        "COHORT_RECORD_URL": record,
        "COHORT_PHONES__TEST_RANGE": "true",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "desk.background.work"], stdin=subprocess.PIPE,
        env={**os.environ, **own},
    )  # fmt: skip


def _until(true: Any, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def test_a_helper_killed_in_the_midst_of_a_check_is_gone_on_with_by_the_next(
    composer: Composer, practice: Practice, parts: Wiring
) -> None:
    """Real processes: killed while rows are checked, the next one ends the same campaign, and each row once."""
    lines = ["NHS Number", *(nhs(1 + n % 5) for n in range(4_000))]
    composer.begin().upload("\n".join(lines).encode())
    composer.send("text", TEXT)
    composer.send("when", {"timing": "now"})
    url = parts.record.engine.url.render_as_string(hide_password=False)
    first = _helper(parts.settings.home, url)
    _until(lambda: composer.campaigns())
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert composer.row().state == "checking"
    second = _helper(parts.settings.home, url)
    _until(lambda: composer.row().state != "checking")
    second.communicate(timeout=20)  # closes its input, as when the desk ends
    assert second.returncode == 0
    assert composer.campaigns() in ([(1, "checking")], [(1, "refused")])
    with practice.record.read() as connection:
        count = sa.select(sa.func.count()).select_from(message)
        rows = connection.scalar(sa.select(sa.func.count()).select_from(recipient))
        assert rows == 4_000
        assert (connection.scalar(count) or 0) <= 5

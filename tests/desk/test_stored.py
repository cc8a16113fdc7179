"""What somebody stored is shown as text on every page, and a patient's values are where they belong."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from clinic.gateway.received import Inbound
from clinic.message.incoming.replies import apply_replies, keep_replies
from clinic.record.schema.recall import recall, recall_task
from desk.staff.routes import PAGES
from tasks.wiring import Wiring
from tests.desk.visitors import Visitor
from tests.main_job import Practice, nhs

RUNS: Final = "<img src=x onerror=alert(1)>\"'{{7*7}}"
"""A tag, both quotation marks and an expression of the templates."""
NAME: Final = "Sentinelova"
MOBILE: Final = "07700900777"
_PLACES: Final = {"{number:int}": "1", "{key}": "plain"}
# What a person must say before a patient is shown
_REASON: Final = {"reason": "care"}


@pytest.fixture
def full(practice: Practice) -> Practice:
    """A practice whose every text is one that would run, and which sent its list."""
    practice.template(f"Dear {{{{ patient.given_name }}}}, {RUNS.replace('{{7*7}}', '')}")
    practice.patient(1, given_name=RUNS, family_name=NAME, mobile=MOBILE)
    practice.patient(2, given_name="Ann", family_name=RUNS)
    listed = practice.file(
        f"{nhs(1)},{RUNS.replace(',', '')}", nhs(2), heading=f"NHS Number,{RUNS}"
    )
    practice.run(listed, list_name=RUNS)
    answered(practice)
    return practice


def answered(practice: Practice) -> None:
    """What patient 1 wrote holds their number back, and a recall left a task of theirs."""
    record, clock, phones = practice.record, practice.clock, practice.settings.phones
    text = f"Wrong number, I am not {NAME} {RUNS}"
    keep_replies(record, clock, [Inbound("fake", "r1", "sms", f"+44{MOBILE[1:]}", text)], phones)
    apply_replies(record, clock, phones)
    day = clock.now().date()
    with record.write() as connection:
        connection.execute(recall.insert().values(campaign_id=1, recall_by=day, owner=RUNS))
        task = {
            "campaign_id": 1,
            "row_number": 2,
            "patient_id": 1,
            "code": "opted_out",
            "owner": RUNS,
        }
        connection.execute(recall_task.insert().values(**task, due_on=day, made_at=clock.now()))


def addresses() -> Iterator[str]:
    """Every page that is to be looked at, of what there is."""
    for page in PAGES:
        path = page.path
        for place, value in _PLACES.items():
            path = path.replace(place, value)
        if page.show is not None and "{" not in path and not path.startswith("/provider"):
            yield path


def test_nothing_that_was_stored_runs_on_any_page(full: Practice, parts: Wiring) -> None:
    """Stored XSS, and expressions of the templates, in every field: shown as text (ASVS 1.3.1)."""
    del full
    visitor = Visitor(parts)
    visitor.sign_in("mair")
    visitor.send("/patients/1/why", _REASON, seen_at="/sessions")
    shown = 0
    for path in addresses():
        answer = visitor.see(path)
        text = answer.text
        if not answer.headers["content-type"].startswith("text/html"):
            assert answer.headers["content-disposition"].startswith("attachment"), path
            continue  # a file, which no browser reads as a page
        assert "<img src=x" not in text, path
        assert not re.search(r"&#34;'?49", text), path
        shown += "&lt;img src=x" in text
    assert shown >= 3, "what was stored is on no page at all"


def test_a_patients_values_are_in_no_log_address_or_file(
    full: Practice, parts: Wiring, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """The sentinel patient at the desk: looked at, searched for, and wrongly typed."""
    del full
    caplog.set_level(logging.DEBUG)
    visitor = Visitor(parts)
    visitor.sign_in("mair")
    asked: list[str] = []
    visitor.client.event_hooks["request"].append(lambda request: asked.append(str(request.url)))
    visitor.send("/patients/1/why", _REASON, seen_at="/sessions")
    seen = ""
    for path in addresses():
        seen += visitor.see(path).text
    seen += visitor.send("/patients", {"q": NAME}, seen_at="/sessions").text
    for path in ("/messages/1/cancel", "/patients/1/confirm-number", "/count"):
        visitor.send(path, {"reason": f"{NAME} {MOBILE}", "text": NAME}, seen_at="/sessions")
    assert NAME in seen, "the sentinel is on no page at all"
    links = " ".join(re.findall(r'(?:href|action|src)="([^"]*)"', seen))
    for place, text in {"the log": caplog.text, "an address": " ".join(asked) + links}.items():
        for value in (NAME, MOBILE[1:], nhs(1)):
            assert value not in text, f"{value} is in {place}"
    for file in tmp_path.rglob("*"):
        if file.is_file() and file.suffix not in (".db", ".db-wal", ".db-shm", ".csv"):
            assert NAME.encode() not in file.read_bytes(), file

"""A patient at the door in a real browser: right, wrong, locked, expired and revoked links (ACX-14, ACX-15)."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import uvicorn

from clinic.link.standing import revoke, unlock
from desk.door.app import create_door
from tests.desk.browser import chromium, judge, looking_at, needs_browser
from tests.desk.visitors import TEMPLATES
from tests.documents import BORN, send_document, with_door
from tests.main_job import Practice
from tests.ports import free_port

pytestmark = [needs_browser, pytest.mark.xdist_group("browser")]
WRONG = date(1984, 3, 16)


@contextlib.contextmanager
def door(practice: Practice) -> Iterator[str]:
    """The door on a free port of this machine; its address."""
    port = free_port()
    with_door(practice, "")
    own = practice.settings.door.model_copy(update={"port": port})
    settings = practice.settings.model_copy(update={"door": own})
    made = create_door(settings, practice.record, practice.clock, templates=TEMPLATES)
    server = uvicorn.Server(uvicorn.Config(made, port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the door did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=60)


def type_born(page: Any, born: date, *, welsh: bool = False) -> None:
    """Into the three fields, and on with the keyboard."""
    names = ("Diwrnod", "Mis", "Blwyddyn") if welsh else ("Day", "Month", "Year")
    for name, value in zip(names, (born.day, born.month, born.year), strict=True):
        page.get_by_label(name, exact=True).fill(str(value))
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_a_patient_opens_a_document_by_a_link_and_their_date_of_birth(practice: Practice) -> None:
    """
    ACX-14: patients open the attachment through a link and must enter their date of birth: wrong, waiting,
    right, locked, unlocked by staff; in English and Welsh; without scripts. ACX-15: after 28 days it is over.
    """
    first, second, third = send_document(practice, 3)
    with chromium() as browser, door(practice) as url:
        with looking_at(browser, url) as page:
            page.goto(f"/p/{first}")
            judge(page, name="door-born")
            page.get_by_role("link", name="Cymraeg").click()
            page.wait_for_url("**lang=cy")
            assert page.get_by_role("heading", name="Agor eich dogfen").is_visible()
            judge(page, name="door-born-cy")
            type_born(page, WRONG, welsh=True)
            assert page.title().startswith("Gwall:")
            page.get_by_role("link", name="English").click()
            page.wait_for_url("**lang=en")
            type_born(page, WRONG)
            assert page.get_by_role("alert").is_visible()
            judge(page, name="door-wrong")
            type_born(page, BORN)
            assert page.get_by_role("heading", name="Your document", exact=True).is_visible(), (
                page.inner_text("body")
            )
            judge(page, name="door-document")
            there = page.get_by_role("button", name="Open Flu leaflet.pdf")
            answer = page.request.get(str(there.get_attribute("href")))
            assert answer.headers["content-type"] == "application/pdf"
            page.get_by_role("link", name="Cymraeg").click()
            page.wait_for_url("**lang=cy")
            assert page.get_by_role("heading", name="Eich dogfen").is_visible()
        with looking_at(browser, url, java_script_enabled=False) as page:
            page.goto(f"/p/{second}")
            for _ in range(5):
                type_born(page, WRONG)
            assert "Wait 15 minutes" in page.inner_text("main")
            practice.clock.sleep(timedelta(minutes=15).total_seconds())
            for _ in range(5):
                type_born(page, WRONG)
            assert page.get_by_role("heading", name="This link does not work").is_visible()
            unlock(practice.record, practice.clock, 1, 3, by="nia")
            page.goto(f"/p/{second}")
            type_born(page, BORN)
            assert page.get_by_role("heading", name="Your document", exact=True).is_visible(), (
                page.inner_text("body")
            )
        with looking_at(browser, url) as page:
            revoke(practice.record, practice.clock, 1, by="nia", reason="wrong leaflet")
            page.goto(f"/p/{third}")
            assert page.get_by_role("heading", name="This link does not work").is_visible()
            judge(page, name="door-dead")


def test_a_link_that_is_28_days_old_is_over(practice: Practice) -> None:
    """ACX-15: the link expires after 28 days."""
    given = send_document(practice)[0]
    with chromium() as browser, door(practice) as url, looking_at(browser, url) as page:
        practice.clock.sleep(timedelta(days=28).total_seconds() - 60)
        page.goto(f"/p/{given}")
        assert page.get_by_role("heading", name="Open your document").is_visible()
        practice.clock.sleep(60)
        type_born(page, BORN)
        assert page.get_by_role("heading", name="This link does not work").is_visible()

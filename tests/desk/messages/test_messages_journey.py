"""Bulk messages in a real browser: looked at, followed while one is sent, paused and ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser

from clinic.message.outcomes.summary import summarize
from clinic.message.sending.deliver import deliver
from clinic.message.timing.timing import Timing
from tasks.asking.drafts import do_next
from tasks.wiring import Wiring
from tests.desk.browser import chromium, judge, looking_at, needs_browser, served, sign_in
from tests.desk.messages.test_messages import failed, running
from tests.ledgers import make_ledger
from tests.main_job import Practice

pytestmark = [needs_browser, pytest.mark.xdist_group("browser")]
# Where pictures are wanted: COHORT_PICTURES=folder
PICTURES: Final = Path(os.environ["COHORT_PICTURES"]) if "COHORT_PICTURES" in os.environ else None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_from_the_menu_to_the_patients_with_errors_and_their_file(
    browser: Browser, parts: Wiring, practice: Practice
) -> None:
    """ACX-6 from the menu, PAT-3, PAT-4, PAT-19 to PAT-22: each page on the way is judged by axe."""
    practice.patients(3)
    practice.patient(4, mobile=None)
    practice.run(practice.everybody(4), request_key="good", list_name="Flu")
    failed(practice, 3, "Asthma reviews, spring")
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.get_by_role("link", name="Bulk messages").click()
        assert page.locator("tbody tr").count() == 2
        assert "Asthma" in page.locator("tbody tr").first.inner_text()
        judge(page, PICTURES, "messages")
        page.get_by_role("link", name="View bulk message 2").click()
        assert page.get_by_role("heading", name="Deliveries").is_visible()
        judge(page, PICTURES, "message")
        page.get_by_role("link", name="Only patients with errors").click()
        assert page.locator("tbody tr").count() == 3
        judge(page, PICTURES, "message-errors")
        with page.expect_download() as saved:
            page.get_by_role("link", name="Download list").click()
        assert saved.value.suggested_filename == "bulk-message-2-errors.csv"


def test_one_is_followed_while_it_is_sent_and_ended(
    browser: Browser, parts: Wiring, practice: Practice
) -> None:
    """NEW-9: paused, resumed, cancelled by forms, each asked about first."""
    number = running(practice)
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.goto(f"/messages/{number}")
        assert page.get_by_text("Messages tried: 0 of 2").is_visible()
        judge(page, PICTURES, "message-running")
        for step, button, then in (
            ("Pause", "Pause", "Paused"),
            ("Resume", "Resume", "Sending"),
            ("Cancel", "Cancel it for good", "Cancelled"),
        ):
            page.get_by_role("link", name=step, exact=True).click()
            page.get_by_label("Reason").fill("a reason")
            judge(page, PICTURES, f"message-{step.lower()}")
            page.get_by_role("button", name=button).click()
            page.wait_for_url(f"{url}/messages/{number}")
            assert page.locator(".nhsuk-tag", has_text=then).is_visible()


def test_what_a_run_sends_shows_without_a_click(
    browser: Browser, parts: Wiring, practice: Practice
) -> None:
    """PAT-21, live: while its run sends, and then no more."""
    number = running(practice)
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.goto(f"/messages/{number}")
        assert page.get_by_text("Messages tried: 0 of 2").is_visible()
        ledger = make_ledger(
            practice.record, practice.clock, practice.folder, settings=practice.settings,
            timing=Timing(phones=practice.settings.phones),
        )  # fmt: skip
        deliver(ledger, practice.gateway, number, 1, 1)
        summarize(practice.record, practice.clock, number)
        practice.clock.sleep(3)  # what was counted is kept for two seconds
        page.get_by_text("Messages tried: 2 of 2").wait_for()
        assert page.get_by_role("link", name="Refresh").count() == 0
        assert page.locator(".nhsuk-tag", has_text="OK").is_visible()


def test_without_scripts_a_link_does_what_a_poll_does(
    browser: Browser, parts: Wiring, practice: Practice
) -> None:
    """No part of following one needs a script."""
    number = running(practice)
    with served(parts) as url, looking_at(browser, url, java_script_enabled=False) as page:
        sign_in(page, "olwen")
        page.goto(f"/messages/{number}")
        page.get_by_role("link", name="Refresh").click()
        assert page.get_by_text("Messages tried: 0 of 2").is_visible()


def test_what_failed_is_sent_again_by_the_review(
    browser: Browser, parts: Wiring, practice: Practice
) -> None:
    """PAT-22, PAT-23: "Try sending again" leads through the review, with the failures alone."""
    practice.patients(3)
    failed(practice, 3)
    parts.settings = parts.settings.model_copy(update={"outbox": True})
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.goto("/messages/1")
        page.get_by_role("link", name="Try sending again").click()
        judge(page, PICTURES, "message-resend")
        page.get_by_role("button", name="Check what failed").click()
        while do_next(parts):
            pass
        page.get_by_role("heading", name="Review and send").wait_for()
        assert page.get_by_text("Please book your check.").count()

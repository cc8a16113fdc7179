"""A patient's page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tasks.wiring import Wiring
from tests.desk.browser import chromium, judge, looking_at, needs_browser, served, sign_in
from tests.main_job import Practice

pytestmark = [needs_browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_a_patient_who_rings_is_found_and_their_messages_are_there(
    browser: Browser, practice: Practice, parts: Wiring, tmp_path: Path
) -> None:
    """ARC-16: every message sent is on the outreach card; found by search (ALC-13), after a reason."""
    practice.patient(1, given_name="Siân", family_name="Morgan", birth_date=date(1960, 11, 3))
    practice.patient(2, given_name="Owen", family_name="Morgan", birth_date=date(1985, 1, 31))
    practice.run(practice.everybody(1))
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "mair")
        page.get_by_role("button", name="More").click()  # the menu does not fit in one line
        page.get_by_role("link", name="Patients").click()
        page.get_by_label("Find a patient").fill("morgan")
        page.get_by_role("button", name="Search").click()
        judge(page, tmp_path, "search")
        assert "morgan" not in page.url.lower()
        page.get_by_role("link", name="Siân Morgan").click()
        assert page.get_by_text("Morgan").count() == 0
        judge(page, tmp_path, "why")
        page.get_by_label("the patient asks about a message").check()
        page.get_by_role("button", name="Show the patient").click()
        assert page.get_by_text("Hello, your review is due.").count() == 1
        assert page.get_by_text("Outreach card: 1 message").count() == 1
        page.get_by_role("link", name="Note an objection").click()
        page.get_by_label("objects to them").check()
        page.get_by_label("Messages for").select_option("feedback")
        judge(page, tmp_path, "objection")
        page.get_by_role("button", name="Note it").click()
        page.get_by_text("Noted. It counts").wait_for()
        page.get_by_role("link", name="Needs and proxy").click()
        page.get_by_label("Language").fill("Polish")
        judge(page, tmp_path, "needs")
        page.get_by_role("button", name="Keep").click()
        page.get_by_text("The needs are kept.").wait_for()
        page.get_by_role("link", name="Safe contact").click()
        page.get_by_label("SMS", exact=True).or_(page.get_by_label("sms", exact=True)).check()
        page.get_by_label("Why, in a few words").fill("somebody reads their mail")
        page.get_by_role("button", name="Set safe contact").click()
        page.get_by_text("Safe contact is set").wait_for()
        judge(page, tmp_path, "card")
        page.get_by_role("link", name="Safe contact").click()
        assert page.get_by_text("somebody reads their mail").count() == 1
        judge(page, tmp_path, "safe")
        page.goto("/patients/1/who-saw")
        assert page.get_by_text("desk patient safe contact").count() >= 1
        judge(page, tmp_path, "seen")

"""Reports in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser

from clinic.message.drafts.draft import list_drafts
from clinic.practice.groups import add_to_group
from clinic.record.schema.people import patient_group
from tasks.wiring import Wiring
from tests.desk.browser import chromium, judge, looking_at, needs_browser, served, sign_in
from tests.main_job import Practice, nhs

pytestmark = [needs_browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_patients_of_a_report_are_ticked_and_a_message_is_begun(
    browser: Browser, practice: Practice, parts: Wiring, tmp_path: Path
) -> None:
    """
    ARC-1: one action begins messages to several. ARC-3: more than one ticked, exactly those; ARC-4: all;
    ARC-5: asked for the type, then for the template; ARC-2: one of each, of the catalogue.
    """
    practice.patients(4)
    with practice.record.write() as connection:
        connection.execute(sa.insert(patient_group).values(code="flu", name="Flu"))
    add_to_group(practice.record, practice.clock, "flu", [nhs(n) for n in (1, 2, 3)], by="nia")
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.goto("/reports")
        page.get_by_label("Group").select_option("flu")
        page.get_by_role("button", name="Show patients").click()
        page.get_by_label("Given1 Family").check()
        page.get_by_label("Name of the list").fill("Flu 2026")
        page.get_by_role("button", name="Message those ticked").click()
        assert page.locator(".nhsuk-error-summary").get_by_text("more than one").count() == 1
        assert page.get_by_label("Given1 Family").is_checked()
        page.get_by_label("Given3 Family").check()
        judge(page, tmp_path, "ticked")
        page.get_by_role("button", name="Message those ticked").click()
        page.get_by_label("review").check()
        page.get_by_role("button", name="Show templates").click()
        page.get_by_label("plain").check()
        judge(page, tmp_path, "menu")
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url("**/messages/drafts/*")
        page.goto("/reports?group=flu")
        page.get_by_label("Name of the list").fill("Flu, all")
        page.get_by_role("button", name="Message all 3 patients").click()
        page.get_by_text("Flu, all: 3 patients").wait_for()
    (draft,) = list_drafts(parts.record, "olwen")
    assert (draft.rows, draft.asked.template) == (2, "plain")


def test_the_outreach_report_is_filtered_and_downloaded(
    browser: Browser, practice: Practice, parts: Wiring, tmp_path: Path
) -> None:
    """ARC-17: all messages sent; ARC-18: by Bulk Outreach ID exactly that batch; ARC-16: on to the card."""
    practice.patients(4)
    practice.run(practice.everybody(3))
    practice.run(practice.file(nhs(4), name="b.csv"), request_key="b", list_name="Others")
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.goto("/reports")
        page.get_by_role("link", name="Outreach Report").click()
        assert page.get_by_role("cell", name="Pending").count() == 4
        page.get_by_label("Bulk Outreach ID").fill("1")
        page.get_by_role("button", name="Filter").click()
        assert page.get_by_role("cell", name="Pending").count() == 3
        judge(page, tmp_path, "outreach")
        with page.expect_download() as saved:
            page.get_by_role("link", name="Download all of them").click()
        text = Path(saved.value.path()).read_text(encoding="utf-8")
        assert [nhs(n) in text for n in (1, 2, 3, 4)] == [True, True, True, False]
        page.get_by_role("link", name=nhs(2)).click()
        assert page.get_by_role("heading", name="Why do you look").is_visible()

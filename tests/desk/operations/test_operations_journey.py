"""A bulk operation in a real browser: from pasted ids to its end, and back again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from clinic.change.operations import get_operation
from clinic.govern.approvals.approvals import latest
from clinic.settings import Notices
from tasks.wiring import Wiring
from tests.clinic.change.practice import column, die
from tests.desk.browser import chromium, judge, looking_at, needs_browser, served, sign_in
from tests.desk.operations.asked import carried_out, furnish, selected
from tests.desk.visitors import SECRET

pytestmark = [needs_browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def approve(page: Page, number: int) -> None:
    """As the second approver does."""
    page.goto(f"/approvals/{number}")
    page.get_by_label("Approve").check()
    page.get_by_label("Your password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Decide").click()
    page.get_by_text("It goes on by itself").wait_for()


def waits_for(parts: Wiring, operation: int) -> int:
    """The number of its request."""
    with parts.record.read() as connection:
        found = latest(connection, subject="operation", subject_id=operation)
    assert found is not None
    return found.id


def test_from_pasted_ids_to_the_end_and_back(browser: Browser, parts: Wiring) -> None:
    """
    ALC-9, 12, 14, 15: ids are pasted, a status chosen; the review shows number, names, who cannot and why.

    ALC-8: staff may be told of it. ALC-33, 35, 38: another person approves; progress says
    processed, remaining, errors; and it is undone.
    """
    notices = Notices(internal=("team@practice.nhs.uk",))
    parts.settings = parts.settings.model_copy(update={"outbox": True, "notices": notices})
    furnish(parts)
    die(parts.record, 3)
    with (
        served(parts) as url,
        looking_at(browser, url) as mair,
        looking_at(browser, url) as page,
    ):
        sign_in(mair, "mair")
        sign_in(page, "olwen")
        page.get_by_role("link", name="Bulk operations").click()
        judge(page)
        page.get_by_role("button", name="New bulk operation").click()
        judge(page)
        page.get_by_label("NHS numbers, or the practice's own ids").fill("L1, L2\nL3 X9")
        page.get_by_role("button", name="Go on with these ids").click()
        assert page.get_by_text("4 given, 3 found, 1 not found: X9").first.is_visible()
        judge(page)
        page.get_by_role("link", name="Status change").click()
        page.get_by_label("New status").select_option("on_hold")
        page.get_by_role("button", name="Look at what").click()
        assert page.title().startswith("Error:")
        judge(page)
        page.get_by_label("Why?").fill("closing the branch")
        page.get_by_role("button", name="Look at what").click()
        for said in ("3 selected: 2 will be changed", "The patient is deceased", "Given Family3"):
            assert page.get_by_text(said).first.is_visible(), said
        judge(page)
        page.get_by_role("button", name="Ask for its approval").click()
        page.get_by_text("Waiting for approval").wait_for()
        approve(mair, waits_for(parts, 1))
        page.get_by_text("Approved", exact=True).first.wait_for()  # without a click
        carried_out(parts, 1)
        page.get_by_text("Done", exact=True).wait_for()
        page.get_by_role("link", name="Look at what became of them").click()
        judge(page)
        assert column(parts.record, "status") == {
            1: "on_hold", 2: "on_hold", 3: "active", 4: "active", 5: "active",
        }  # fmt: skip
        page.get_by_role("button", name="Tell staff").click()
        page.get_by_role("link", name="The practice's own team instead").click()
        assert page.get_by_text("team@practice.nhs.uk").is_visible()
        judge(page)
        page.go_back()
        page.go_back()
        page.get_by_role("button", name="Put it back").click()
        page.get_by_label("Why is it put back?").fill("the branch stays open")
        judge(page)
        page.get_by_role("button", name="Look at what").click()
        assert page.get_by_text("2 will be put back").first.is_visible()
        page.get_by_role("button", name="Ask for its approval").click()
        page.get_by_text("Waiting for approval").wait_for()
        approve(mair, waits_for(parts, 2))
        carried_out(parts, 2)
        page.get_by_text("Done", exact=True).wait_for()
    assert set(column(parts.record, "status").values()) == {"active"}


def test_patients_are_searched_and_ticked(browser: Browser, parts: Wiring) -> None:
    """ALC-13: found by name, ticked one by one; a filter (ALC-10) is on the same page."""
    furnish(parts)
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.goto("/operations/new")
        page.get_by_label("Name, id, date of birth or postcode").fill("Family")
        page.get_by_role("button", name="Search").click()
        page.get_by_label("Given Family2").check()
        page.get_by_label("Given Family4").check()
        judge(page)
        page.get_by_role("button", name="Go on with those ticked").click()
        assert page.get_by_text("Selection 1: 2 patients").is_visible()


@pytest.mark.parametrize("kind", ["provider", "facility", "tag", "attribute", "export", "visit"])
def test_the_form_of_every_kind_can_be_used_by_everybody(
    browser: Browser, parts: Wiring, kind: str
) -> None:
    """WCAG 2.2 A and AA; ALC-9: the type is picked from those that the role may ask for."""
    furnish(parts)
    number = selected(parts, (1,))
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.goto(f"/operations/new/{number}/{kind}")
        judge(page)


def test_it_works_without_scripts(browser: Browser, parts: Wiring) -> None:
    """Progress has a link to look again; asking is a form."""
    furnish(parts)
    with (
        served(parts) as url,
        looking_at(browser, url, java_script_enabled=False) as page,
    ):
        sign_in(page, "olwen")
        page.goto(f"/operations/new/{selected(parts, (1, 2))}/tag")
        page.get_by_label("a a").first.check()
        page.get_by_label("Why?").fill("a list for the nurse")
        page.get_by_role("button", name="Look at what").click()
        page.get_by_role("button", name="Ask for its approval").click()
        page.get_by_role("link", name="Refresh").click()
        assert page.get_by_text("Waiting for approval").is_visible()
    assert get_operation(parts.record, 1).state == "waiting"

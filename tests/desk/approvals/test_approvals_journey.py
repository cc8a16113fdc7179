"""A second person decides in a real browser: an operation on records, and a bulk message."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from clinic.change.operations import get_operation
from clinic.govern.people.operators import get_operator
from clinic.message.asking.confirming import confirm
from clinic.message.campaign.campaign import get_campaign
from clinic.settings import Release
from tasks.wiring import Wiring
from tests.desk.browser import chromium, judge, looking_at, needs_browser, served, sign_in
from tests.desk.operations.asked import furnish, waiting
from tests.desk.visitors import SECRET
from tests.main_job import Practice

pytestmark = [needs_browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_an_operation_is_approved_by_a_second_person(browser: Browser, parts: Wiring) -> None:
    """
    ALC-33, ALC-34: the manager reviews patients, type, justification and impact, with the checklist.

    The requester sees it wait, and is offered no decision.
    """
    furnish(parts)
    operation, number = waiting(parts)
    with served(parts) as url:
        with looking_at(browser, url) as page:
            sign_in(page, "olwen")
            page.goto(f"/approvals/{number}")
            assert page.get_by_text("You asked for this: another person decides it.").is_visible()
            assert page.get_by_label("Your password", exact=True).count() == 0
        with looking_at(browser, url) as page:
            sign_in(page, "mair")
            page.get_by_role("link", name="Approvals").click()
            judge(page)
            page.get_by_role("link", name=f"{number}: Status change").click()
            for said in ("closing the branch", "3 selected", "Family2", "What follows"):
                assert page.get_by_text(said).first.is_visible(), said
            judge(page)
            page.get_by_label("Approve").check()
            page.get_by_label("Your password", exact=True).fill("not this one")
            page.get_by_role("button", name="Decide").click()
            assert page.title().startswith("Error:")
            assert page.get_by_label("Approve").is_checked()
            judge(page)
            page.get_by_label("Your password", exact=True).fill(SECRET)
            page.get_by_role("button", name="Decide").click()
            page.get_by_text("It goes on by itself").wait_for()
            judge(page)
    assert get_operation(parts.record, operation).state == "approved"


def test_a_bulk_message_is_confirmed_by_its_requester_and_rejected_by_another(
    browser: Browser, parts: Wiring, practice: Practice
) -> None:
    """NEW-1: the approver sees counts, who gets none and why, messages as they would leave, and their cost."""
    practice.patients(4)
    practice.decides(3, "opt_out")
    campaign = practice.begin(practice.everybody(4), requested_by="olwen")
    practice.check(campaign)
    practice.stage(campaign)
    settings = parts.settings.model_copy(update={"release": Release(approval_above=0)})
    olwen = get_operator(parts.record, "olwen")
    assert confirm(parts.record, parts.clock, settings, campaign, by=olwen).asked
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "huw")
        page.goto("/approvals")
        page.get_by_role("link", name="1: Bulk message").click()
        for said in (
            "Hello, your review is due.",
            "accepted: one message each",
            "not accepted",
            "segments",
        ):
            assert page.get_by_text(said).first.is_visible(), said
        judge(page)
        page.get_by_label("Reject").check()
        page.get_by_label("Your password", exact=True).fill(SECRET)
        page.get_by_role("button", name="Decide").click()
        assert page.get_by_text("Say why you reject it").first.is_visible()
        page.get_by_label("Note").fill("not today")
        page.get_by_label("Your password", exact=True).fill(SECRET)
        page.get_by_role("button", name="Decide").click()
        page.get_by_text("not today").wait_for()
    with parts.record.read() as connection:
        assert get_campaign(connection, campaign).state == "refused"

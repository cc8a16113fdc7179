"""People's own work in a real browser: tasks, replies, whose STOP it was, what is held back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser

from clinic.message.incoming.holds import list_holds
from clinic.message.incoming.shared_stop import list_open
from clinic.message.recall.follow_ups import list_recall_follow_ups
from tasks.wiring import Wiring
from tests.desk.browser import chromium, judge, looking_at, needs_browser, served, sign_in
from tests.desk.busy_day import fill
from tests.main_job import Practice

pytestmark = [needs_browser, pytest.mark.xdist_group("browser")]
PICTURES: Final = Path(os.environ["COHORT_PICTURES"]) if "COHORT_PICTURES" in os.environ else None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_tasks_are_given_and_ticked(browser: Browser, parts: Wiring, practice: Practice) -> None:
    """ALC-23: from the menu; each page is judged by axe."""
    fill(practice)
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.get_by_role("link", name="Tasks", exact=True).click()
        judge(page, PICTURES, "tasks")
        page.get_by_label("c1.3").check()
        page.get_by_label("Give patients of recalls to").select_option("tegan")
        page.get_by_role("button", name="Give").click()
        page.wait_for_url(f"{url}/tasks")
        page.get_by_label("c1.2").check()
        page.get_by_role("button", name="Mark as done").click()
        page.wait_for_url(f"{url}/tasks")
        assert page.get_by_label("c1.2").count() == 0
    found = list_recall_follow_ups(practice.record)
    assert [(each.number, each.team) for each in found] == [("c1.3", "tegan")]


def test_a_reply_is_read_its_hold_released_and_whose_stop_it_was_said(
    browser: Browser, parts: Wiring, practice: Practice
) -> None:
    """PAT-25; without a mouse or a script nothing is missing: forms and links alone."""
    fill(practice)
    with served(parts) as url, looking_at(browser, url, java_script_enabled=False) as page:
        sign_in(page, "olwen")
        page.get_by_role("link", name="Replies", exact=True).click()
        page.get_by_role("link", name="Open reply 1").click()
        page.get_by_role("button", name="Take it").click()
        page.get_by_label("What was done").fill("rung: it is his number")
        page.get_by_role("button", name="Done", exact=True).click()
        assert page.get_by_text("rung: it is his number").is_visible()
        page.goto("/holds")
        page.get_by_role("link", name="Open hold 1").click()
        page.get_by_label("How you know").fill("rung: it is his number")
        page.get_by_role("button", name="Release").click()
        page.goto("/replies/shared")
        page.get_by_role("button", name="It holds: no messages").first.click()
        page.get_by_role("button", name="Not theirs: message them").first.click()
    assert list_holds(practice.record) == []
    assert list_open(practice.record) == []


def test_the_pages_of_replies_are_for_everybody(
    browser: Browser, parts: Wiring, practice: Practice
) -> None:
    """WCAG 2.2 A and AA of each page."""
    fill(practice)
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        for path, name in (
            ("/replies", "replies"), ("/replies/1", "reply"), ("/replies/shared", "shared"),
            ("/holds", "holds"), ("/holds/1", "hold"),
        ):  # fmt: skip
            page.goto(path)
            judge(page, PICTURES, name)

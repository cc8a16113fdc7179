"""Signing in and out in a real browser: with a mouse, by keyboard alone, without scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tasks.wiring import Wiring
from tests.desk.browser import chromium, judge, looking_at, needs_browser, served, sign_in
from tests.desk.visitors import SECRET

pytestmark = [needs_browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_somebody_signs_in_looks_at_their_sessions_and_signs_out(
    browser: Browser, parts: Wiring
) -> None:
    """ASVS 6 and 7; every page on the way is judged by axe."""
    with served(parts) as url, looking_at(browser, url) as page:
        page.goto("/")
        judge(page, name="sign-in")
        sign_in(page, "mair")
        judge(page, name="today")
        page.get_by_role("link", name="mair (manager)").click()
        assert page.get_by_text("(this one)").count() == 1
        judge(page, name="sessions")
        page.get_by_role("link", name="Second step at sign-in").click()
        page.get_by_label("Password", exact=True).fill(SECRET)
        page.get_by_role("button", name="Set up a second step").click()
        assert page.locator("svg.segno").bounding_box() is not None
        judge(page, name="second-step")
        page.get_by_role("button", name="Sign out").click()
        page.goto("/sessions")
        assert page.get_by_role("heading", name="Sign in").is_visible()


def test_a_wrong_password_says_so_where_the_eye_and_the_keyboard_are(
    browser: Browser, parts: Wiring
) -> None:
    """WCAG 3.3.1: the summary has the focus, and leads to the field."""
    with served(parts) as url, looking_at(browser, url) as page:
        page.goto("/sign-in")
        page.get_by_label("Name").fill("mair")
        page.get_by_label("Password", exact=True).fill("not this one")
        page.keyboard.press("Enter")
        page.wait_for_selector(".nhsuk-error-summary")
        assert page.title().startswith("Error:")
        assert page.get_by_label("Name").input_value() == "mair"
        assert page.get_by_label("Password", exact=True).input_value() == ""
        judge(page)


def test_it_works_without_scripts_and_by_keyboard_alone(browser: Browser, parts: Wiring) -> None:
    """No part of signing in needs a script or a mouse."""
    with served(parts) as url, looking_at(browser, url, java_script_enabled=False) as page:
        page.goto("/sign-in")
        page.get_by_label("Name").focus()
        page.keyboard.type("mair")
        page.keyboard.press("Tab")
        page.keyboard.type(SECRET)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{url}/")
        assert page.get_by_role("button", name="Sign out").is_visible()

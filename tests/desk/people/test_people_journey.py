"""Staff in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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


def test_an_admin_adds_a_person_and_disables_them(
    browser: Browser, parts: Wiring, tmp_path: Path
) -> None:
    """ALC-44: an admin sees staff, and no patients."""
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "ada")
        page.get_by_role("link", name="Staff").click()
        page.get_by_label("Name").fill("nerys")
        page.get_by_label("Role").select_option("operator")
        page.get_by_label("Their first password", exact=True).fill("a first password of theirs")
        page.get_by_label("The same once more", exact=True).fill("a first password of theirs")
        page.get_by_label("Your own password", exact=True).fill(SECRET)
        judge(page, tmp_path, "staff")
        page.get_by_role("button", name="Add").click()
        page.wait_for_url("**/staff/nerys?done=added")
        judge(page, tmp_path, "person")
        page.get_by_label("Disable them").check()
        page.get_by_label("Your own password", exact=True).fill(SECRET)
        page.get_by_role("button", name="Change").click()
        page.get_by_text("Disabled, and signed in nowhere").wait_for()
        page.goto("/password")
        judge(page, tmp_path, "password")

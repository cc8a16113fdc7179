"""The audit trail in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tasks.wiring import Wiring
from tests.desk.browser import chromium, judge, looking_at, needs_browser, served, sign_in
from tests.desk.operations.asked import furnish, waiting

pytestmark = [needs_browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_an_auditor_finds_an_operation_and_what_to_ask_about(
    browser: Browser, parts: Wiring
) -> None:
    """ALC-41: by operation, and by operator; NEW-37: odd looks."""
    furnish(parts)
    number, _ = waiting(parts, (1, 2))
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "gwil")
        page.get_by_role("link", name="Audit", exact=True).click()
        page.get_by_label("Of operation number").fill(str(number))
        page.get_by_role("button", name="Look").click()
        assert page.get_by_text("operation.requested").is_visible()
        judge(page)
        page.get_by_role("link", name="Looks to ask about").click()
        judge(page)

"""The day's page in a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser

from tasks.wiring import Wiring
from tests.desk.browser import chromium, judge, looking_at, needs_browser, served, sign_in
from tests.desk.busy_day import fill
from tests.main_job import Practice
from tests.ports import free_port

pytestmark = [needs_browser, pytest.mark.xdist_group("browser")]
PICTURES: Final = Path(os.environ["COHORT_PICTURES"]) if "COHORT_PICTURES" in os.environ else None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_the_day_begins_with_what_waits_and_leads_to_it(
    browser: Browser, parts: Wiring, practice: Practice
) -> None:
    """ALC-44: judged by axe, with the picture and its numbers; each thing leads to its page."""
    fill(practice)
    parts.settings = parts.settings.model_copy(update={"prefect_port": free_port()})
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.get_by_text("The same in numbers").click()
        judge(page, PICTURES, "today")
        page.get_by_role("link", name="Bulk message 2").last.click()
        assert page.get_by_role("heading", name="Asthma").is_visible()

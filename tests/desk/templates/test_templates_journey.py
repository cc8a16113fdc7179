"""Templates in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from clinic.message.template.catalogue import get_versions, seed_catalogue
from clinic.message.template.vendor_templates import TEMPLATES
from tasks.wiring import Wiring
from tests.desk.browser import chromium, judge, looking_at, needs_browser, served, sign_in

pytestmark = [needs_browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_a_template_is_made_while_its_text_messages_are_counted(
    browser: Browser, parts: Wiring, tmp_path: Path
) -> None:
    """
    ACX-9: templates are created and edited; PAT-13: how many segments will be used, as one types; ARC-2: type.

    COM-3: what came with the program is locked.
    """
    seed_catalogue(parts.record, parts.clock, TEMPLATES)
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.get_by_role("link", name="Templates").click()
        judge(page, tmp_path, "templates")
        page.get_by_role("link", name="New template").click()
        page.get_by_label("Key").fill("clinic-day")
        page.get_by_label("Name").fill("Clinic day")
        page.get_by_label("What it is for").select_option("care")
        page.get_by_label("Text", exact=True).fill("Dear {{ patient.given_name }}, come to us.")
        page.get_by_text("1 text message", exact=True).wait_for()
        page.get_by_label("Text", exact=True).fill("ŵ" * 71)
        page.get_by_text("2 text messages", exact=True).wait_for()
        page.get_by_label("Text", exact=True).fill("Your test result, {{ patient.given_nam }}")
        page.locator("#counted").get_by_text("patient.given_nam").first.wait_for()
        page.get_by_label("Text", exact=True).fill(
            "Dear {{ patient.given_name }}, your cancer result"
        )
        page.get_by_role("button", name="Preview").click()
        assert page.get_by_text("Dear Margaret, your cancer result").count() == 1
        assert page.get_by_text("seems to be about").count() >= 1
        judge(page, tmp_path, "preview")
        page.get_by_label("Text", exact=True).fill("Dear {{ patient.given_name }}, come to us.")
        page.get_by_role("button", name="Make the template").click()
        page.wait_for_url("**/templates/clinic-day")
        judge(page, tmp_path, "template")
        page.get_by_role("link", name="Edit Clinic day").click()
        page.get_by_label("Text", exact=True).fill("Dear {{ patient.given_name }},\n\ncome to us.")
        page.get_by_role("button", name="Keep as a new version").click()
        page.wait_for_url("**/templates/clinic-day")
        assert get_versions(parts.record, "clinic-day")[0].version == 2
        page.get_by_role("link", name="Whom it is for").click()
        page.get_by_label("Age").fill("nobody")
        page.get_by_role("button", name="Keep").click()
        judge(page, tmp_path, "audience")
        page.goto("/templates/smear-recall")
        assert page.get_by_text("Locked").count() == 1
        assert page.get_by_role("link", name="Edit").count() == 0
        page.get_by_role("link", name="Other language or format").click()
        judge(page, tmp_path, "variant")
        page.goto("/templates/_variables")
        judge(page, tmp_path, "variables")


def test_a_text_is_counted_without_scripts(browser: Browser, parts: Wiring) -> None:
    """PAT-13 by the form's own button."""
    with served(parts) as url, looking_at(browser, url, java_script_enabled=False) as page:
        sign_in(page, "olwen")
        page.goto("/templates/_new")
        page.get_by_label("Text", exact=True).fill("a" * 161)
        page.get_by_role("button", name="Count text messages").click()
        assert page.get_by_text("2 text messages").count() == 1
        assert page.get_by_label("Text", exact=True).input_value() == "a" * 161

"""A practice manager's path in a real browser: from a list to what the outbox has got."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from clinic.message.sending.deliver import deliver
from tasks.asking.drafts import do_next
from tasks.asking.starting import Started
from tasks.wiring import Wiring
from tests.desk.browser import chromium, judge, looking_at, needs_browser, served, sign_in
from tests.main_job import ADDRESSES_KEPT, Practice, nhs

pytestmark = [needs_browser, pytest.mark.xdist_group("browser")]
# Where pictures are wanted: COHORT_PICTURES=folder
PICTURES: Final = Path(os.environ["COHORT_PICTURES"]) if "COHORT_PICTURES" in os.environ else None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@contextlib.contextmanager
def helped(parts: Wiring) -> Iterator[None]:
    """What is due is done meanwhile; what is confirmed is sent at once, to the outbox."""
    parts.settings = parts.settings.model_copy(update={"outbox": True})
    done = threading.Event()

    def send(_record: Any, _settings: Any, number: int) -> Started:
        (gateway,) = parts.gateways_of(number)
        deliver(parts.ledger(), gateway, number, 1, 1)
        return Started("started", "")

    def work() -> None:
        while not done.wait(0.2):
            while do_next(parts, start=send):
                pass

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=30)


def _file(folder: Path, *numbers: str) -> Path:
    path = folder / "flu list.csv"
    lines = ["Given Name,Family Name,Date of Birth,NHS Number,Mobile Telephone,E-mail Address"]
    lines += [f"Given{n},Family,31/12/1980,{number},," for n, number in enumerate(numbers, start=1)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_from_a_list_to_what_was_sent(
    browser: Browser, parts: Wiring, practice: Practice, tmp_path: Path
) -> None:
    """
    PAT-6, PAT-7 and PAT-8: a name and an EMIS file. PAT-10, PAT-12 and PAT-13: a text by SMS, its segments
    counted as one types. PAT-14 and PAT-28. ACX-24 to ACX-28: checked meanwhile, accepted and not accepted with
    the list to download, at the review and at the end. ACX-31: previewed and sent. Axe judges every page.
    """
    for n, mobile in enumerate(("07700900001", "07700900002", "07700900003", None), start=1):
        practice.patient(n, mobile=mobile, birth_date=date(1980, 12, 31))
    path = _file(tmp_path, *(nhs(n) for n in (1, 2, 3, 4)), "1234567890")
    with helped(parts), served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.goto("/messages")
        page.get_by_role("button", name="Create new bulk message").click()
        page.get_by_role("button", name="Start a new message").click()
        page.get_by_label("Name of the patient list").fill("Flu 2026")
        page.get_by_label("A file").check()
        page.get_by_label("Patient list", exact=True).set_input_files(path)
        judge(page, PICTURES, "compose-list")
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("Your message").press_sequentially(
            "Dear {{ patient.given_name }}, come in."
        )
        page.get_by_text("1 text message", exact=True).wait_for()
        page.get_by_label("What it is for").select_option("care")
        judge(page, PICTURES, "compose-text")
        page.get_by_role("button", name="Continue", exact=True).last.click()
        page.get_by_label("Now").check()
        judge(page, PICTURES, "compose-when")
        page.get_by_role("button", name="Check the list and review").last.click()
        page.get_by_role("link", name="Refresh").wait_for(state="detached")
        assert "Code:" not in page.inner_text("main"), page.inner_text("main")
        page.get_by_role("heading", name="Review and send").wait_for()
        assert "Dear Given1, come in." in page.inner_text("main"), page.inner_text("main")
        assert page.get_by_text("Leave out deceased patients").is_visible()
        judge(page, PICTURES, "compose-review")
        with page.expect_download() as saved:
            page.get_by_role("link", name="Download list").click()
        assert nhs(4) in Path(saved.value.path()).read_text()
        page.get_by_role("button", name="Send 3 messages").click()
        page.get_by_role("heading", name="Message sent").wait_for()
        judge(page, PICTURES, "compose-sent")
        assert page.get_by_role("link", name="Download list").is_visible()
        page.get_by_role("link", name="See how far it is").click()
        assert "Flu 2026" in page.inner_text("main")
    with practice.record.read() as connection:
        assert len(connection.scalars(ADDRESSES_KEPT).all()) == 3


def test_code_time_template_problem_and_drafts(
    browser: Browser, parts: Wiring, practice: Practice
) -> None:
    """
    PAT-11: a template, searched and chosen. PAT-15 and ACX-3: a code, found by a word. ACX-29 and ACX-30:
    over days, recomputed as the number changes. NEW-13: a dry run. A problem says what to do; a draft is found.
    """
    practice.patients(4)
    practice.template("Smear tests are due.", key="smear")
    with helped(parts), served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        _pasted(page, *(nhs(n) for n in (1, 2, 3, 4)))
        page.get_by_label("Use a template").check()
        page.get_by_label("Find a template by a word").fill("smear")
        page.get_by_role("button", name="Find").click()
        page.get_by_label("Template", exact=True).select_option("smear")
        page.get_by_text("Smear tests are due.").wait_for()
        page.get_by_role("button", name="Save and choose a SNOMED code").click()
        page.get_by_label("Find a code by a word").fill("cervix")
        page.get_by_role("button", name="Find").click()
        page.get_by_role("button", name="Choose Screening for malignant neoplasm of cervix").click()
        judge(page, PICTURES, "compose-code")
        page.get_by_role("link", name="Continue").click()
        page.get_by_label("Over several days").check()
        page.get_by_label("Number of days").fill("2")
        page.get_by_text("patients a day, if all 4 rows").wait_for()
        page.get_by_label("Only a dry run").check()
        judge(page, PICTURES, "compose-days")
        page.get_by_role("button", name="Check the list and review").last.click()
        page.get_by_text("Why is it right all the same?").wait_for()
        judge(page, PICTURES, "compose-problem")
        page.goto("/messages/new")
        judge(page, PICTURES, "compose-new")
        page.get_by_role("link", name="Flu").click()
        judge(page, PICTURES, "compose-tasks")
        page.get_by_role("link", name="Who you want to message").click()
        page.get_by_label("Name of the patient list").fill("Smears")
        page.get_by_label("NHS numbers, or your own").fill(nhs(1))
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("button", name="Check the list and review").click()
        page.get_by_role("button", name="Do the dry run").wait_for()


def test_an_error_stands_where_the_eye_and_the_keyboard_are(
    browser: Browser, parts: Wiring, practice: Practice
) -> None:
    """WCAG 3.3.1: the summary has the focus and leads to the field; the same on each page of a draft."""
    with served(parts) as url, looking_at(browser, url) as page:
        sign_in(page, "olwen")
        page.goto("/messages/new")
        page.get_by_role("button", name="Start a new message").click()
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("link", name="Enter a name for the patient list").click()
        assert page.evaluate("document.activeElement.id") == "list_name"
        assert page.title().startswith("Error:")
        judge(page, PICTURES, "compose-list-error")
        for part, says in (("text", "Write the message"), ("when", "Choose when it is sent")):
            page.goto(page.url.rsplit("/", 1)[0] + f"/{part}")
            page.get_by_role("button", name="Continue", exact=True).last.click()
            page.get_by_role("link", name=says).click()
            judge(page, PICTURES, f"compose-{part}-error")


def _pasted(page: Page, *numbers: str) -> None:
    page.goto("/messages/new")
    page.get_by_role("button", name="Start a new message").click()
    page.get_by_label("Name of the patient list").fill("Flu")
    page.get_by_label("Pasted NHS numbers").check()
    page.get_by_label("NHS numbers, or your own").fill("\n".join(numbers))
    page.get_by_role("button", name="Continue").click()


def test_it_works_without_scripts(browser: Browser, parts: Wiring, practice: Practice) -> None:
    """PAT-13 and ACX-30 by buttons, the progress by a link: no page needs a script."""
    practice.patients(2)
    with (
        helped(parts),
        served(parts) as url,
        looking_at(browser, url, java_script_enabled=False) as page,
    ):
        sign_in(page, "olwen")
        _pasted(page, nhs(1), nhs(2))
        page.get_by_label("Your message").fill("Your review is due.")
        page.get_by_role("button", name="Count text messages").click()
        assert page.get_by_text("1 text message", exact=True).is_visible()
        page.get_by_label("What it is for").select_option("care")
        page.get_by_role("button", name="Continue", exact=True).last.click()
        page.get_by_label("Over several days").check()
        page.get_by_label("Number of days").fill("2")
        page.get_by_role("button", name="Work out patients a day").click()
        assert page.get_by_text("patients a day, if all 2 rows").is_visible()
        page.get_by_role("button", name="Check the list and review").last.click()
        while page.get_by_role("heading", name="Checking the list").count():
            page.get_by_role("link", name="Refresh").click()
        page.get_by_role("button", name="Send 2 messages").click()
        while page.get_by_role("heading", name="Sending").count():
            page.get_by_role("link", name="Refresh").click()
        assert page.get_by_text("See how far it is").is_visible()

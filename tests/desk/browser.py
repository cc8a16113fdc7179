"""
The desk in a real browser: Debian's Chromium, which fails a journey on any foreign request or console message.

    with served(parts) as url, looking_at(url) as page: …

Each page that a journey ends at may be judged by axe with `judge`, at the widths of a desk and of a telephone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from desk.app import create_app
from tasks.wiring import Wiring
from tests.desk.visitors import SECRET, TEMPLATES
from tests.ports import free_port

CHROMIUM: Final = shutil.which("chromium")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
WIDTHS: Final = (1280, 320)
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]


@contextlib.contextmanager
def served(parts: Wiring) -> Iterator[str]:
    """The desk on a free port of this machine; its address."""
    port = free_port()
    own = parts.settings.desk.model_copy(update={"port": port})
    parts.settings = parts.settings.model_copy(update={"desk": own})
    server = uvicorn.Server(
        uvicorn.Config(create_app(parts, templates=TEMPLATES), port=port, log_level="error", access_log=False)
    )  # fmt: skip
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the desk did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=60)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, for as many pages as a module has."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@contextlib.contextmanager
def looking_at(browser: Browser, url: str, **context: Any) -> Iterator[Page]:
    """A page of a person of their own. Fails on what asks another host, or writes to the console."""
    problems: list[str] = []
    own = browser.new_context(base_url=url, **context)
    page = own.new_page()
    page.set_default_timeout(60_000)
    page.on("console", lambda said: problems.append(f"console: {said.text}"))
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((url, "blob:")) else problems.append(asked.url),
    )
    try:
        yield page
    finally:
        own.close()
    expected = [one for one in problems if "Failed to load resource" in one]  # of a refusal
    assert problems == expected, problems


def sign_in(page: Page, name: str) -> None:
    """Through the form, as a person does."""
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def judge(page: Page, pictures: Path | None = None, name: str = "") -> None:
    """
    0 violations of WCAG 2.2 A and AA at both widths, and nothing to scroll sideways on the narrow one.

    With DESK_PICTURES=FOLDER in the environment, what has a name is kept there as a picture at both widths.
    """
    if name and pictures is None and (folder := os.environ.get("DESK_PICTURES")):
        pictures = Path(folder)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _RULES}})
        says = [
            f"{each['id']}: {each['help']}: {[node['target'] for node in each['nodes']][:3]}"
            for each in found.response["violations"]
        ]
        assert not says, f"{page.url} at {width} px: {says}"
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{page.url} is {wide} px wide at {width}"
        if pictures is not None:
            page.screenshot(path=pictures / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})

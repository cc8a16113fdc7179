"""Pictures of pages as a person sees them: Chromium without a window, told over its own DevTools protocol."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

from tests.servers.browser import CHROMIUM

_SECONDS: Final = 120.0


class Page:
    """A page of a browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What a method of the protocol gives."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=_SECONDS))
            if answer.get("id") == number:
                result: dict[str, Any] = answer.get("result", {})
                return result

    def run(self, script: str) -> Any:
        """What a script of the page gives."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        return found.get("result", {}).get("value")

    def open(self, address: str) -> None:
        """Go there."""
        self.ask("Page.navigate", url=address)

    def words(self) -> str:
        """All that it says now."""
        return str(self.run("document.body ? document.body.innerText : ''") or "")

    def wait_for(self, words: str) -> None:
        """Until the page says this."""
        until = time.monotonic() + _SECONDS
        while words not in self.words():
            if time.monotonic() > until:
                raise TimeoutError(f"the page never says: {words}")
            time.sleep(0.5)
        time.sleep(2)  # until it is drawn

    def sign_in(self, server: str, login: str) -> None:
        """Leave the login of a Prefect server in the browser, as its pages do once it was typed."""
        self.open(f"{server}/robots.txt")  # a page of the same origin
        self.wait_for("")
        self.run(f"localStorage.setItem('prefect-password', btoa({login!r}))")

    def picture(self, path: Path) -> None:
        """As it is seen now."""
        data = self.ask("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))


@contextlib.contextmanager
def browser(*, width: int = 1400, height: int = 1000) -> Iterator[Page]:
    """A page of this size, in a browser of its own that ends with the block."""
    if CHROMIUM is None:
        raise SystemExit("needs the package chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--remote-debugging-port=0", f"--user-data-dir={folder}", f"--window-size={width},{height}",
             "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            with connect(_address(Path(folder)), max_size=None) as socket:
                page = Page(socket)
                page.ask("Page.enable")
                page.ask(
                    "Emulation.setDeviceMetricsOverride",
                    width=width, height=height, deviceScaleFactor=1, mobile=False,
                )  # fmt: skip
                yield page
        finally:
            process.terminate()
            process.wait(30)


def _address(folder: Path) -> str:
    """Of the one page that a browser with this folder has."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError, ValueError, StopIteration):
            port = int((folder / "DevToolsActivePort").read_text().splitlines()[0])
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
                pages = json.loads(answer.read())
            return str(next(one for one in pages if one["type"] == "page")["webSocketDebuggerUrl"])
        time.sleep(0.2)
    raise TimeoutError("the browser does not answer")

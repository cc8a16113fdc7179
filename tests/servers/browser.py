"""A real browser, and a page of another origin that it opens: Chromium without a screen, as it is packaged."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # what the browser opened beforehand is closed with it, and waited for


def open_page(script: str, folder: Path, options: Sequence[str] = ()) -> Any:
    """
    What a page's script found out: it is served from a port of its own, and ends with `tell(value)`.

    Args:
        script: JavaScript, the body of an async function
        folder: for the browser's profile, which knows nothing yet
        options: of Chromium
    """
    told: list[Any] = []
    done = threading.Event()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(_PAGE.replace("SCRIPT", script).encode())

        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            done.set()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with _Server(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = subprocess.Popen(
            [
                str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-dev-shm-usage", "--disable-background-networking", "--no-proxy-server",
                f"--user-data-dir={folder}", "--remote-debugging-port=0", *options,
                f"http://127.0.0.1:{server.server_port}/",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert done.wait(180), "the page did not come to its end within three minutes"
        finally:
            browser.terminate()
            browser.wait(30)
            server.shutdown()
    return told[0]


_PAGE = """<!doctype html><title>Another origin</title>
<body><iframe name="sink"></iframe><script>
const tell = value => fetch("/told", {method: "POST", body: JSON.stringify(value)});
// What came of a request: its status, or that the browser gave the page nothing
const ask = async (url, how) => {
  try { const r = await fetch(url, how); return r.type === "opaque" ? "opaque" : r.status; }
  catch (error) { return "refused"; }
};
const submit = form => new Promise(then => {
  document.querySelector("iframe").addEventListener("load", () => then("loaded"), {once: true});
  document.body.append(form);
  form.submit();
});
(async () => { SCRIPT })().catch(error => tell({broken: String(error)}));
</script></body>"""

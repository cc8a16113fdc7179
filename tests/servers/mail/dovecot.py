"""A real Dovecot for tests: its own configuration, port and folder, /etc untouched. Needs root."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port
from tests.servers.certificates import server_context
from tests.servers.mail.postfix import NOBODY

_CONF = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
mail_location = maildir:{mail}
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
auth_mechanisms = plain login xoauth2
first_valid_uid = 1
first_valid_gid = 1
default_vsz_limit = 0
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}/home
}}
service auth {{
  inet_listener {{
    port = {sasl}
    address = 127.0.0.1
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""
_TOKENS = """\
introspection_mode = get
introspection_url = http://127.0.0.1:{port}/token/
username_attribute = username
active_attribute = active
active_value = true
"""


@dataclass(frozen=True)
class Dovecot:
    """
    Reads a Maildir, for anybody with the password "secret" or the access token "good".

    authority: who signed its certificate; sasl: where a Postfix asks it whether a login is right
    """

    port: int
    mail: Path
    authority: str
    sasl: int

    def put(self, name: str, raw: bytes) -> None:
        """One more e-mail."""
        file = self.mail / "new" / name
        file.write_bytes(raw)
        os.chown(file, NOBODY, NOBODY)


def can_run() -> bool:
    """Whether Dovecot is installed, and we are root."""
    return shutil.which("dovecot", path="/usr/sbin") is not None and os.geteuid() == 0


@contextlib.contextmanager
def running_dovecot(mail: Path | None = None) -> Iterator[Dovecot]:
    """A Dovecot on this Maildir, or on one of its own; STARTTLS at its port."""
    folder = Path(tempfile.mkdtemp(prefix="cohort-dovecot-"))
    folder.chmod(0o755)
    server_context(folder)
    mail = mail or folder / "mail"
    for each in (mail, *(mail / name for name in ("cur", "new", "tmp")), folder / "home"):
        each.mkdir(exist_ok=True)
        os.chown(each, NOBODY, NOBODY)
    port, sasl = free_port(), free_port()
    (folder / "conf").write_text(_CONF.format(folder=folder, mail=mail, port=port, sasl=sasl))
    with _judging_tokens() as judge:
        (folder / "oauth2").write_text(_TOKENS.format(port=judge))
        (folder / "oauth2").chmod(0o644)
        with _started(folder, port):
            yield Dovecot(port, mail, str(folder / "server.pem"), sasl)


@contextlib.contextmanager
def _judging_tokens() -> Iterator[int]:
    """The port of who tells whether an access token is good (RFC 7662)."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            good = self.path.startswith("/token/good")
            body = b'{"active": true, "username": "me"}' if good else b'{"active": false}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nowhere."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def _started(folder: Path, port: int) -> Iterator[None]:
    process = subprocess.Popen(
        ["/usr/sbin/dovecot", "-F", "-c", str(folder / "conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        umask=0o022,
    )
    try:
        _wait(port, folder / "log")
        yield
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, log: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            if time.monotonic() > until:
                said = log.read_text() if log.exists() else "it wrote no log"
                raise AssertionError(f"Dovecot did not start: {said}") from None
            time.sleep(0.05)

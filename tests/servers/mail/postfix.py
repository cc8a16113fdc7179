"""A real Postfix for tests: its own queue, configuration and port, /etc untouched. Needs root."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534

_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""
_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = relay.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
smtpd_relay_restrictions = reject_unauth_destination
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {mailboxes} }}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
"""


class PostfixError(Exception):
    """What Postfix said when it did not do what it was asked."""


@dataclass(frozen=True)
class Postfix:
    """Takes mail for its recipients of example.org at `port`."""

    port: int
    mail: Path

    def delivered(self, count: int) -> list[bytes]:
        """The messages in all mailboxes, once there are `count` of them."""
        until = time.monotonic() + 20
        while True:
            files = sorted(self.mail.glob("*/new/*"))
            if len(files) >= count or time.monotonic() > until:
                return [file.read_bytes() for file in files]
            time.sleep(0.05)


def can_run() -> bool:
    """Whether Postfix is installed, and we are root."""
    return shutil.which("postfix", path="/usr/sbin") is not None and os.geteuid() == 0


@contextlib.contextmanager
def running_postfix(recipients: Sequence[str], *, settings: str = "") -> Iterator[Postfix]:
    """A Postfix that delivers to `recipients` (local parts), and refuses everybody else; more of main.cf."""
    folder = Path(tempfile.mkdtemp(prefix="cohort-postfix-"))
    folder.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for name in ("etc", "queue", "data", "mail"):
        (folder / name).mkdir()
    os.chown(folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
    os.chown(folder / "mail", NOBODY, NOBODY)
    boxes = ", ".join(f"{{ {name}@example.org = {name}/ }}" for name in recipients)
    (folder / "etc/main.cf").write_text(_MAIN.format(folder=folder, mailboxes=boxes) + settings)
    (folder / "etc/master.cf").write_text(_MASTER.format(port=port))
    try:
        _start(folder)
        yield Postfix(port, folder / "mail")
    finally:
        with contextlib.suppress(PostfixError):
            _postfix(folder, "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, tries: int = 3) -> None:
    """Its master gives itself a few seconds to come up, which a busy machine may not have."""
    for left in reversed(range(tries)):
        try:
            return _postfix(folder, "start")
        except PostfixError:
            if not left:
                raise
            with contextlib.suppress(PostfixError):
                _postfix(folder, "stop")


def _postfix(folder: Path, command: str) -> None:
    done = subprocess.run(
        ["/usr/sbin/postfix", "-c", str(folder / "etc"), command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        umask=0o022,  # commands that ran in this process close theirs; its own accounts read these
    )
    if done.returncode:
        log = folder / "log"
        raise PostfixError(
            f"postfix {command}: {done.stderr}{log.read_text() if log.exists() else ''}"
        )

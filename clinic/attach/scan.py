"""
A document through clamd, by its socket: it fails closed.

Whatever is not a clear "OK" of a scanner with signatures of these days is a refusal: a clamd without
signatures says OK to everything, and one that is killed in the middle says nothing.
"""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime, timedelta
from typing import Final

from clinic.attach.limits import Unfit
from clinic.errors import CohortRefused

_WAITS: Final = 30.0  # seconds
_PIECE: Final = 64 * 1024
_MOST: Final = 4096  # bytes of an answer
# ClamAV 1.4.6/27840/Mon Nov 30 08:12:24 2026
_DATED: Final = re.compile(r"^ClamAV [^/]+/\d+/(\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4})$")


def scan(content: bytes, path: str, now: datetime, *, days: int) -> None:
    """
    Let clamd look at a document.

    Args:
        path: of its socket
        days: its signatures may be so old

    Raises:
        Unfit: something was found in it
        CohortRefused: it was not scanned
    """
    try:
        version = _ask(path, b"zVERSION\0")
        _require_dated(version, now, days)
        said = _ask(path, b"zINSTREAM\0", content)
    except OSError as error:
        raise _not_scanned(f"the scanner does not answer ({type(error).__name__})") from None
    if said.endswith(" FOUND"):
        raise Unfit("the virus scanner found something in it")
    if said != "stream: OK":
        raise _not_scanned("the scanner did not come to an end with it")


def _ask(path: str, command: bytes, content: bytes | None = None) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as there:
        there.settimeout(_WAITS)
        there.connect(path)
        there.sendall(command)
        if content is not None:
            for at in range(0, len(content), _PIECE):
                piece = content[at : at + _PIECE]
                there.sendall(len(piece).to_bytes(4, "big") + piece)
            there.sendall(bytes(4))
        answer = b""
        while len(answer) < _MOST and (more := there.recv(_MOST)):
            answer += more
            if answer.endswith(b"\0"):
                break
    return answer.rstrip(b"\0").decode("ascii", "replace").strip()


def _require_dated(version: str, now: datetime, days: int) -> None:
    found = _DATED.match(version)
    if found is None:
        raise _not_scanned("the scanner has no signatures, or says nothing of their day")
    made = datetime.strptime(found[1], "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    if now - made > timedelta(days=days):
        raise _not_scanned(f"the scanner's signatures are of {made:%-d %B %Y}: too old")


def _not_scanned(why: str) -> CohortRefused:
    return CohortRefused(
        "attachment-not-scanned",
        f"the document was not scanned for viruses, so it was not accepted: {why}. See to clamd "
        "(attachments.clamd), and try again",
    )

"""
Whether a trunk is there: one OPTIONS, and the number of its answer. Any answer is a sign of life.

Source: RFC 3261 §11 (every user agent answers it), §17.1.2 (when it is sent again by UDP).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import uuid
from typing import Final, NamedTuple

_STATUS: Final = re.compile(rb"SIP/2\.0 (\d{3}) ")
_AGAIN: Final = 0.5  # seconds, and twice as long each time


class Where(NamedTuple):
    """A trunk. trust: of TLS; None: by `transport` alone."""

    host: str
    port: int
    transport: str
    sender: str
    trust: ssl.SSLContext | None = None


async def ask(where: Where, within: float) -> int:
    """
    The status that the trunk answers.

    Raises:
        TimeoutError: none came in time
        OSError: it cannot be reached, or proves not to be the right one (ssl.SSLError is one)
        ValueError: what it answers is no SIP
    """
    async with asyncio.timeout(within):
        answer = await (_by_udp(where) if where.transport == "udp" else _by_stream(where))
    found = _STATUS.match(answer)
    if found is None:
        raise ValueError("no SIP")
    return int(found[1])


async def _by_stream(where: Where) -> bytes:
    reader, writer = await asyncio.open_connection(where.host, where.port, ssl=where.trust)
    try:
        writer.write(_options(where, writer.get_extra_info("sockname")))
        await writer.drain()
        return await reader.readuntil(b"\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise ValueError("no SIP") from None
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


class _Answers(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.first.done():
            self.first.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.first.done():
            self.first.set_exception(exc)


async def _by_udp(where: Where) -> bytes:
    loop = asyncio.get_running_loop()
    transport, answers = await loop.create_datagram_endpoint(
        _Answers, remote_addr=(where.host, where.port)
    )
    said = _options(where, transport.get_extra_info("sockname"))
    wait = _AGAIN
    try:
        while True:
            transport.sendto(said)
            done, _ = await asyncio.wait([answers.first], timeout=wait)
            if done:
                return answers.first.result()
            wait *= 2
    finally:
        transport.close()


def _options(where: Where, own: tuple[str, int]) -> bytes:
    """The same bytes each time that it is sent, so that the trunk knows it again."""
    here = f"[{own[0]}]:{own[1]}" if ":" in own[0] else f"{own[0]}:{own[1]}"
    to = f"sip:{where.host}:{where.port};transport={where.transport}"
    lines = [
        f"OPTIONS {to} SIP/2.0",
        f"Via: SIP/2.0/{where.transport.upper()} {here};branch=z9hG4bK{uuid.uuid4().hex};rport",
        "Max-Forwards: 70",
        f"From: <sip:{where.sender}@{where.host}>;tag={uuid.uuid4().hex[:12]}",
        f"To: <{to}>",
        f"Call-ID: {uuid.uuid4().hex}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:{where.sender}@{here}>",
        "Accept: application/sdp",
        "Content-Length: 0",
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def says_why(error: Exception) -> str:
    """Why it gave no sign, in the words after "the trunk"."""
    if isinstance(error, TimeoutError):
        return "gives no sign of life (OPTIONS)"
    if isinstance(error, ssl.SSLError):
        return "is not the one that its certificate should prove, or offers no TLS"
    if isinstance(error, OSError):
        return f"cannot be reached ({error.strerror or type(error).__name__})"
    return "answers with something that is no SIP"

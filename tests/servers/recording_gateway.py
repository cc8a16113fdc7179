"""
An SMS provider in a process of its own that records what it takes, and misbehaves by plan.

    python -m tests.servers.recording_gateway --mode I --faults mix --seed 1 --latency-ms 5

prints `{"port": …}` and serves until it is ended. `POST /messages` keeps the contract of
docs/gateways.md in class I (a key is carried out once), R (a reference is) or B (neither).
`GET /report` tells how often each message was taken, and
`GET /messages?since=` which since then. Written on the bare loop, so that it costs
little of the processor that the program under test needs.

Faults, each with its share of the requests; what "mix" means is `MIX`:

    throttle      429, nothing done                 busy          503, nothing done
    busy_done     503, but carried out              error_done    500, but carried out
    cut           carried out, then hung up         late          carried out, answered after --late-ms
    half_refused  half of the messages taken, the rest rejected, and all told
    half_told     all taken, half told              half_taken    half taken, and only those told

In class I the first answer to a key is the answer to it for ever, `half_…` included. "mix" leaves
the last two out: what a class I or B provider never tells of can only end as `unknown`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import re
import ssl
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import orjson
import uvloop

MIX = {
    "throttle": 0.06,
    "busy": 0.05,
    "busy_done": 0.04,
    "error_done": 0.05,
    "cut": 0.05,
    "late": 0.01,
    "half_refused": 0.04,
}
FAULTS = {*MIX, "half_told", "half_taken"}
_HEADER = re.compile(rb"\r\n([^:\r\n]+): *([^\r\n]*)")


class Book:
    """What was taken, and what each key was answered."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.taken: Counter[str] = Counter()
        self.times: dict[str, str] = {}  # when each was taken first
        self.keys: dict[str, tuple[bytes, list[dict[str, str]]]] = {}  # body's digest, answer
        self.requests = 0
        self.connections = 0
        self.faults: Counter[str] = Counter()

    def carry_out(self, key: str, body: bytes, fault: str) -> tuple[int, list[dict[str, str]]]:
        """Status and entries. In class I a message is taken once for a key, in R once at all."""
        if self.mode != "I":
            return 200, self._take_all(body, fault)
        digest = hashlib.sha256(body).digest()
        if key not in self.keys:
            self.keys[key] = digest, self._take_all(body, fault)
        known, entries = self.keys[key]
        return (200, entries) if known == digest else (422, [])

    def _take_all(self, body: bytes, fault: str) -> list[dict[str, str]]:
        names = [message["reference"] for message in orjson.loads(body)["messages"]]
        half = len(names) // 2
        if fault == "half_refused":
            refused = [
                {"reference": n, "status": "rejected", "code": "barred"} for n in names[half:]
            ]
            return [*map(self._take, names[:half]), *refused]
        entries = [self._take(name) for name in (names[:half] if fault == "half_taken" else names)]
        return entries[:half] if fault == "half_told" else entries

    def _take(self, reference: str) -> dict[str, str]:
        status = "accepted"
        if self.mode == "R" and reference in self.taken:
            status = "duplicate"
        else:
            self.taken[reference] += 1
            self.times.setdefault(reference, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        return {"reference": reference, "id": f"g{reference}", "status": status}

    def sent_since(self, since: str) -> list[dict[str, str]]:
        return [
            {"reference": name, "id": f"g{name}", "status": "accepted", "at": at}
            for name, at in self.times.items()
            if at >= since
        ]

    def report(self) -> dict[str, Any]:
        return {
            "unique": len(self.taken),
            "doubled": sum(count - 1 for count in self.taken.values()),
            "requests": self.requests,
            "connections": self.connections,
            "faults": self.faults,
            "taken": self.taken,
        }


class Plan:
    """Which fault each request meets: the same seed, the same faults."""

    def __init__(self, shares: dict[str, float], seed: int) -> None:
        self._random = random.Random(seed)  # a plan, no secret
        self._shares = shares

    def next(self) -> str:
        if not self._shares:
            return ""
        at = self._random.random()
        for fault, share in self._shares.items():
            at -= share
            if at < 0:
                return fault
        return ""


class Conversation(asyncio.Protocol):
    """One connection: as much of HTTP/1.1 as a client's POST and GET need."""

    def __init__(self, book: Book, plan: Plan, options: argparse.Namespace) -> None:
        self.book, self.plan, self.options = book, plan, options
        self.received = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.book.connections += 1

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[: end + 2]
            headers = {name.lower(): value for name, value in _HEADER.findall(head)}
            whole = end + 4 + int(headers.get(b"content-length", 0))
            if len(self.received) < whole:
                return
            body, self.received = self.received[end + 4 : whole], self.received[whole:]
            self.serve(head, headers, body)

    def serve(self, head: bytes, headers: dict[bytes, bytes], body: bytes) -> None:
        if head.startswith(b"GET /report "):
            self.answer(200, orjson.dumps(self.book.report()))
        elif head.startswith(b"GET /messages?"):
            asked = parse_qs(urlsplit(head.split(b" ")[1].decode()).query)
            listed = self.book.sent_since(asked["since"][0])
            self.answer(200, orjson.dumps({"messages": listed}))
        elif not head.startswith(b"POST /messages "):
            self.answer(404)
        elif headers.get(b"authorization") != b"Bearer " + self.options.token.encode():
            self.answer(401)
        else:
            self.take(headers[b"idempotency-key"].decode(), body)

    def take(self, key: str, body: bytes) -> None:
        book, fault = self.book, self.plan.next()
        book.requests += 1
        book.faults[fault or "none"] += 1
        if fault == "throttle":
            return self.answer(429, extra=b"Retry-After: 0\r\n")
        if fault == "busy":
            return self.answer(503)
        status, entries = book.carry_out(key, body, fault)
        if fault == "cut":
            return self.transport.abort()
        if fault in ("busy_done", "error_done") and status == 200:
            status, entries = (503 if fault == "busy_done" else 500), []
        wait = self.options.late_ms if fault == "late" else self.options.latency_ms
        self.answer(status, orjson.dumps({"messages": entries}), wait=wait / 1000)

    def answer(
        self, status: int, body: bytes = b"{}", *, extra: bytes = b"", wait: float = 0
    ) -> None:
        whole = (
            b"HTTP/1.1 %d x\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s"
            % (status, extra, len(body), body)
        )
        if wait:
            asyncio.get_running_loop().call_later(wait, self.write, whole)
        else:
            self.write(whole)

    def write(self, whole: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(whole)


def shares(text: str) -> dict[str, float]:
    """`none`, `mix`, or `throttle=0.5,cut=0.1`."""
    if text in ("", "none"):
        return {}
    if text == "mix":
        return MIX
    named = {name: float(share) for name, share in (each.split("=") for each in text.split(","))}
    if unknown := named.keys() - FAULTS:
        raise SystemExit(f"no such fault: {', '.join(sorted(unknown))}")
    return named


async def serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.tls)
    book, plan = Book(options.mode), Plan(shares(options.faults), options.seed)
    server = await loop.create_server(
        lambda: Conversation(book, plan, options), options.host, options.port, backlog=1024, ssl=tls
    )
    ended = asyncio.Event()
    if options.while_stdin:  # who started us, died
        loop.add_reader(sys.stdin.fileno(), ended.set)
    sys.stdout.write(json.dumps({"port": server.sockets[0].getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await ended.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="An SMS provider that records, and misbehaves.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--tls", default="", help="key and certificate, in one file")
    parser.add_argument("--mode", choices=["I", "R", "B"], default="I")
    parser.add_argument("--faults", default="none")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--late-ms", type=float, default=3000)
    parser.add_argument("--token", default="")
    parser.add_argument("--while-stdin", action="store_true", help="end when stdin does")
    uvloop.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()

"""A stand-in for Twilio from its published documents, and a real moto_server for AWS SNS, on loopback."""

from __future__ import annotations

import base64
import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from subprocess import DEVNULL, Popen
from urllib.parse import parse_qs

import httpx

from tests.ports import free_port
from tests.servers.stand_in import Asked, Said

ACCOUNT = "AC" + "0123456789abcdef" * 2
LOGIN = base64.b64encode(f"{ACCOUNT}:secret".encode()).decode()


@dataclass
class Twilio:
    """`trial`: it puts a sentence before each text, as trial accounts do; `balance`: what is left."""

    trial: bool = False
    balance: str = "12.50"
    taken: list[dict[str, str]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        """POST Messages.json, GET Balance.json."""
        if asked.headers.get("Authorization") != f"Basic {LOGIN}":
            return Said({"code": 20003, "message": "Authenticate", "status": 401}, 401)
        if asked.path.endswith("/Balance.json"):
            return Said({"balance": self.balance, "currency": "GBP"})
        form = {name: values[0] for name, values in parse_qs(asked.body).items()}
        if not form.get("To", "").startswith("+44"):
            return Said({"code": 21211, "message": f"Invalid 'To' {form.get('To')}"}, 400)
        self.taken.append(form)
        body = ("Sent from your Twilio trial account - " if self.trial else "") + form["Body"]
        given = {
            "sid": f"SM{len(self.taken):032}",
            "status": "queued",
            "body": body,
            "error_code": None,
        }
        return Said(given, 201)


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """moto_server on a port of its own; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=DEVNULL, stderr=DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while not _answers(url) and time.monotonic() < until:
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/moto-api/data.json", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False

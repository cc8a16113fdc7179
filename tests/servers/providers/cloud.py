"""A stand-in for Twilio from its published documents, and a real moto_server for AWS SNS, on loopback."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from tests.servers.stand_in import Asked, Said

REGION = "eu-west-2"
ACCOUNT = "AC" + "0123456789abcdef" * 2
LOGIN = base64.b64encode(f"{ACCOUNT}:secret".encode()).decode()


@dataclass
class Twilio:
    """`trial`: it puts a sentence before each text, as trial accounts do; `balance`: what is left."""

    trial: bool = False
    balance: str = "12.50"
    taken: list[dict[str, str]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        """POST Messages.json and Calls.json, GET Balance.json and the account."""
        if asked.headers.get("Authorization") != f"Basic {LOGIN}":
            return Said({"code": 20003, "message": "Authenticate", "status": 401}, 401)
        if asked.path.endswith("/Balance.json"):
            return Said({"balance": self.balance, "currency": "GBP"})
        if asked.path.endswith(f"/{ACCOUNT}.json"):
            return Said({"sid": ACCOUNT, "type": "Trial" if self.trial else "Full"})
        form = {name: values[0] for name, values in parse_qs(asked.body).items()}
        if not form.get("To", "").startswith("+44"):
            return Said({"code": 21211, "message": f"Invalid 'To' {form.get('To')}"}, 400)
        self.taken.append(form)
        if asked.path.endswith("/Calls.json"):
            if len(form["Twiml"]) > 4_000:
                return Said({"code": 21218, "message": "Twiml is too long"}, 400)
            return Said({"sid": f"CA{len(self.taken):032}", "status": "queued"}, 201)
        body = ("Sent from your Twilio trial account - " if self.trial else "") + form["Body"]
        given = {
            "sid": f"SM{len(self.taken):032}",
            "status": "queued",
            "body": body,
            "error_code": None,
        }
        return Said(given, 201)


@dataclass(frozen=True)
class Sns:
    """A real SNS of moto's at `port`, in a thread of this process, so that its own book can be read."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def took(self) -> dict[str, tuple[str, str]]:
        """By message id: the number and the text that it took."""
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.sns.models import sns_backends

        return dict(sns_backends[DEFAULT_ACCOUNT_ID][REGION].sms_messages)


@contextlib.contextmanager
def moto() -> Iterator[Sns]:
    """moto's server for the block."""
    from moto.server import ThreadedMotoServer  # 2 s

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield Sns(server.get_host_and_port()[1])
    finally:
        server.stop()

"""
Stand-ins for GOV.UK Notify and NHS Notify, from their published documents: they keep what they are told.

They check logins as the documents say (a token signed with the key, 30 seconds; an access token by a signed
assertion), refuse what those refuse, and know what they had before.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import jwt

from tests.fakes import FakeClock
from tests.servers.stand_in import Asked, Said

ISSUER = "26785a09-ab16-4eb0-8407-a37497a57506"
SECRET = "3d844edf-8d35-48ac-975b-e847b4f122b0"
KEY = f"my_key-{ISSUER}-{SECRET}"
TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a"


def _error(status: int, kind: str, says: str) -> Said:
    return Said({"status_code": status, "errors": [{"error": kind, "message": says}]}, status)


@dataclass
class GovukNotify:
    """`prefix`: what its template says before ours. `limit`: of a day."""

    clock: FakeClock
    prefix: str = ""
    limit: int = 1000
    taken: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        """POST /v2/notifications/sms or email."""
        if not self._is_ours(asked):
            return _error(403, "AuthError", "Invalid token: API key not found")
        body = json.loads(asked.body)
        if body.get("template_id") != TEMPLATE:
            return _error(400, "BadRequestError", "Template not found")
        to = str(body.get("phone_number") or body.get("email_address"))
        if "phone_number" in body and not re.fullmatch(r"\+44\d{10}", to):
            return _error(400, "ValidationError", "phone_number Not enough digits")
        if len(self.taken) >= self.limit:
            says = f"Exceeded send limits ({self.limit}) for today"
            return _error(429, "TooManyRequestsError", says)
        self.taken.append(body)
        said = {"body": self.prefix + body["personalisation"]["body"], "from_number": "GOVUK"}
        given = {
            "id": f"740e5834-3a29-46b4-9a6f-{len(self.taken):012}",
            "reference": body["reference"],
            "content": said,
        }
        return Said(given, 201)

    def _is_ours(self, asked: Asked) -> bool:
        try:
            claims = jwt.decode(
                asked.headers.get("Authorization", "").removeprefix("Bearer "), SECRET, ["HS256"],
                options={"verify_iat": False},
            )  # fmt: skip
        except jwt.PyJWTError:
            return False
        late = abs(self.clock.now().timestamp() - claims["iat"])
        return bool(claims["iss"] == ISSUER and late <= 30)


def _errors(status: int, *errors: tuple[str, str]) -> Said:
    listed = [{"code": code, "title": code, "source": {"pointer": at}} for code, at in errors]
    return Said({"errors": listed}, status)


@dataclass
class NhsNotify:
    """`public`: the key that assertions are signed for; None: it asks for no login. `alive`: good tokens."""

    public: Any = None
    alive: set[str] = field(default_factory=set)
    issued: int = 0
    known: set[str] = field(default_factory=set)
    told: Counter[str] = field(default_factory=Counter)
    numbers: list[Any] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        """POST /oauth2/token, /comms/v1/message-batches and /comms/v1/messages."""
        if asked.path.endswith("/oauth2/token"):
            return self._issue(asked)
        token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.public is not None and token not in self.alive:
            return _errors(401, ("CM_DENIED", ""))
        attributes = json.loads(asked.body)["data"]["attributes"]
        batch = "messages" in attributes
        rows = attributes["messages"] if batch else [attributes]
        wrong = [
            ("CM_INVALID_VALUE", f"/data/attributes/messages/{n}/recipient/contactDetails/sms")
            for n, row in enumerate(rows)
            if row["recipient"]["contactDetails"].get("sms") == "+447700900999"
        ]
        if wrong:
            return _errors(400, *wrong)
        name = "messageBatchReference" if batch else "messageReference"
        reference = attributes[name]
        if reference in self.known:
            return _errors(422, ("CM_DUPLICATE_REQUEST", f"/data/attributes/{name}"))
        self.known.add(reference)
        self.told.update(row["messageReference"] for row in rows)
        self.numbers += [row["recipient"].get("nhsNumber") for row in rows]
        return Said(
            {"data": {"id": "2ZljUiS8NjJNs95PqiYOO7gAfJb", "attributes": {name: reference}}}, 201
        )

    def _issue(self, asked: Asked) -> Said:
        form = parse_qs(asked.body)
        try:
            jwt.decode(form["client_assertion"][0], self.public, ["RS512"], options={
                "verify_aud": False, "verify_exp": False, "verify_iat": False,
            })  # fmt: skip
        except (jwt.PyJWTError, KeyError):
            return Said({"error": "invalid_client"}, 401)
        self.issued += 1
        token = f"token-{self.issued}"
        self.alive = {token}
        return Said({"access_token": token, "expires_in": "599"})

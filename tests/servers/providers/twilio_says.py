"""What Twilio answers to texts and calls alike, and what each answer proves."""

from __future__ import annotations

import json
from typing import Final

from tests.servers.scripted import Deed, hang, reply


def error(status: int, code: int) -> Deed:
    """A refusal, whose sentence repeats the number."""
    return reply(status, json.dumps({"code": code, "message": "To +447700900123"}).encode())


# With the halt and the wait that follow
OF_EVERY_KIND: Final[tuple[tuple[Deed, str, str | None, int | None], ...]] = (
    (error(400, 21211), "turned", None, None),
    (error(429, 20429), "not sent", None, 2),
    (error(401, 20003), "not sent", "gateway-credentials", None),
    (error(404, 20404), "not sent", "gateway-refused", None),
    (error(500, 20500), "ambiguous", None, None),
    (reply(201, b'{"sid": "", "status": "queued"}'), "ambiguous", None, None),
    (reply(201, b'{"sid": "SM1"}'), "ambiguous", None, None),
    (reply(201, b"<Response/>"), "ambiguous", None, None),
    (reply(201, b'{"sid": "SM1", "status": "queued"}'), "taken", None, None),
    (hang, "ambiguous", None, None),
)

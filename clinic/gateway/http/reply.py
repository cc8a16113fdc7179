"""
What an HTTP answer says of the messages in a request (docs/gateways.md; reliability §2.4).

The one question: *can this request have been carried out?* If that is proven false its messages are
`not sent`; if the answer names them they are decided; in every other case they stay ambiguous.
"""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from clinic.gateway.http.part import Part
from clinic.gateway.protocol import Taken, Turned
from clinic.gateway.tally import Tally, clean

LONGEST_WAIT = 3600.0
SHORTEST_WAIT = 2.0  # after 429 or 425 without Retry-After

# Nothing was carried out, and nothing will be until a person has looked
ANYWHERE = {
    401: "gateway-credentials",
    402: "gateway-payment",
    403: "gateway-credentials",
    407: "gateway-credentials",
    307: "gateway-moved",
    308: "gateway-moved",
}
# By our own contract; elsewhere 422 is whatever the provider means by it
HALTS = ANYWHERE | {422: "gateway-key-reused"}
_NUMBER = 6  # digits in all: no code has so many, and every number or date of birth
_TOO_SOON = {425, 429}
# 408: it had begun to read; 409: the same key is being carried out at this moment
_AMBIGUOUS = {408, 409}


_MEANS = {
    401: ", it refuses our login",
    402: ", it wants to be paid",
    403: ", it refuses our login",
    425: ", too early",
    429: ", too many requests: it accepts no more for now",
    500: ", it has an internal error",
    502: ", it is out of service",
    503: ", it accepts nothing for now",
    504: ", it is out of service",
}


class Reply(NamedTuple):
    """An answer, read whole."""

    status: int
    retry_after: str | None
    body: bytes


def judge(
    reply: Reply,
    part: Part,
    tally: Tally,
    *,
    now: Callable[[], datetime],
    busy_is_refusal: bool,
) -> None:
    """Write into `tally` what `reply` proves of the messages of `part`."""
    if 200 <= reply.status < 300:
        return _read_results(reply.body, part, tally)
    judge_failure(reply, part.references.values(), tally, now=now, busy_is_refusal=busy_is_refusal)


def judge_failure(
    reply: Reply,
    references: Collection[int],
    tally: Tally,
    *,
    now: Callable[[], datetime],
    busy_is_refusal: bool = False,
    halts: Mapping[int, str] = HALTS,
) -> None:
    """The same of an answer that is no 2xx, by its status alone."""
    status = reply.status
    tally.blame(f"the provider answers {status}{_MEANS.get(status, '')}")
    wait = seconds_to_wait(reply.retry_after, now())
    if status in _TOO_SOON or (status == 503 and busy_is_refusal):
        tally.not_sent(references)
        tally.stop(retry_after=SHORTEST_WAIT if wait is None else wait)
    elif status in halts or (400 <= status < 500 and status not in _AMBIGUOUS):
        tally.not_sent(references)
        tally.stop(halt=halts.get(status, "gateway-refused"))
    elif 300 <= status < 400:
        # Many servers do the work and then point elsewhere: not followed, and not proven undone
        tally.stop(halt="gateway-moved")
    elif wait is not None:
        tally.stop(retry_after=wait)


def seconds_to_wait(header: str | None, now: datetime) -> float | None:
    """Retry-After as seconds from `now`, at most an hour; None if it is absent or makes no sense."""
    if header is None:
        return None
    header = header.strip()
    if re.fullmatch(r"\d+(\.\d+)?", header, re.ASCII):
        return min(float(header[:12]), LONGEST_WAIT)
    try:
        when = email.utils.parsedate_to_datetime(header)
        seconds = (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(seconds, LONGEST_WAIT) if seconds > 0 and math.isfinite(seconds) else None


def _read_results(body: bytes, part: Part, tally: Tally) -> None:
    """Settle what the answer names; what it does not name, or names in two ways, stays ambiguous."""
    found: dict[int, Taken | Turned | None] = {}
    for entry in _entries(body):
        reference = part.references.get(str(entry.get("reference")))
        if reference is None or reference in found:
            tally.strays += 1
        if reference is None:
            continue
        result = _result(entry)
        found[reference] = result if found.get(reference, result) == result else None
    settled = {reference: result for reference, result in found.items() if result is not None}
    for reference, result in settled.items():
        tally.note(reference, result)
    if found:  # an answer of another form may become a good one when it is asked for again
        tally.unlisted(set(part.references.values()) - settled.keys())


def _entries(body: bytes) -> list[dict[str, Any]]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    entries = answer.get("messages") if isinstance(answer, dict) else None
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def _result(entry: Mapping[str, Any]) -> Taken | Turned | None:
    status = entry.get("status")
    if status in ("accepted", "duplicate"):
        return Taken(gateway_ref=clean_ref(entry.get("id")))
    if status == "rejected":
        return Turned(code=clean_code(entry.get("code")), says=clean(entry.get("message") or ""))
    return None


def clean_ref(value: object) -> str:
    """A provider's id of a message: at most 80 printable characters; empty if it gave none."""
    text = str(value)[:80] if isinstance(value, str | int) else ""
    return text if text.isprintable() else "".join(filter(str.isprintable, text))


def clean_code(value: object) -> str:
    """A provider's error code as we keep it: `[a-z0-9_]`, at most 40; of none, or a number, `rejected`."""
    code = re.sub(r"[^a-z0-9]+", "_", str(value or "").lower()).strip("_")
    return "rejected" if not code or len(re.findall(r"\d", code)) >= _NUMBER else code[:40]


def object_of(body: bytes) -> dict[str, Any]:
    """A JSON object; of anything else an empty one, in which nothing is found."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}

"""
What a gateway tells us by itself: receipts and replies, read from the JSON it sends (docs/gateways.md).

Read generously and trusted little: an entry of another form is counted and skipped, so that it does not
keep back the good ones beside it; one that names no event gets a name made of what it says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

import orjson

from clinic.gateway.http_reply import clean_ref

Said = Literal["accepted", "delivered", "undelivered", "rejected"]
LONGEST_EVENT_ID: Final = 80
_LARGEST: Final = 2**63

# A provider's word → what it says of the message, and why if the word itself tells
_WORDS: Final[dict[str, tuple[Said, str]]] = {
    **dict.fromkeys(("accepted", "sent", "sending", "queued", "pending", "created"), ("accepted", "")),
    **dict.fromkeys(("delivered", "read", "received", "success", "delivrd"), ("delivered", "")),
    **dict.fromkeys(
        ("undelivered", "failed", "undeliv", "temporary_failure", "technical_failure", "expired"),
        ("undelivered", ""),
    ),
    "permanent_failure": ("undelivered", "unknown_subscriber"),
    "expired": ("undelivered", "expired"),
    "rejected": ("undelivered", "rejected_by_operator"),
    "rejectd": ("undelivered", "rejected_by_operator"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    What a gateway or a network says of one message.

    event_id: the gateway's own, unique with it; reference: our message id, None if it named none
    reason, says: of undelivered and rejected: a code, and the gateway's words
    """

    gateway: str
    event_id: str
    reference: int | None
    outcome: Said
    reason: str | None = None
    says: str | None = None
    happened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Inbound:
    """A text that somebody sent us. `sender` as the gateway wrote it; `happened_at` None: now."""

    gateway: str
    event_id: str
    channel: str
    sender: str
    text: str
    happened_at: datetime | None = None


@dataclass
class Incoming:
    """One body's contents. `strays`: entries that could not be read."""

    receipts: list[Receipt] = field(default_factory=list)
    replies: list[Inbound] = field(default_factory=list)
    strays: int = 0
    next: str | None = None  # of a page that was pulled: the cursor of the next


def read_incoming(body: bytes, *, gateway: str) -> Incoming:
    """
    Read `{"receipts": […], "replies": […]}`, or one entry by itself.

    Raises:
        ValueError: it is no JSON object (without a word of what it is)
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ValueError("not JSON") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    if not {"receipts", "replies"} & document.keys():
        kind = "replies" if "text" in document or "message" in document else "receipts"
        document = {kind: [document]}
    found = Incoming()
    cursor = document.get("next")
    found.next = str(cursor) if isinstance(cursor, str | int) else None
    for entry in _entries(document, "receipts", found):
        _add(found.receipts, _receipt(entry, gateway), found)
    for entry in _entries(document, "replies", found):
        _add(found.replies, _reply(entry, gateway), found)
    return found


def _entries(document: Mapping[str, Any], name: str, found: Incoming) -> Iterator[dict[str, Any]]:
    entries = document.get(name) or []
    if not isinstance(entries, list):
        found.strays += 1
        return
    for entry in entries:
        if isinstance(entry, dict):
            yield entry
        else:
            found.strays += 1


def _add(kept: list[Any], one: Any, found: Incoming) -> None:
    if one is None:
        found.strays += 1
    else:
        kept.append(one)


def _receipt(entry: Mapping[str, Any], gateway: str) -> Receipt | None:
    word = str(entry.get("status") or "").lower().replace("-", "_").replace(" ", "_")
    if word not in _WORDS:
        return None
    outcome, implied = _WORDS[word]
    reason = entry.get("code") or implied or None
    says = entry.get("message") or entry.get("status_description")
    return Receipt(
        gateway,
        # Some providers name the message, not the event: two events of one message have two words
        _event_id(entry, word),
        _reference(entry.get("reference")),
        outcome,
        str(reason)[:200] if reason and outcome == "undelivered" else None,
        str(says)[:800] if says and outcome == "undelivered" else None,
        _instant(entry.get("at") or entry.get("completed_at") or entry.get("sent_at")),
    )


def _reply(entry: Mapping[str, Any], gateway: str) -> Inbound | None:
    sender = entry.get("from") or entry.get("source_number")
    text = entry.get("text", entry.get("message"))
    if not isinstance(sender, str) or not isinstance(text, str) or not sender.strip():
        return None
    channel = "email" if "@" in sender else "sms"
    at = _instant(entry.get("at") or entry.get("date_received"))
    # No database takes a NUL, and no reader sees one
    clean = text.replace("\x00", " ").encode("utf-8", "replace").decode()[:4000]
    return Inbound(gateway, _event_id(entry, "reply"), channel, sender.strip()[:320], clean, at)


def _event_id(entry: Mapping[str, Any], word: str) -> str:
    given = clean_ref(entry.get("id"))
    event_id = f"{given}/{word}"
    if given and len(event_id) <= LONGEST_EVENT_ID:
        return event_id
    return hashlib.sha256(orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _reference(value: object) -> int | None:
    text = str(value) if isinstance(value, str | int) else ""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0
    return number if 0 < number < _LARGEST else None


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value)
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None

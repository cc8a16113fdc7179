"""
What a gateway tells us by itself: receipts and replies, read from the JSON it sends (docs/gateways.md).

Read generously and trusted little: an entry of another form is kept as it came, so that it does not
keep back the good ones beside it; one that names no event gets a name made of what it says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from clinic.gateway.http.reply import clean_ref
from clinic.gateway.incoming.words import word_of
from clinic.gateway.received import Complaint, Inbound, Receipt, Unread

LONGEST_EVENT_ID: Final = 80
_LONGEST_KEPT: Final = 4_000  # characters of what was not understood
_LARGEST: Final = 2**63


@dataclass
class Incoming:
    """One body's contents. `unread`: entries that could not be understood."""

    receipts: list[Receipt] = field(default_factory=list)
    replies: list[Inbound] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    next: str | None = None  # of a page that was pulled: the cursor of the next


def read_incoming(body: bytes, *, gateway: str) -> Incoming:
    """
    Read `{"receipts": […], "replies": […]}`, a list of entries, or one entry by itself.

    Raises:
        ValueError: it is neither a JSON object nor a list (without a word of what it is)
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ValueError("not JSON") from None
    if isinstance(document, list):
        document = _sorted_out(document)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    if not {"receipts", "replies"} & document.keys():
        document = {_kind(document): [document]}
    found = Incoming()
    cursor = document.get("next")
    found.next = str(cursor) if isinstance(cursor, str | int) else None
    kinds = (("receipts", found.receipts, _receipt), ("replies", found.replies, _reply))
    for name, kept, read in kinds:
        _read(document.get(name) or [], gateway, kept, read, found.unread)
    return found


def unread_body(body: bytes, *, gateway: str) -> Unread:
    """A whole body of which nothing could be read, though it is the gateway's own: for a person to look at."""
    shown = body.decode("utf-8", "backslashreplace").replace("\x00", " ")[:_LONGEST_KEPT]
    return Unread(gateway, hashlib.sha256(body).hexdigest(), "no JSON object", shown)


def _sorted_out(entries: list[Any]) -> dict[str, list[Any]]:
    """A list without a heading: each entry is what it would be by itself."""
    sorted_out: dict[str, list[Any]] = {"receipts": [], "replies": []}
    for entry in entries:
        sorted_out[_kind(entry) if isinstance(entry, dict) else "receipts"].append(entry)
    return sorted_out


def _kind(entry: Mapping[str, Any]) -> str:
    """
    Of one entry by itself: a reply has a sender and a text, a receipt a status or our message's number.

    A failure's own `message` makes no reply of its receipt, nor a reference a receipt of somebody's STOP.
    """
    said = "text" in entry or "message" in entry
    if said and _sender(entry) and not ("reference" in entry and "status" in entry):
        return "replies"
    return "receipts" if not said or "status" in entry or "reference" in entry else "replies"


def _read(
    entries: object,
    gateway: str,
    kept: list[Any],
    read: Callable[[Mapping[str, Any], str], Any],
    unread: list[Unread],
) -> None:
    for entry in entries if isinstance(entries, list) else [entries]:
        one = read(entry, gateway) if isinstance(entry, dict) else "no JSON object"
        if isinstance(one, str):
            unread.append(_unread(entry, gateway, one))
        else:
            kept.append(one)


def _unread(entry: object, gateway: str, why: str) -> Unread:
    raw = orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)
    body = raw.decode().replace("\x00", " ")[:_LONGEST_KEPT]
    return Unread(gateway, hashlib.sha256(raw).hexdigest(), why, body)


def _receipt(entry: Mapping[str, Any], gateway: str) -> Receipt | str:
    """The receipt, or why it is not understood."""
    name, word = word_of(entry.get("status"))
    if word is None:
        return f"unknown status {name[:40]}" if name else "no status"
    reference = _reference(entry.get("reference"))
    if reference is None:
        return "a reference that is none of ours" if entry.get("reference") else "no reference"
    reason = entry.get("code") or word.reason or None
    says = entry.get("message") or entry.get("status_description")
    failed = word.says == "undelivered"
    return Receipt(
        gateway,
        # Some providers name the message, not the event: two events of one message have two words
        _event_id(entry, name),
        reference,
        word.says,
        str(reason)[:200] if reason and failed else None,
        str(says)[:800] if says and failed else None,
        _instant(entry.get("at") or entry.get("completed_at") or entry.get("sent_at")),
    )


def _reply(entry: Mapping[str, Any], gateway: str) -> Inbound | str:
    """The reply, or why it is not understood."""
    sender = _sender(entry)
    text = _text(entry)
    if sender is None:
        return "no sender"
    if text is None:
        return "no text"
    by_call = entry.get("channel") == "voice"
    channel = "voice" if by_call else "email" if "@" in sender else "sms"
    at = _instant(entry.get("at") or entry.get("date_received"))
    # No database takes a NUL, and no reader sees one
    clean = text.replace("\x00", " ").encode("utf-8", "replace").decode()[:4000]
    return Inbound(gateway, _event_id(entry, "reply"), channel, sender[:320], clean, at)


def _sender(entry: Mapping[str, Any]) -> str | None:
    sender = entry.get("from") or entry.get("source_number")
    if isinstance(sender, int) and not isinstance(sender, bool):
        sender = str(sender)  # 447700900001, as some write a number with its country
    return sender.replace("\x00", " ").strip() or None if isinstance(sender, str) else None


def _text(entry: Mapping[str, Any]) -> str | None:
    """What was said, under either name: one of the two may be there and say nothing."""
    said = [text for text in (entry.get("text"), entry.get("message")) if isinstance(text, str)]
    return next((text for text in said if text.strip()), said[0] if said else None)


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

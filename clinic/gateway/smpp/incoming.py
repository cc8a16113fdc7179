"""
What an SMSC sends by itself: delivery receipts, in text or optional parameters, and texts of people.

    esm_class says receipt, or receipted_message_id is there  →  Receipt, found by the SMSC's id
    anything else                                             →  Inbound: what somebody wrote

A text that looks like a receipt and is not marked as one was written by a person, and moves nothing.
Source: SMPP 3.4 §5.2.12 (esm_class), §5.2.28 (states), appendix B (the text of receipts).
"""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import orjson

from clinic.gateway.incoming.words import Word, word_of
from clinic.gateway.received import Inbound, Receipt, Unread
from clinic.gateway.smpp.alphabet import read_octets
from clinic.gateway.smpp.ids import canonical
from clinic.gateway.smpp.pdu import Delivered

_MESSAGE_ID: Final = 0x001E
_STATE: Final = 0x0427
_NETWORK_ERROR: Final = 0x0423
_REFERENCE: Final = 0x0204

# message_state, as the text of a receipt has it
STATES: Final = {
    0: "SCHEDULED", 1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD",
    7: "UNKNOWN", 8: "REJECTD", 9: "SKIPPED",
}  # fmt: skip
# network_error_code of a GSM network (type 3): the errors of its signalling, 3GPP TS 29.002 §17.6.6
GSM_ERRORS: Final = {
    1: "unknown_subscriber", 5: "unknown_subscriber", 6: "absent_subscriber", 9: "illegal_subscriber",
    11: "teleservice_not_provisioned", 12: "illegal_equipment", 13: "call_barred",
    21: "facility_not_supported", 27: "absent_subscriber", 31: "subscriber_busy", 34: "system_failure",
}  # fmt: skip
_GSM: Final = 3
_ID: Final = re.compile(r"\bid:\s*(\S*)", re.IGNORECASE)
_STAT: Final = re.compile(r"\bstat:\s*([A-Za-z_]+)", re.IGNORECASE)
_ERR: Final = re.compile(r"\berr:\s*([0-9A-Za-z]{1,8})", re.IGNORECASE)
_DONE: Final = re.compile(r"\bdone date:\s*(\d{10}(?:\d\d)?)\b", re.IGNORECASE)


def read_incoming(
    came: Delivered, *, gateway: str, zone: ZoneInfo | None = None
) -> Receipt | Inbound | Unread:
    """
    What a deliver_sm says.

    zone: in which the SMSC writes the times of receipts; None: it has not said, and they do not count
    """
    if came.esm_class & 0x3C == 0 and _MESSAGE_ID not in came.extra:
        return _reply(came, gateway)
    return _receipt(came, gateway, zone)


def _receipt(came: Delivered, gateway: str, zone: ZoneInfo | None) -> Receipt | Unread:
    text = read_octets(came.octets, came.coding, with_header=bool(came.esm_class & 0x40)).text
    name, word = _word(came, text)
    ref = canonical(_c_string(came.extra.get(_MESSAGE_ID, b""))) or canonical(_first(_ID, text))
    if word is None:
        return _unread(came, gateway, text, f"unknown state {name[:40]}" if name else "no state")
    if not ref:
        return _unread(came, gateway, text, "a receipt without a message id")
    failed = word.says == "undelivered"
    mark = came.extra.get(_REFERENCE, b"")
    return Receipt(
        gateway,
        _event_id(came),
        None,
        word.says,
        (word.reason or _network_reason(came, text)) if failed else None,
        f"{name.upper()} {_first(_ERR, text)}".strip() if failed else None,
        _instant(_first(_DONE, text), zone),
        gateway_ref=ref,
        recipient=number_of(came.source.digits),
        mark=int.from_bytes(mark, "big") if len(mark) == 2 else None,
    )


def _word(came: Delivered, text: str) -> tuple[str, Word | None]:
    """The state, of the parameter if it has one that SMPP knows, else of the text."""
    state = came.extra.get(_STATE, b"")
    given = STATES.get(state[0]) if len(state) == 1 else None
    return word_of(given or _first(_STAT, text))


def _network_reason(came: Delivered, text: str) -> str | None:
    """The network's own reason. Of a GSM network's number we know the words; other numbers stay numbers."""
    code = came.extra.get(_NETWORK_ERROR, b"")
    if len(code) == 3:
        number = int.from_bytes(code[1:], "big")
        known = GSM_ERRORS.get(number) if code[0] == _GSM else None
        return known or f"smpp_{code[0]}_{number}"
    given = _first(_ERR, text).strip("0")
    return f"smpp_err_{_first(_ERR, text).lower()}" if given else None


def _reply(came: Delivered, gateway: str) -> Inbound | Unread:
    said = read_octets(came.octets, came.coding, with_header=bool(came.esm_class & 0x40))
    if not came.source.digits:
        return _unread(came, gateway, said.text, "no sender")
    text = said.text.replace("\x00", " ")
    if said.of > 1:
        text = f"{text} [part {said.part} of {said.of}]"
    # SMPP names no event: one STOP more than were sent does no harm, one fewer does
    return Inbound(gateway, uuid.uuid4().hex, "sms", number_of(came.source.digits), text[:4000])


def number_of(digits: str) -> str:
    """A number as messages have it, `+` and digits; anything else as it is."""
    clean = digits.replace("\x00", " ").strip()[:40]
    bare = clean.lstrip("+").removeprefix("00")
    return f"+{bare}" if re.fullmatch(r"[1-9]\d{6,14}", bare) else clean


def _event_id(came: Delivered) -> str:
    """Of all that it says: the same receipt again is the same event."""
    said = [
        came.source.digits,
        came.octets.hex(),
        sorted((t, v.hex()) for t, v in came.extra.items()),
    ]
    return "smpp " + hashlib.sha256(orjson.dumps(said)).hexdigest()[:40]


def _unread(came: Delivered, gateway: str, text: str, why: str) -> Unread:
    shown = {
        "from": came.source.digits, "esm_class": came.esm_class, "text": text,
        "parameters": {f"{tag:#06x}": value.hex() for tag, value in came.extra.items()},
    }  # fmt: skip
    raw = orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)
    body = raw.decode().replace("\\u0000", " ")[:4000]
    return Unread(gateway, hashlib.sha256(raw).hexdigest(), why, body)


def _c_string(value: bytes) -> str:
    return value.split(b"\0", 1)[0].decode("latin-1")


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _instant(digits: str, zone: ZoneInfo | None) -> datetime | None:
    if zone is None or not digits:
        return None
    form = "%y%m%d%H%M%S" if len(digits) == 12 else "%y%m%d%H%M"
    try:
        return datetime.strptime(digits, form).replace(tzinfo=zone).astimezone(UTC)
    except ValueError:
        return None

"""
What each answer of an SMSC means for the message it is about: one table, which docs/gateways.md shows.

    taken       it has the message
    wait        it has not, because there are too many: the same again after a pause, no try is used up
    rebind      it has not, and would take nothing on this session: the same again on another
    temporary   it has not, for a reason that may pass: a later attempt, as often as `max_attempts` allows
    refused     it will never have this one
    halt        it has not, and would have no other: a person must look first

Only a status that the SMSC sent stands here. A lost connection, silence and what is no SMPP are no status:
what became of the message is then unknown. Source: SMPP 3.4 §5.1.3.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from clinic.settings.gateways.smpp import Does


class Status(NamedTuple):
    """A command_status. `code`: our own, of what is refused and of what halts."""

    number: int
    name: str
    does: Does
    says: str
    code: str = ""


def _halts(number: int, name: str, says: str, code: str = "gateway-refused") -> Status:
    return Status(number, name, "halt", says, code)


TABLE: Final = (
    Status(0x00, "ESME_ROK", "taken", "taken, with or without an id"),
    Status(0x01, "ESME_RINVMSGLEN", "refused", "the text is too long for it", "too_long"),
    _halts(0x02, "ESME_RINVCMDLEN", "it does not read our PDUs"),
    _halts(0x03, "ESME_RINVCMDID", "it does not know the command"),
    Status(0x04, "ESME_RINVBNDSTS", "rebind", "the session is not bound for sending"),
    Status(0x05, "ESME_RALYBND", "temporary", "bound already: another session, or an old one that is not over"),
    _halts(0x06, "ESME_RINVPRTFLG", "it refuses the priority"),
    _halts(0x07, "ESME_RINVREGDLVFLG", "it gives no receipts to this account (`receipts = false`)"),
    Status(0x08, "ESME_RSYSERR", "temporary", "it has an error of its own"),
    _halts(0x0A, "ESME_RINVSRCADR", "it refuses the sender", "gateway-sender-refused"),
    Status(0x0B, "ESME_RINVDSTADR", "refused", "it does not take this number", "invalid_number"),
    Status(0x0D, "ESME_RBINDFAIL", "temporary", "it lets nobody bind now, or not us: it does not say which"),
    _halts(0x0E, "ESME_RINVPASWD", "the password is wrong", "gateway-credentials"),
    _halts(0x0F, "ESME_RINVSYSID", "the system_id is wrong", "gateway-credentials"),
    Status(0x14, "ESME_RMSGQFUL", "wait", "its queue is full"),
    _halts(0x15, "ESME_RINVSERTYP", "it refuses the service_type"),
    _halts(0x43, "ESME_RINVESMCLASS", "it refuses parts with a header (UDH)"),
    Status(0x45, "ESME_RSUBMITFAIL", "temporary", "it could not take the message"),
    _halts(0x48, "ESME_RINVSRCTON", "it refuses the sender's type of number", "gateway-sender-refused"),
    _halts(0x49, "ESME_RINVSRCNPI", "it refuses the sender's numbering plan", "gateway-sender-refused"),
    _halts(0x50, "ESME_RINVDSTTON", "it refuses the type of number of a mobile"),
    _halts(0x51, "ESME_RINVDSTNPI", "it refuses the numbering plan of a mobile"),
    _halts(0x53, "ESME_RINVSYSTYP", "the system_type is wrong", "gateway-credentials"),
    Status(0x58, "ESME_RTHROTTLED", "wait", "we send faster than agreed"),
    _halts(0x61, "ESME_RINVSCHED", "it refuses the time to send at"),
    _halts(0x62, "ESME_RINVEXPIRY", "it refuses the validity (`validity_hours`)"),
    Status(0x64, "ESME_RX_T_APPN", "temporary", "the receiving side has an error that may pass"),
    Status(0x65, "ESME_RX_P_APPN", "refused", "the receiving side has an error that stays", "smpp_rx_p_appn"),
    Status(0x66, "ESME_RX_R_APPN", "refused", "the receiving side rejects it", "rejected_by_operator"),
    _halts(0xC0, "ESME_RINVOPTPARSTREAM", "it does not read optional parameters (`reference_tlv = false`)"),
    _halts(0xC1, "ESME_ROPTPARNOTALLWD", "it allows no optional parameter (`reference_tlv = false`)"),
    _halts(0xC2, "ESME_RINVPARLEN", "a parameter has the wrong length"),
    _halts(0xC3, "ESME_RMISSINGOPTPARAM", "it wants a parameter that we do not send"),
    _halts(0xC4, "ESME_RINVOPTPARAMVAL", "it refuses a parameter's value (`reference_tlv = false`)"),
    Status(0xFE, "ESME_RDELIVERYFAILURE", "temporary", "it could not deliver"),
    Status(0xFF, "ESME_RUNKNOWNERR", "temporary", "an error that it does not name"),
)  # fmt: skip

_KNOWN: Final = {row.number: row for row in TABLE}


def status_of(number: int, own: dict[str, Does] | None = None) -> Status:
    """
    What a status means; one that no row names is temporary, for it says that the message was not taken.

    own: a provider's own numbers, as the settings have them: `{"0x0400": "halt"}`
    """
    name = f"0x{number:04x}"
    given = {int(key, 16): does for key, does in (own or {}).items()}.get(number)
    known = _KNOWN.get(number) or Status(number, name, "temporary", f"its own status {name}")
    if given is None:
        return known
    code = {"refused": f"smpp_{name}", "halt": "gateway-refused"}.get(given, "")
    return Status(number, known.name, given, known.says, code)


def status_table() -> str:
    """The rows of the table in docs/gateways.md."""
    rows = ["| status | it says | the message |", "|---|---|---|"]
    means = {
        "taken": "accepted", "wait": "not sent; wait, then again",
        "rebind": "not sent; bind again, then the same", "temporary": "not sent; a later attempt",
        "refused": "rejected, `{}`", "halt": "not sent; **halt** `{}`",
    }  # fmt: skip
    for row in TABLE:
        fate = means[row.does].format(row.code)
        rows.append(f"| 0x{row.number:02X} `{row.name}` | {row.says} | {fate} |")
    return "\n".join(rows) + "\n"

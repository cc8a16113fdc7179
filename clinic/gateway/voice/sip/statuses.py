"""
What a trunk's final answer proves, before the call was answered: one table, docs and test at once.

Nobody heard anything, whatever it is: sound is sent to a call that was answered alone. Before it rang, what
says "not now" or "not you" is about the trunk, and the message waits; after that it is about this call.
Source: RFC 3261 §21; RFC 8197 (607), RFC 8688 (608).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from clinic.gateway.voice.outcomes import Ended, ended


class Answered(NamedTuple):
    """
    One row. The first that fits counts.

    codes: of SIP; empty: whatever it is
    status: what it is in the table of outcomes (clinic/gateway/voice/outcomes.py)
    waits: before it rang the message was not sent: seconds to wait; halt: or a person must look
    """

    codes: tuple[int, ...]
    status: str
    why: str
    waits: float | None = None
    halt: str = ""

    @property
    def is_the_trunk(self) -> bool:
        """Whether it says something of the trunk and not of the number, as long as nothing rang."""
        return self.waits is not None or bool(self.halt)


TABLE: Final = (
    Answered((486, 600), "busy", "the line is busy"),
    Answered((408, 480, 487, 603, 607, 608), "no-answer", "nobody answers, or does not want to"),
    Answered((404, 410, 484, 604), "failed", "there is no such number"),
    Answered((401, 407), "failed", "it refuses our login", halt="gateway-credentials"),
    Answered((402,), "failed", "the credit is used up", halt="gateway-payment"),
    Answered((403,), "failed", "it forbids it: login, sender, destinations", halt="gateway-refused"),
    Answered((406, 415, 420, 488, 606), "failed", "it takes none of our codecs, or no encryption",
             halt="gateway-refused"),
    Answered((429, 500, 502, 503, 504), "failed", "it cannot now: no line, or it is disturbed", waits=30.0),
    Answered((), "failed", "the call could not be made"),
)  # fmt: skip


def answer_of(code: int) -> Answered:
    """The row of a final answer."""
    return next(one for one in TABLE if code in one.codes or not one.codes)


def outcome_of(code: int) -> Ended:
    """What became of a call that ended with this answer."""
    found = ended(answer_of(code).status, "", str(code))
    assert found is not None  # the table's words are those of the outcomes
    return found


def statuses_table() -> str:
    """The rows of the table in docs/gateways.md."""
    rows = ["| the trunk answers | | before it rang | after |", "|---|---|---|---|"]
    for one in TABLE:
        codes = ", ".join(str(code) for code in one.codes) or "any other"
        reason = f"undelivered, `{outcome_of(next(iter(one.codes), 400)).reason}`"
        before = f"not sent, wait {one.waits:,.0f} s or more" if one.waits else ""
        before = f"not sent, **halt** `{one.halt}`" if one.halt else before
        rows.append(f"| {codes} | {one.why} | {before or reason} | {reason} |")
    return "\n".join(rows) + "\n"

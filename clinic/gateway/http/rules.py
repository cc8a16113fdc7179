"""
What a provider's statuses and error codes prove: one table a provider, docs and test at once.

The first rule that fits counts. What no rule names is judged by its HTTP status alone (`judge_failure`), so
that a new error code halts a campaign, or leaves a message ambiguous, and never passes for anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from clinic.gateway.http.part import Part
from clinic.gateway.http.reply import ANYWHERE, Reply, judge_failure, seconds_to_wait
from clinic.gateway.protocol import Taken, Turned
from clinic.gateway.tally import Tally

Becomes = Literal["taken", "rejected", "not sent", "ambiguous"]


class Rule(NamedTuple):
    """
    An answer, and what it proves.

    code: the provider's error code; says: words of its sentence, in lower-case letters; empty: whatever it is
    reason: of a rejected one (clinic/message/network_reasons.py); halt: a person must look
    wait: seconds at least before anything more is sent; why: in a sentence, for people
    """

    status: int
    code: str
    becomes: Becomes
    why: str
    says: str = ""
    reason: str = ""
    halt: str = ""
    wait: float | None = None


def find_rule(rules: Sequence[Rule], status: int, code: str, says: str) -> Rule | None:
    """The first that fits."""
    for rule in rules:
        if rule.status == status and rule.code in ("", code) and rule.says in says.lower():
            return rule
    return None


def judge_by(
    rules: Sequence[Rule],
    reply: Reply,
    references: Collection[int],
    tally: Tally,
    *,
    code: str,
    says: str,
    now: Callable[[], datetime],
    halts: Mapping[int, str] = ANYWHERE,
) -> None:
    """Write what an answer that took nothing plainly proves of these messages."""
    rule = find_rule(rules, reply.status, code, says)
    if rule is None:
        return judge_failure(reply, references, tally, now=now, halts=halts)
    if rule.becomes == "taken":
        for reference in references:
            tally.note(reference, Taken(gateway_ref=""))
    elif rule.becomes == "rejected":
        for reference in references:
            tally.note(reference, Turned(code=rule.reason, says=rule.why))
    elif rule.becomes == "not sent":
        tally.not_sent(references)
    if rule.becomes not in ("taken", "rejected"):
        tally.blame(rule.why)
    wait = seconds_to_wait(reply.retry_after, now())
    if rule.halt:
        tally.stop(halt=rule.halt)
    elif rule.wait is not None:
        tally.stop(retry_after=max(rule.wait, wait or 0.0))


def rules_table(rules: Sequence[Rule]) -> str:
    """The rows of a provider's table in docs/gateways.md."""
    rows = ["| answer | its message | then |", "|---|---|---|"]
    for rule in rules:
        answer = " ".join(filter(None, (str(rule.status), f"`{rule.code}`" if rule.code else "")))
        if rule.says:
            answer += f" “{rule.says}”"
        fate = f"{rule.becomes}, `{rule.reason}`" if rule.reason else rule.becomes
        then = f"**halt** `{rule.halt}`" if rule.halt else ""
        if rule.wait:
            then = f"wait {rule.wait:,.0f} s or more"
        rows.append(f"| {answer} | {fate} | {then}{': ' if then else ''}{rule.why} |")
    return "\n".join(rows) + "\n"


def stop_if_rewritten(said: object, part: Part, tally: Tally) -> None:
    """Halt where the answer has another text than it was given: each to come would be read like this."""
    if isinstance(said, str) and said.split() != part.said.split():
        tally.stop(halt="gateway-rewrites")

"""NEW-6: every reason that the program can write has a sentence, and says what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic.cohort.outcomes import AT_SENDING, OUTCOMES
from clinic.gateway.http.reply import HALTS
from clinic.message import states
from clinic.message.eligibility.at_sending import RULES
from clinic.message.network_reasons import REASONS
from clinic.message.outcomes import reasons
from clinic.message.prepare.control import BY_PEOPLE

CLINIC = Path(reasons.__file__).parents[2]
KINDS = {"state_reason", "halt", "reason"}
# What decides, and returns the code under which a campaign stops
_JUDGES = {"reason_to_halt", "judge", "_why", "_concerns_all"}
_OF_JUDGES = ("circuit_breaker.py", "canary.py", "restore_guard.py", "smtp/reply.py")


def _constants(node: ast.AST) -> Iterator[str]:
    """Every text that an expression may be, as far as the source spells it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


def _codes(source: str) -> Iterator[tuple[str, str]]:
    """Where a code is written or decided (`state_reason`, `halt`, `reason`), and the code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg in KINDS:
                    yield from ((keyword.arg, code) for code in _constants(keyword.value))
        if isinstance(node, ast.FunctionDef) and node.name in _JUDGES:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield from (("judge", code) for code in _constants(inner.value))


def written(*kinds: str) -> set[str]:
    """The codes of these kinds in the program."""
    return {
        code
        for path in (*CLINIC.glob("message/**/*.py"), *CLINIC.glob("gateway/**/*.py"))
        for kind, code in _codes(path.read_text(encoding="utf-8"))
        if kind in kinds or (kind == "judge" and "halt" in kinds and path.name in _OF_JUDGES)
    }


def test_no_reason_of_a_network_has_the_name_of_one_of_ours() -> None:
    """Its sentence would be the other one: "nobody answered" is not "the gateway gave no answer"."""
    assert REASONS.keys() & AT_SENDING.keys() == set()


def test_every_reason_for_which_a_campaign_stops_has_a_sentence() -> None:
    found = written("state_reason", "halt") | set(HALTS.values()) | set(BY_PEOPLE)
    assert {"paused-by-person", "too-late", "canary-failed", "gateway-credentials"} <= found
    assert sorted(found - reasons.CAMPAIGN.keys()) == []
    assert [code for code, says in reasons.CAMPAIGN.items() if not says.endswith(".")] == []


def test_every_reason_of_a_message_has_a_sentence() -> None:
    found = written("reason")
    assert {"no_answer", "tries_used_up"} <= found
    assert sorted(found - AT_SENDING.keys() - REASONS.keys()) == []


def test_whoever_is_left_out_at_the_moment_of_sending_has_a_reason_with_a_sentence() -> None:
    """ACX-36: also of reminders, whose appointment is asked for again."""
    asked = [rule.reason for rule in RULES]
    assert "appointment_changed" in asked
    assert len(set(asked)) == len(asked)
    assert set(asked) <= AT_SENDING.keys()


def test_every_state_of_a_message_is_an_outcome() -> None:
    outcome_of = {
        states.PENDING: "waiting", states.ACCEPTED: "sent", states.DELIVERED: "delivered",
        states.UNDELIVERED: "undelivered", states.REJECTED: "rejected", states.UNKNOWN: "unknown",
        states.SUPPRESSED: "suppressed", states.CANCELLED: "cancelled", states.EXPIRED: "expired",
        states.EXHAUSTED: "exhausted",
    }  # fmt: skip
    assert set(outcome_of.values()) <= set(OUTCOMES)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (None, ""),
        ("absent_subscriber", "The phone was off or out of reach."),
        ("smtp_550", "smtp_550 (the provider's own word)"),
    ],
)
def test_a_messages_reason_in_words(code: str | None, says: str) -> None:
    assert reasons.message_says(code) == says


@pytest.mark.parametrize(
    ("code", "gateway", "says"),
    [
        (None, "notify", ""),
        ("too-late", "notify", "too-late: Its latest start time has passed. Is the message still correct? "
         "Resume or cancel."),
        ("template-unknown", "notify", "template-unknown: what it means, and what to do: "
         "cohort help template-unknown."),
        ("gateway-moved", "http-sms", "gateway-moved: The provider answers from another address. Correct "
         "sms.url; resume."),
        ("gateway-moved", "notify", "gateway-moved: The provider answers from another address. Correct "
         "gateways.notify.url; resume."),
    ],
)  # fmt: skip
def test_a_campaigns_reason_in_words(code: str | None, gateway: str, says: str) -> None:
    assert reasons.campaign_says(code, gateway) == says


def test_a_halt_names_no_setting_of_another_gateway() -> None:
    """sms.url is not to be corrected where a campaign goes by gateways.notify."""
    for code in reasons.CAMPAIGN:
        says = reasons.campaign_says(code, "notify")
        assert not re.search(r"\b(sms|email)\.|\{", says), says

"""The tables of providers' answers: they are docs, every rule can be reached, and codes are ours."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from clinic.gateway.http.rules import Rule, find_rule, rules_table
from clinic.message.network_reasons import REASONS
from clinic.message.outcomes.reasons import CAMPAIGN

DOCS = (Path(__file__).parents[4] / "docs" / "gateways.md").read_text(encoding="utf-8")
PROVIDERS = ("http.govuk_notify", "http.nhs_notify", "http.twilio", "http.sns", "voice.twilio")


def rules_of(provider: str) -> tuple[Rule, ...]:
    rules: tuple[Rule, ...] = importlib.import_module(f"clinic.gateway.{provider}").RULES
    return rules


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_table_is_the_one_in_the_docs(provider: str) -> None:
    assert rules_table(rules_of(provider)) in DOCS


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_rule_is_the_first_for_some_answer(provider: str) -> None:
    for rule in rules_of(provider):
        assert (
            find_rule(rules_of(provider), rule.status, rule.code or "other", rule.says) is rule
        ), rule


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_reason_and_halt_is_one_that_people_are_told_of(provider: str) -> None:
    for rule in rules_of(provider):
        assert (rule.becomes == "rejected") == bool(rule.reason), rule
        assert not rule.reason or rule.reason in REASONS, rule
        assert not rule.halt or rule.halt in CAMPAIGN, rule
        assert rule.becomes != "ambiguous" or not rule.halt, rule

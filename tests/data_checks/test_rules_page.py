"""docs/rules.md says what the program does."""

from __future__ import annotations

from clinic.cohort.outcomes import OUTCOMES
from data_checks.eligibility.rules import RULES
from data_checks.rules_page import PAGE, rules_page


def test_the_page_of_rules_is_current() -> None:
    """After a change of a rule: python -m data_checks.rules_page"""
    assert PAGE.read_text(encoding="utf-8") == rules_page()


def test_every_outcome_is_on_the_page_with_what_to_do() -> None:
    """NEW-6: one documented vocabulary."""
    page = rules_page()
    assert [o.code for o in OUTCOMES.values() if f"`{o.code}`" not in page] == []
    assert [o.code for o in OUTCOMES.values() if o.says not in page] == []


def test_the_rules_stand_on_the_page_in_their_order() -> None:
    page = rules_page()
    places = [page.index(f"| `{rule.code}` |") for rule in RULES]
    assert places == sorted(places)


def test_every_rule_has_an_outcome_of_its_own() -> None:
    codes = [rule.code for rule in RULES]
    assert len(set(codes)) == len(codes)
    assert set(codes) <= set(OUTCOMES)

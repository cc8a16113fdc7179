"""
Writes docs/rules.md from the tables themselves, so that what people read is what the program does.

Run it after a change of a rule, an outcome or a ceiling: python -m data_checks.rules_page
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, get_args

from clinic.cohort.columns import ALIASES, REQUIRED
from clinic.cohort.outcomes import AFTER, AT_SENDING, BEFORE, Outcome
from clinic.settings import Gate, Layout
from data_checks.eligibility.rules import EVERY_CHANNEL, RULES, Rule
from data_checks.gate.checks import percent
from data_checks.gate.suites import CEILINGS, FEWEST_FOR_SHARES, MOST_ROWS, Ceiling

PAGE: Final = Path(__file__).parents[1] / "docs" / "rules.md"

_KINDS = {
    "ready": "ready",
    "left_out": "left out",
    "error": "to fix",
    "sent": "sent",
    "failed": "failed",
    "open": "open",
}
_EFFECT = {"critical": "stops the list", "warning": "is shown, the list goes on"}

_TEXT = """\
# Rules: who is left out, and why

<!-- Made by `python -m data_checks.rules_page` from the tables of the program; a test compares them. -->

Every row of a list ends with exactly one outcome: a code for programs, a sentence for people (NEW-6).

## Before sending, in the order in which they count

A row may break several rules; its outcome is the **first** it breaks. Is it a row, and who is it? May
they be messaged at all? Is the template for them? Are they on the list twice? Can they be reached? Is there
something to say, and is it too often? A dead patient on two rows is `patient_dead` on both. A duplicate is a
row that nothing else speaks against, of a patient whom an earlier row messages; its detail says which.

{rules}

Where none is broken the row is `accepted`: {accepted} These are decided later, of accepted rows only:

{later}

## After sending

{after}

A message that was left out, gave up or got no answer has its reason as the detail. The rules about the patient
are asked again at the moment of sending, and of an opt-out the detail says which decision it was:
"opted out of SMS on 3 March 2026 by reply" (NEW-5). These reasons are of messages alone:

{why}

## The list as a whole

Only a wrong list is stopped: wrong columns, the wrong patients, dates of birth that differ, ids that
nobody knows, addresses that are nobody's. Rows without a number, an address or a variable are left out
one by one, and the others are messaged. All rows are judged first, then how many broke which rule; when a
check stops the list, nothing is staged and nothing is sent. Below {fewest} rows shares say nothing and are
not judged. A list has 1 to {most:,} rows. A check that could not be carried out stops the list, whatever
its severity. Who is sure that the list is right says so with their name and a reason
(`cohort message … --override-gate REASON`); rows that are left out stay left out.

{ceilings}

Where a share may, it is a setting (`[gate]` in cohort.toml). A list of which every row is left out or
in error is shown as such, and goes on: nobody is messaged.

## Columns that a list must have

Matched by name in any order, whatever their case, spaces, `_` and `-`.

{layouts}
"""


def rules_page() -> str:
    """The page as it should be."""
    judged = {rule.code for rule in RULES}
    later = [o for o in BEFORE.values() if o.code not in judged and o.code != "accepted"]
    why = [reason for code, reason in AT_SENDING.items() if code not in BEFORE]
    return _TEXT.format(
        rules=_table(("No.", "Outcome", "Kind", "Channels", "What to do"), _rule_rows(RULES)),
        accepted=BEFORE["accepted"].says,
        later=_table(("Outcome", "Kind", "What to do"), map(_outcome_row, later)),
        after=_table(("Outcome", "Kind", "What it means"), map(_outcome_row, AFTER.values())),
        why=_table(("Reason", "Kind", "What it means"), map(_outcome_row, why)),
        ceilings=_table(("Rows that …", "At most", "More", "What to do"), map(_ceiling, CEILINGS)),
        layouts=_table(("Layout", "Columns"), map(_layout_row, get_args(Layout))),
        fewest=FEWEST_FOR_SHARES,
        most=MOST_ROWS,
    )


def _rule_rows(rules: Sequence[Rule]) -> Iterable[tuple[str, ...]]:
    for place, rule in enumerate(rules, start=1):
        code, kind, says = _outcome_row(BEFORE[rule.code])
        every = rule.channels == EVERY_CHANNEL
        yield str(place), code, kind, "all" if every else ", ".join(sorted(rule.channels)), says


def _outcome_row(outcome: Outcome) -> tuple[str, ...]:
    return f"`{outcome.code}`", _KINDS[outcome.kind], outcome.says


def _ceiling(ceiling: Ceiling) -> tuple[str, ...]:
    allowed = ceiling.allowed(Gate())
    share = percent(allowed) if allowed else "none"
    return ceiling.what, share, _EFFECT[ceiling.severity], ceiling.do


def _layout_row(layout: Layout) -> tuple[str, ...]:
    ways = (", ".join(ALIASES[field][0][0] for field in fields) for fields in REQUIRED[layout])
    return f"`{layout}`", "; or ".join(ways)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(rules_page(), encoding="utf-8")

"""How a campaign's end looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cli import console
from clinic.cohort.outcomes import AFTER, BEFORE, OUTCOMES
from clinic.message.outcomes.summary import Summary
from clinic.values.text import counted


def show_summary(summary: Summary, *, not_accepted: Path) -> None:
    """The verdict, what became of the messages, and how quick it was; all rows are accounted for."""
    colour = {"OK": "green", "Error": "red"}.get(summary.verdict, "yellow")
    what = "Dry run" if summary.dry_run else "Campaign"
    console.say(
        f"\n[bold]{what} {summary.campaign_id}: [{colour}]{summary.status}[/][/], "
        f"{', '.join(_figures(summary))}"
    )
    counts = sorted(summary.outcomes.items(), key=lambda item: -item[1])
    left_out = sum(rows for code, rows in counts if code in BEFORE)
    rows = [(rows, code, OUTCOMES[code].says) for code, rows in counts if code in AFTER]
    where = f"Each with its reason in {not_accepted}" if left_out else ""
    rows.append((left_out, "not accepted", where))
    of = f"The list is as of {summary.as_of}" if summary.as_of else ""
    rows.append((summary.rows, "rows in all", of))
    console.show_table("Outcomes", ["Rows", "Outcome", "What to do"], rows, right=(0,))
    if summary.says_gateways:
        console.say(summary.says_gateways)
    for says in summary.says_channels:
        console.say(says)


def _figures(summary: Summary) -> Iterator[str]:
    """How much and how quick; nothing of a speed where nothing was sent yet."""
    yield counted(summary.messages, "message") + (" (nothing was sent)" if summary.dry_run else "")
    if summary.segments:
        yield counted(summary.segments, summary.unit)
    if summary.rate:
        speed = f", {summary.rate:,.0f} a second" if summary.rate >= 1 else ""
        yield f"{summary.seconds:,.1f} s{speed}"

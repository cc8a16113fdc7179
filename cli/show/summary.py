"""How a campaign's end looks."""

from __future__ import annotations

from pathlib import Path

from cli import console
from clinic.cohort.outcomes import AFTER, BEFORE, OUTCOMES
from clinic.message.summary import Summary


def show_summary(summary: Summary, *, not_accepted: Path) -> None:
    """The verdict, what became of the messages, and how quick it was; all rows are accounted for."""
    colour = {"OK": "green", "Error": "red"}.get(summary.verdict, "yellow")
    what = "Rehearsal" if summary.dry_run else "Campaign"
    segments = f"{summary.segments:,} segments, " if summary.segments else ""
    console.say(
        f"\n[bold]{what} {summary.campaign_id}: [{colour}]{summary.verdict}[/][/], "
        f"{summary.messages:,} messages{' (nothing left)' if summary.dry_run else ''}, {segments}"
        f"{summary.seconds:,.1f} s, {summary.rate:,.0f} a second"
    )
    counts = sorted(summary.outcomes.items(), key=lambda item: -item[1])
    left_out = sum(rows for code, rows in counts if code in BEFORE)
    rows = [(rows, code, OUTCOMES[code].says) for code, rows in counts if code in AFTER]
    where = f"Each with its reason in {not_accepted}" if left_out else ""
    rows.append((left_out, "not accepted", where))
    rows.append((summary.rows, "rows in all", ""))
    console.show_table("Outcomes", ["Rows", "Outcome", "What to do"], rows, right=(0,))

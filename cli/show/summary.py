"""How a campaign's end looks."""

from __future__ import annotations

from pathlib import Path

from cli import console
from cli.show.campaign import show_counts
from clinic.message.summary import Summary


def show_summary(summary: Summary, *, not_accepted: Path) -> None:
    """The verdict, the counts that add up to the rows, and how quick it was."""
    colour = {"OK": "green", "Error": "red"}.get(summary.verdict, "yellow")
    what = "Rehearsal" if summary.dry_run else "Campaign"
    console.say(
        f"\n[bold]{what} {summary.campaign_id}: [{colour}]{summary.verdict}[/][/], "
        f"{summary.messages:,} messages, {summary.segments:,} segments, "
        f"{summary.seconds:,.1f} s, {summary.rate:,.0f} a second"
    )
    show_counts(dict(sorted(summary.outcomes.items(), key=lambda item: -item[1])))
    console.say(f"Not messaged, with what to do about each: {not_accepted}")

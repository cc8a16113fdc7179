"""How the review looks: accepted, not accepted and why, what it costs, what it will say."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.markup import escape
from rich.panel import Panel

from cli import console
from cli.wiring import LocalTime
from clinic.cohort.outcomes import OUTCOMES
from clinic.message.estimate import Estimate
from clinic.message.review import Preview, Review


def show_review(review: Review, previews: list[Preview], *, not_accepted: Path | None) -> None:
    """Everything that a person confirms, on one screen."""
    out = console.err()
    what = "Rehearsal" if review.dry_run else "Campaign"
    out.print(f"\n[bold]{what} {review.campaign_id}[/]: {escape(review.list_name)}")
    out.print(f"  {review.rows:>9,} rows in the list")
    out.print(f"  [green]{review.accepted:>9,} accepted[/]: one message each, by {review.channel}")
    left_out = sum(review.not_accepted.values())
    out.print(f"  [yellow]{left_out:>9,} not accepted[/]")
    for code, rows in review.not_accepted.items():
        out.print(f"  {rows:>9,} [dim]{code}: {OUTCOMES[code].says}[/]")
    if left_out and not_accepted:
        out.print(f"            [dim]listed in[/] {escape(str(not_accepted))}")
    _show_cost(review)
    out.print("  [dim]Sending goes on in the background: it may take up to one hour.[/]")  # ARC-7
    show_previews(previews)
    for warning in review.warnings:
        out.print(f"[bold yellow]Warning[/] {warning.code}: {escape(warning.says)}")


def show_time(said: Estimate, time: LocalTime) -> None:
    """When it starts, and when it ends at the pace and hours of the settings (NEW-4, ACX-30)."""
    out = console.err()
    out.print(f"  Starts {time.show(said.starts) or 'never: its channel has no open hours'}")
    out.print(
        f"  Ends about {time.show(said.ends) or 'never in a year: see the pace and the hours'}"
    )
    if said.a_day is not None:
        out.print(f"  About {said.a_day:,} patients a day")
    if said.ahead:
        out.print(f"  [dim]{said.ahead:,} messages of other campaigns go before it[/]")


def _show_cost(review: Review) -> None:
    if review.channel != "sms":
        return
    out, letters = console.err(), review.letters
    price = f", {review.cost:,.2f} in all" if review.cost else ""
    out.print(f"  {letters.segments:>9,} segments{price}")
    if more := letters.segments - letters.without:
        out.print(
            f"            [dim]{more:,} of them because {letters.messages:,} messages have letters "
            "outside the phones' alphabet, as in Siân or Gŵyr[/]"
        )


def show_previews(previews: list[Preview]) -> None:
    """Messages as they would leave, a frame each."""
    out = console.err()
    for preview in previews:
        title = f"Row {preview.row_number}"
        if preview.segments:  # only a text has any
            title += f" · {preview.segments} segment(s), {preview.encoding}"
        text = escape("\n\n".join(filter(None, (preview.subject, preview.body))))
        if out.is_terminal:
            out.print(
                Panel(text, title=title, title_align="left", box=box.ROUNDED, width=min(out.width, 80))
            )  # fmt: skip
        else:
            out.print(f"{title}\n  {text}")

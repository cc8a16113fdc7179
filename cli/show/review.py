"""How the review looks: accepted, not accepted and why, what it costs, what it will say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich import box
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from cli import console
from cli.wiring import LocalTime
from clinic.cohort.outcomes import OUTCOMES
from clinic.gateway.credit import Credit
from clinic.gateway.voice.spoken import CHARGED, SPOKEN, unit_of
from clinic.message.campaign.said import Said
from clinic.message.prepare.review import Preview, Review
from clinic.message.template.sensitive import notices
from clinic.message.template.typography import say_rewritten
from clinic.message.timing.estimate import Estimate

# ARC-7
OUTBOX = "The messages are kept in the outbox, not sent: nobody gets one, and the record says so."
BACKGROUND = "  [dim]Sending goes on in the background: it may take up to one hour.[/]"


def show_review(review: Review, previews: Sequence[Preview], *, not_accepted: Path | None) -> None:
    """Everything that a person confirms, on one screen."""
    out = console.err()
    what = "Dry run" if review.dry_run else "Campaign"
    out.print(f"\n[bold]{what} {review.campaign_id}[/]: {escape(review.list_name)}")
    show_lines(_lines(review, not_accepted))
    if review.outbox:
        out.print(f"  [yellow]{OUTBOX}[/]")
    for says in (*review.document, *review.fallback, *review.way):
        out.print(f"  [yellow]{escape(says)}[/]")
    if review.accepted and not review.dry_run:
        out.print(BACKGROUND)
    show_said(review.said)
    if previews:  # named on a screen alone, as in the messages
        show_missing(review)
    for one in review.differences:
        out.print(f"  Row {one.row_number}: {one.listed} on the list, {one.recorded} on the record")
    if review.override and review.override.applied:
        out.print(f"  Reason of {escape(review.override.by)}: {escape(review.override.reason)}")
    show_previews(previews)
    show_warnings(review)


def show_together(says: str) -> None:
    """That several runs are to send it; nothing where its own does."""
    if says:
        console.say(f"  {escape(says)}")


def show_credit(credit: Credit | None) -> None:
    """COM-14: whether the credit at the gateway suffices; nothing where it tells none."""
    if credit is not None:
        console.say(f"  [{credit.light}]{escape(credit.says)}[/]")


def show_whom_it_lacks(review: Review) -> None:
    """
    That it is a recall, and who is eligible and not on the list (NEW-31); who is reached by another channel.
    Nothing where none of them is asked.
    """
    for says in review.fallback:
        console.say(f"  {escape(says)}")
    show_lines(_recall(review))
    show_said(one for one in review.said if one.code.startswith("coverage"))
    show_missing(review)


def show_missing(review: Review) -> None:
    """Some who are eligible and not on the list."""
    if review.missing:
        console.say(f"  Not on the list, for example: {escape(', '.join(review.missing))}")


def show_warnings(review: Review) -> None:
    """What must be minded at every send (PAT-28, ACX-23, COM-4); what in the text looks sensitive."""
    for notice in notices(review.channel):
        console.err().print(f"[bold]Please note[/] {notice}")
    for warning in review.warnings:
        console.err().print(f"[bold yellow]Warning[/] {warning.code}: {escape(warning.says)}")


def show_said(said: Iterable[Said]) -> None:
    """What was left out of the list or found of it as a whole."""
    for one in said:
        count = "" if one.count is None else f" {one.count:,}"
        where = f" ({one.where})" if one.where else ""
        console.err().print(
            f"[bold yellow]The list[/] {one.code}{count}: {escape(one.says)}{escape(where)}"
        )


def show_lines(lines: Iterable[tuple[str, str]]) -> None:
    """A number and what it is of, a line each; a sentence that is too long goes on under itself."""
    for number, says in lines:
        table = Table.grid(padding=(0, 1))
        table.add_column(justify="right", width=11)
        table.add_column()
        table.add_row(number, says)
        console.err().print(table)


def _lines(review: Review, not_accepted: Path | None) -> Iterator[tuple[str, str]]:
    yield f"{review.rows:,}", f"rows in the list, as of {review.as_of}"
    if review.asked_again:
        yield "", "[dim]who no longer matches when their message is sent gets none (cohort_left)[/]"
    yield from judged(review, not_accepted)
    if review.purpose:
        yield "", f"[dim]for {escape(review.purpose)}[/]"
    yield from _recall(review)


def _recall(review: Review) -> Iterator[tuple[str, str]]:
    if review.recall:
        yield "", f"a recall: {escape(review.recall.says)}"
        yield f"{review.at_once:,}", "follow-ups as soon as it is sent: nothing can reach them"


def judged(review: Review, listed_in: Path | None = None) -> Iterator[tuple[str, str]]:
    """How many are accepted, how many are not and why, and what it costs."""
    left_out = sum(review.not_accepted.values())
    yield (
        f"[green]{review.accepted:,}[/]",
        f"[green]accepted[/]: one message each, by {review.channel}",
    )
    for code, rows in review.became.items():
        if code != "waiting":  # a review of what was released already: what became of them
            yield f"{rows:,}", f"[dim]of these {code}: {OUTCOMES[code].says}[/]"
    yield f"[yellow]{left_out:,}[/]", "[yellow]not accepted[/]"
    yield from not_accepted(review)
    if left_out and listed_in:
        yield "", f"[dim]listed in[/] {escape(str(listed_in))}"
    yield from _cost(review)


def not_accepted(review: Review) -> Iterator[tuple[str, str]]:
    """How many rows get no message, reason by reason."""
    for code, rows in review.not_accepted.items():
        yield f"{rows:,}", f"[dim]{code}: {OUTCOMES[code].says}[/]"


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


def _cost(review: Review) -> Iterator[tuple[str, str]]:
    if review.channel not in CHARGED:
        return
    yield from _rewritten(review)
    letters = review.letters
    price = f", {review.cost:,.2f} in all" if review.cost else ""
    yield f"{letters.segments:,}", f"{unit_of(review.channel)}s{price}"
    if more := letters.segments - letters.without:
        yield (
            "",
            f"[dim]{more:,} of them because {letters.messages:,} messages have characters outside the "
            "GSM alphabet, as in Siân or Gŵyr[/]",
        )


def _rewritten(review: Review) -> Iterator[tuple[str, str]]:
    """What was changed in the texts so that they fit the GSM alphabet."""
    for sentence in say_rewritten(review.rewritten):
        yield "", f"[dim]{escape(sentence)}[/]"


def show_previews(previews: Sequence[Preview]) -> None:
    """Messages as they would leave, a frame each."""
    out = console.err()
    for preview in previews:
        title = f"Row {preview.row_number} · to {escape(preview.address)}"
        if preview.segments:  # only a text or a call has any
            unit = "minute" if preview.encoding == SPOKEN else "segment"
            title += f" · {preview.segments} {unit}(s), {preview.encoding}"
        text = escape("\n\n".join(filter(None, (preview.subject, preview.body))))
        if out.is_terminal:
            out.print(
                Panel(text, title=title, title_align="left", box=box.ROUNDED, width=min(out.width, 80))
            )  # fmt: skip
        else:
            out.print(f"{title}\n  {text}")

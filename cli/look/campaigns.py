"""`cohort campaigns`, `cohort show`, `cohort outcomes`: what became of what was sent."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import console
from cli.harmless import harmless_out
from cli.looks.noting import looked
from cli.options import CampaignNumber, Json, Newest
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.message.outcomes.report import CampaignLine


def campaigns(
    limit: Newest = 20,
    json: Json = False,
) -> None:
    """
    Every campaign, newest first: when, who, the first line, how, to whom, and the verdict.

    OK: everyone who was to be messaged was reached; beside it how many rows were not accepted. Error:
    messages failed or are unknown, or more of the list is wrong than the settings accept.
    Other words are states: checking, running, paused, refused, cancelled …
    Of a dry run nothing was sent: OK says that it would have been.
    """
    from clinic.clock import SystemClock
    from clinic.message.outcomes.report import list_campaigns
    from clinic.message.timing.estimate import starts_at
    from clinic.message.timing.timing import timing_of
    from tasks.prefect.sending_queue import PAUSED_SAYS, is_paused
    from tasks.processes.environment import runs_address

    settings = get_settings()
    with open_record(settings) as record:
        lines = list_campaigns(
            record, limit=limit, accepted_errors=settings.release.accepted_errors
        )
        timing, now = timing_of(settings), SystemClock().now()
        starts = {line.id: starts_at(record, line.id, timing, now) for line in lines if line.waits}
    if json:
        return console.show_json([asdict(line) for line in lines])
    show = LocalTime(settings).show
    if is_paused(settings):
        console.say(f"[yellow]{PAUSED_SAYS}[/]")
    console.show_table(
        "Campaigns",
        ["No", "Date", "Sender", "First line", "By", "List", "Rows", "Status"],
        [
            (
                line.id, show(line.at), line.sender, line.first_line, line.channel, line.list_name,
                line.rows, _status(line, show(starts.get(line.id))),
            )
            for line in lines
        ],
        right=(0, 6),
    )  # fmt: skip
    if lines:
        console.say(f"The runs of the newest, in Prefect: {runs_address(settings, lines[0].id)}")
    console.next_commands(f"cohort show {lines[0].id}" if lines else "cohort message --help")


def _status(line: CampaignLine, starts: str) -> str:
    goes_on = "starts" if line.state != "running" else "goes on"
    when = f", {goes_on} {starts}" if starts else ""
    return line.status + when + (" (dry run)" if line.dry_run else "")


def show(
    campaign: CampaignNumber,
    errors_only: Annotated[
        bool, typer.Option("--errors-only", help="Only patients with errors, a row each.")
    ] = False,
    log: Annotated[
        bool,
        typer.Option("--log", help="What its runs did, step by step, as Prefect's log has it."),
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most rows with --errors-only.")] = 50,
    json: Json = False,
) -> None:
    """
    One campaign: what was asked for, and how many rows of its list ended how. Counts add up.

    With --errors-only: the rows that ended in error, with the code and what to do. With --log: what was loaded,
    refused, checked, waited for, sent and saved, step by step, told from the record.
    """
    if log and errors_only:
        raise typer.BadParameter("name one of --errors-only and --log")
    from cli.show.campaign import show_details, show_error_rows
    from clinic.clock import SystemClock
    from clinic.message.campaign.sending_stop import is_kept_back
    from clinic.message.incoming.resolve_unknown import may_ask
    from clinic.message.outcomes.next_steps import next_steps
    from clinic.message.outcomes.report import show_campaign
    from clinic.message.sending.beside import says_together
    from clinic.message.timing.estimate import starts_at
    from clinic.message.timing.timing import timing_of
    from tasks.processes.environment import runs_address

    settings = get_settings()
    now = SystemClock().now()
    with open_record(settings) as record:
        details = show_campaign(
            record, campaign, accepted_errors=settings.release.accepted_errors,
            today=LocalTime(settings).today(), now=now, settings=settings,
        )  # fmt: skip
        starts = starts_at(record, campaign, timing_of(settings), now)
        stopped, askable = is_kept_back(record, campaign), may_ask(record, campaign, now)
        if errors_only:
            show_error_rows(record, settings, campaign, limit=limit, json=json)
        elif log:
            from cli.show.story import show_story

            show_story(record, settings, campaign, json=json)
        elif json:
            console.show_json({**asdict(details), "runs": runs_address(settings, campaign)})
        else:
            runs = runs_address(settings, campaign)
            together = says_together(record, campaign)
            show_details(details, LocalTime(settings), starts=starts, runs=runs, together=together)
    if not json:
        steps = next_steps(
            campaign, details.state, details.counts,
            resendable=details.resendable, waits=starts is not None,
            stopped=stopped, askable=askable,
            approved=details.decision is not None and details.decision.approved,
        )  # fmt: skip
        if details.recall and details.recall.open:
            steps = [f"cohort follow-ups --campaign {campaign}", *steps]
        here = f"cohort show {campaign}" + (" --errors-only" if errors_only else "")
        console.next_commands(*(step for step in steps if step != here))


def outcomes(
    campaign: CampaignNumber,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Where to write them; - for the screen.")
    ] = None,
    for_coding: Annotated[
        Path | None,
        typer.Option(
            "--for-coding",
            metavar="FOLDER",
            help="Instead: files of ids for the batch coding of EMIS or SystmOne, into a new folder.",
        ),
    ] = None,
    codes: Annotated[
        list[str] | None,
        typer.Option(
            "--code", help="With --for-coding: instead of the campaign's SNOMED CT codes."
        ),
    ] = None,
    only: Annotated[
        Literal["all", "not_accepted", "not_messaged", "errors"],
        typer.Option(help="not_accepted: left out before sending; errors: of any kind."),
    ] = "all",
    with_file: Annotated[
        Path | None,
        typer.Option(
            "--with", metavar="FILE", help="The list's own file, unchanged: with all its columns."
        ),
    ] = None,
) -> None:
    """
    What became of every row of the list: its columns, then the code, what to do, and details.

    Only columns that were needed are kept: --with joins the file that was imported, row by row, as long as it
    is the same to the byte.

    The file holds patient data: keep it where the list itself may be kept. Cells that a spreadsheet
    would run as a formula are made safe.

    --for-coding writes a file for each SNOMED CT code and day, of at most 250 NHS numbers and dates of birth,
    and a summary: whom the message reached, and who opted out since. Who is left out is counted there, by why.
    """
    if (csv is None) == (for_coding is None):
        raise typer.BadParameter("name one of --csv FILE and --for-coding FOLDER")
    if for_coding is not None:
        return _for_coding(campaign, for_coding, codes or [])
    assert csv is not None
    from clinic.govern.access.look import at_all
    from clinic.message.outcomes.joined import original_of
    from clinic.message.outcomes.outcome_rows import count_rows, write_outcomes
    from clinic.record.private import open_private

    settings = get_settings()
    zone = LocalTime(settings).zone
    with open_record(settings) as record:
        scheme = settings.organisation.id_scheme
        own = original_of(record, campaign, with_file, scheme=scheme) if with_file else None
        looked(record, settings, at_all("campaign", campaign, count_rows(record, campaign, only)))
        if str(csv) == "-":
            write_outcomes(record, campaign, harmless_out(), only=only, zone=zone, original=own)
            return
        with open_private(csv) as file:
            count = write_outcomes(record, campaign, file, only=only, zone=zone, original=own)
    console.say(f"{count:,} rows written to {csv}")
    console.next_commands(f"cohort show {campaign}")


def _for_coding(campaign: int, folder: Path, codes: list[str]) -> None:
    """Write the files, and say what each is and who is left out."""
    from clinic.govern.access.look import at_all
    from clinic.message.outcomes.coding import SUMMARY, write_coding
    from clinic.message.outcomes.outcome_rows import count_rows

    settings = get_settings()
    with open_record(settings) as record:
        looked(record, settings, at_all("campaign", campaign, count_rows(record, campaign, "all")))
        made = write_coding(
            record, campaign, folder, zone=LocalTime(settings).zone,
            confirmed=settings.receipts.channels, codes=codes,
        )  # fmt: skip
    console.show_table(
        f"For coding: {folder}",
        ["File", "SNOMED CT code", "Date to code", "Patients"],
        [(one.name, one.code, f"{one.day:%-d %b %Y}", one.rows) for one in made.files],
        right=(3,),
    )
    left_out = "; ".join(f"{count:,} {why}" for why, count in sorted(made.left_out.items()))
    console.say(
        f"{made.coded:,} of {made.rows:,} rows of the list are coded"
        + (f"; left out: {left_out}" if left_out else "")
        + f". The same is in {folder / SUMMARY}."
    )
    console.next_commands(f"cohort show {campaign}")

"""`cohort message`: review a list, then send to everyone in it who may be messaged."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.options import (
    HOW,
    WHAT,
    WHO,
    Accept,
    AcceptWarnings,
    Covers,
    DryRun,
    JsonResult,
    Keep,
    ListName,
    Outbox,
    OverrideGate,
    QuerySource,
    Workers,
    by_channel,
    send_unasked,
)
from cli.proof import Me, SecretFd
from cli.times import day, time


def message(
    file: Annotated[
        Path | None,
        typer.Argument(help="A list: CSV, TSV, .xlsx, .xls, .ods or Parquet.", rich_help_panel=WHO),
    ] = None,
    group: Annotated[str | None, typer.Option(help="A group's code.", rich_help_panel=WHO)] = None,
    status: Annotated[
        str | None, typer.Option(help="Filter: patients of this status.", rich_help_panel=WHO)
    ] = None,
    facility: Annotated[
        str | None, typer.Option(help="Filter: of this facility.", rich_help_panel=WHO)
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Filter: of this provider.", rich_help_panel=WHO)
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            metavar="DAY",
            parser=day,
            help="Filter: registered then or later.",
            rich_help_panel=WHO,
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to",
            metavar="DAY",
            parser=day,
            help="Filter: registered then or earlier.",
            rich_help_panel=WHO,
        ),
    ] = None,
    ids_from: Annotated[
        Path | None,
        typer.Option(
            help="NHS numbers or own ids from a file; - to paste them.", rich_help_panel=WHO
        ),
    ] = None,
    list_id: Annotated[
        int | None,
        typer.Option("--list", help="A list imported before: cohort list ls.", rich_help_panel=WHO),
    ] = None,
    source: QuerySource = None,
    query: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Those whom a query of a source gives: the name of its file, without .sql.",
            rich_help_panel=WHO,
        ),
    ] = None,
    resume: Annotated[
        int | None,
        typer.Option(metavar="CAMPAIGN", help="Carry on with this campaign.", rich_help_panel=WHO),
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            metavar="DAY",
            parser=day,
            help="Of what day the file is, if nothing in it says so; one older than freshness.days stops.",
            rich_help_panel=WHO,
        ),
    ] = None,
    keep: Keep = None,
    name: ListName = "",
    template: Annotated[
        str | None,
        typer.Option(help="A template's key: cohort templates list.", rich_help_panel=WHAT),
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="Free text instead of a template.", rich_help_panel=WHAT)
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="Subject of the free text, for e-mail.", rich_help_panel=WHAT),
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option(
            help="What the free text is for: care, administration, recall, feedback, research or marketing. "
            "Who objected to that gets none: cohort purposes.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    channel: Annotated[Literal["sms", "email", "voice"], by_channel(WHAT)] = "sms",
    snomed: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE",
            help="SNOMED CT code to save with it; repeatable.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    save_when: Annotated[
        Literal["as set", "sent", "delivered"],
        typer.Option(help="When it is written to the record.", rich_help_panel=WHAT),
    ] = "as set",
    no_save: Annotated[
        bool, typer.Option("--no-save", help="Do not save to the record.", rich_help_panel=WHAT)
    ] = False,
    recall_by: Annotated[
        datetime | None,
        typer.Option(
            metavar="DAY",
            parser=day,
            help="Makes it a recall: by when patients should have answered. Who was not reached, or has not "
            "answered then, is listed: cohort follow-ups.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(help="Team or operator of the recall's follow-ups.", rich_help_panel=WHAT),
    ] = None,
    recall_code: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE",
            help="SNOMED CT code that is an answer to the recall; repeatable.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    covers: Covers = None,
    attach: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A document for all of them, PDF, PNG or JPEG to 5 MB: each message leads to it by a link, "
            "which is opened with the patient's date of birth.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            metavar="TIME",
            parser=time,
            help="Send later: 2026-12-05 09:00 or 05/12/2026 09:00, in the organisation's time zone.",
            rich_help_panel=HOW,
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=60, help="Spread over so many days.", rich_help_panel=HOW),
    ] = None,
    per_hour: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Send no more than this in an hour, so that the practice can answer those who call.",
            rich_help_panel=HOW,
        ),
    ] = None,
    fallback: Annotated[
        Literal["as set", "off", "sms", "email", "voice"],
        typer.Option(
            help="By which channel whoever the first cannot reach is messaged: at once without a number or "
            "address, later if a message proves undeliverable. as set: channels.CHANNEL.fallback.",
            rich_help_panel=HOW,
        ),
    ] = "as set",
    fallback_after: Annotated[
        int | None,
        typer.Option(
            metavar="HOURS",
            min=1,
            max=168,
            help="With --fallback: so long after a message that proves undeliverable. None: as set.",
            rich_help_panel=HOW,
        ),
    ] = None,
    fallback_template: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="With --fallback: what is sent then, if not the same template.",
            rich_help_panel=HOW,
        ),
    ] = None,
    workers: Workers = None,
    dry_run: DryRun = False,
    outbox: Outbox = False,
    preview: Annotated[
        int, typer.Option(metavar="N", help="Show N messages and stop.", rich_help_panel=HOW)
    ] = 0,
    row: Annotated[
        int | None,
        typer.Option(help="Show the message of this row and stop.", rich_help_panel=HOW),
    ] = None,
    sound: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --channel voice: write the first message shown as a call says it, WAV, and stop.",
            rich_help_panel=HOW,
        ),
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Send it although this list, or its patients, had it before.",
            rich_help_panel=HOW,
        ),
    ] = False,
    yes: Annotated[bool, send_unasked(HOW)] = False,
    accept_warnings: AcceptWarnings = False,
    override_gate: OverrideGate = None,
    accept: Accept = None,
    json: JsonResult = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Message everyone in a list, a group, a filter or pasted ids who may be messaged.

    First the review: who is accepted, who is not and why, what it costs, three messages as they will be
    sent. Nothing is sent before you say yes. Killed or interrupted, it carries on with --resume.

    [bold]Examples[/]

      cohort message flu.csv --name "Flu 2026" --template flu-invite

      cohort message --group young-mothers --name "Baby clinic" --text "No clinic on Friday." \
        --purpose administration

      cohort message smears.csv --name "Smears" --template smear-recall --recall-by 31/01/2027 --owner reception

      cohort message flu.csv --name "Flu 65" --template flu-invite --covers group:flu-65

      cohort message --source warehouse --query flu-due --name "Flu 2026" --template flu-invite

      cohort message flu.csv --name "Flu 2026" --template flu-invite --fallback email --fallback-after 24

      cohort message --status active --facility F1 --name "Newsletter" --template news --channel email

    A DAY is 2026-03-31 or 31/03/2026.

    Exit codes: 0 all sent · 2 refused, nothing was sent · 3 not confirmed, nothing was sent · 4 work remains or
    delivery status unknown.
    """
    from cli import console
    from cli.message.options import Manner, What, Who
    from cli.message.session import message_cohort

    then = message_cohort(
        Who(
            file,
            group,
            status,
            facility,
            provider,
            since,
            until,
            ids_from,
            list_id,
            resume,
            as_of,
            keep=tuple(keep or ()),
            source=source,
            query=query,
        ),
        What(
            name,
            template,
            text,
            subject,
            channel,
            snomed or [],
            save_when,
            not no_save,
            recall_by,
            owner,
            recall_code or [],
            covers or [],
            purpose,
            attach,
        ),
        Manner(
            dry_run,
            preview,
            row,
            again,
            yes,
            accept_warnings,
            json,
            start,
            days,
            outbox,
            override_gate,
            tuple(accept or ()),
            per_hour=per_hour,
            workers=workers,
            fallback=fallback,
            fallback_after=fallback_after,
            fallback_template=fallback_template,
            sound=sound,
            me=me,
            secret_fd=secret_fd,
        ),
    )
    console.next_commands(*then)

"""`cohort patient` and `cohort report`: the outreach card and the Outreach Report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from cli import console
from cli.harmless import harmless_out
from cli.looks.noting import looked, why
from cli.options import Json, PatientId, WhyLook
from cli.times import day
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.message.outcomes.outreach import Sent

Word = Literal["Pending", "Sent Successfully", "Send Failed", "Kept in the outbox, not sent"]


def patient(
    known_as: PatientId,
    reason: WhyLook = "",
    json: Json = False,
) -> None:
    """
    One patient's outreach card: every message ever sent to them, newest first.

    Status is one of three words: Pending (sent, awaiting the delivery receipt), Sent Successfully, Send
    Failed (with what the gateway said). Messages that are still to be sent stand apart, with their date.
    """
    from clinic.clock import SystemClock
    from clinic.govern.access.look import at_patient
    from clinic.message.outcomes.outreach import find_patient, list_waiting, outreach_card
    from clinic.message.timing.estimate import starts_at
    from clinic.message.timing.timing import timing_of

    settings, asked = get_settings(), why(reason)
    with open_record(settings) as record:
        with record.read() as connection:
            who = find_patient(connection, known_as)
        card, waiting = outreach_card(record, who), list_waiting(record, who)
        timing, now = timing_of(settings), SystemClock().now()
        starts = {w.campaign_id: starts_at(record, w.campaign_id, timing, now) for w in waiting}
        looked(record, settings, at_patient(who), reason=asked)
    if json:
        return console.show_json([_as_json(sent) for sent in card])
    show = LocalTime(settings).show
    console.show_table(
        f"Outreach card: {len(card)} messages",
        ["Sent", "By", "Address", "Message", "Status", "Error", "Campaign"],
        [
            (show(s.sent_at), s.channel, s.address, s.text, s.status, s.error, s.campaign_id)
            for s in card
        ],
    )
    if waiting:
        console.show_table(
            f"Not sent yet: {len(waiting)} messages",
            ["Starts", "By", "Address", "Message", "Campaign"],
            [
                (
                    show(w.not_before or starts[w.campaign_id]) or w.campaign_state,
                    w.channel,
                    w.address,
                    w.text,
                    w.campaign_id,
                )
                for w in waiting
            ],
        )
    numbers = [s.campaign_id for s in card] + [w.campaign_id for w in waiting]
    console.next_commands(f"cohort show {numbers[0]}" if numbers else "cohort campaigns")


def report(
    campaign: Annotated[int | None, typer.Option(help="Only of this Bulk Outreach ID.")] = None,
    patient: Annotated[
        str | None, typer.Option(help="Only to this patient: NHS number or the practice's id.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", metavar="DAY", parser=day, help="Sent on this day or later."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--to", metavar="DAY", parser=day, help="Sent on this day or earlier."),
    ] = None,
    status: Annotated[Word | None, typer.Option(help="Only with this status.")] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write a CSV file; - for the screen.")
    ] = None,
    excel: Annotated[
        Path | None, typer.Option("--excel", help="Write an Excel workbook (.xlsx).")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Most messages shown; a file has them all.")
    ] = 100,
    reason: WhyLook = "",
    json: Json = False,
) -> None:
    """
    The Outreach Report: every message that was sent or failed, each with the Bulk Outreach ID of its campaign.

    All filters given must match; a DAY is 2026-03-31 or 31/03/2026. Filtered by --campaign it is
    exactly that campaign's messages.
    """
    from clinic.message.asking.outreach_report import lines_of, look_of
    from clinic.message.campaign.campaign import get_campaign
    from clinic.message.outcomes.outreach import Filter, count_sent, find_patient, list_sent

    if json and str(csv) == "-":
        raise typer.BadParameter("standard output is for one of them: --csv - or --json")

    settings = get_settings()
    time, asked = LocalTime(settings), why(reason) if patient or reason else None
    with open_record(settings) as record:
        with record.read() as connection:
            who = find_patient(connection, patient) if patient else None
            if campaign is not None:
                get_campaign(connection, campaign)  # an unknown one is a slip, and not nobody
        wanted = Filter(campaign, who, time.begin(since), time.end(until), status)
        in_file = excel is not None or csv is not None
        some = [] if in_file and not json else list(islice(list_sent(record, wanted), limit))
        count = count_sent(record, wanted) if in_file else len(some)
        keys = frozenset(sent.patient_id for sent in some) if not in_file else frozenset()
        looked(record, settings, look_of(wanted, count, keys), reason=asked)
        if excel is not None:
            _write_excel(excel, list_sent(record, wanted), time, settings.home)
        if csv is not None:
            _write_file(csv, lines_of(record, wanted, time.show))
        if json or (excel is None and csv is None):
            _show(some, time, limit=limit, json=json)


def _show(some: list[Sent], time: LocalTime, *, limit: int, json: bool) -> None:
    from clinic.message.asking.outreach_report import HEADINGS, cells_of

    if json:
        return console.show_json([_as_json(sent) for sent in some])
    title = f"Outreach Report: {len(some)} messages" + (" shown" if len(some) == limit else "")
    console.show_table(title, HEADINGS, [cells_of(sent, time.show) for sent in some])
    console.next_commands("cohort report --csv outreach.csv", "cohort campaigns")


def _write_excel(path: Path, found: Iterator[Sent], time: LocalTime, home: Path) -> None:
    from clinic.message.asking.outreach_report import HEADINGS, cells_of
    from clinic.record.private import claim, drafts_in
    from clinic.values.workbook import Workbook

    os.close(claim(path))  # a place that cannot be written is told of as such
    with drafts_in(home) as drafts, Workbook(path, drafts=drafts) as book:
        sheet = book.add_sheet("Messages", HEADINGS)
        count = sheet.write((cell or "" for cell in cells_of(sent, time.show)) for sent in found)
    console.say(f"{count:,} messages written to {path}")


def _write_file(path: Path, lines: Iterator[list[str]]) -> None:
    if str(path) == "-":
        _write(harmless_out(), lines)
        return
    from clinic.record.private import open_private

    with open_private(path) as file:
        count = _write(file, lines)
    console.say(f"{count:,} messages written to {path}")


def _write(file: TextIO, lines: Iterator[list[str]]) -> int:
    import csv

    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(next(lines))
    count = 0
    for line in lines:
        writer.writerow(line)
        count += 1
    return count


def _as_json(sent: Sent) -> dict[str, object]:
    found = sent._asdict()
    found["bulk_outreach_id"] = found.pop("campaign_id")
    return found

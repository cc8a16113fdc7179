"""How one campaign looks: what was asked for, its counts, its rows with errors."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from rich import box
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from cli import console
from cli.looks.noting import looked
from cli.wiring import LocalTime
from clinic.cohort.outcomes import OUTCOMES
from clinic.gateway.voice.spoken import unit_of
from clinic.govern.access.look import Look, of_rows
from clinic.message.outcomes.outcome_rows import OutcomeRow, headings, outcome_rows
from clinic.message.outcomes.reasons import campaign_says
from clinic.message.outcomes.report import CampaignDetails
from clinic.record.database import Record
from clinic.settings import Settings


def show_details(
    details: CampaignDetails,
    time: LocalTime,
    *,
    starts: datetime | None,
    runs: str = "",
    together: str = "",
) -> None:
    """
    Facts, the text in a frame, counts by outcome with a sentence each.

    runs: the address of its runs; together: that several are to send it
    """
    line = details.line
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("Bulk Outreach ID", str(line.id)),
        ("Status", line.status + (" (dry run: nothing was sent)" if line.dry_run else "")),
        ("Dry run by" if line.dry_run else "Sent by", f"{line.sender}, {time.show(line.at)}"),
        ("List", f"{line.list_name}, {line.rows:,} rows"),
        ("As of", details.as_of),
        (
            "By",
            line.channel
            + (f", {details.segments:,} {unit_of(line.channel)}s" if details.segments else ""),
        ),
        ("By gateway", details.by_gateway),
        ("By channel", details.by_channel),
        ("Fallback", details.fallback),
        ("Document", details.document),
        ("Template", f"{details.template}, version {details.version}"),
        ("On the record", f"when {details.save_when}" if details.save_when else "not saved"),
        ("SNOMED CT", details.snomed_codes or ""),
        (
            "Starts" if details.released_at is None or line.verdict == "scheduled" else "Goes on",
            time.show(starts),
        ),
        ("Recall", details.recall.says if details.recall else ""),
        ("Coverage", details.coverage),
        ("Why", campaign_says(details.state_reason, details.gateway) or details.trouble),
        ("Tried again", "" if details.state_reason else time.show(details.tried_again)),
        *_answered(details),
        *_decided(details, time),
        (
            "Sends again",
            f"the failures of campaign {details.resend_of}"
            if details.resend_of and not details.follows
            else "",
        ),
        (
            "Follows",
            f"campaign {details.follows}: whom that did not reach" if details.follows else "",
        ),
        ("Corrects", f"campaign {details.corrects}" if details.corrects else ""),
        ("Corrected by", _campaigns(details.corrected_by)),
        ("Ended", time.show(details.finished_at)),
        ("Together", together),
        ("In Prefect", runs),
    ):
        if value:
            facts.add_row(f"[dim]{name}[/]", escape(value))
    out = console.out()
    out.print(facts)
    if out.is_terminal:
        out.print(Panel(escape(details.text), title="Message", title_align="left", box=box.ROUNDED))
    else:
        out.print(escape(details.text))
    show_counts(details.counts)


def _campaigns(numbers: tuple[int, ...]) -> str:
    return f"campaign {', '.join(map(str, numbers))}" if numbers else ""


def _answered(details: CampaignDetails) -> list[tuple[str, str]]:
    """Who let a list pass that its checks stopped, and the reason: it stands in the record alone."""
    found = details.override
    if found is None:
        return []
    return [
        (
            "List let pass by" if found.applied else "Would let it pass",
            f"{found.by}: {found.reason}",
        )
    ]


def _decided(details: CampaignDetails, time: LocalTime) -> list[tuple[str, str]]:
    """Who approved or rejected it, and what they noted: the requester reads it here."""
    found = details.decision
    if found is None:
        return []
    said = "Approved by" if found.approved else "Rejected by"
    return [(said, f"{found.by}, {time.show(found.at)}"), ("Note", found.note or "")]


def show_counts(counts: dict[str, int]) -> None:
    """Rows by outcome, what to do about each, and their sum."""
    rows = [(n, code, OUTCOMES[code].says) for code, n in counts.items()]
    total = (sum(counts.values()), "rows in all", "")
    console.show_table("Outcomes", ["Rows", "Outcome", "What to do"], [*rows, total], right=(0,))


def show_error_rows(
    record: Record, settings: Settings, campaign: int, *, limit: int, json: bool
) -> None:
    """PAT-22: only patients with errors."""
    rows = list(islice(outcome_rows(record, campaign, only="errors"), limit))
    with record.read() as connection:
        keys = of_rows(connection, campaign, [row.row_number for row in rows])
    looked(record, settings, Look("campaign", campaign, len(rows), keys))
    if json:
        console.show_json([_as_json(row) for row in rows])
        return
    own = headings(record, campaign)[:4]
    console.show_table(
        f"Rows with errors (at most {limit})",
        ["Row", *own, "Outcome", "Error", "What to do"],
        [(row.row_number, *_first(row, len(own)), row.code, row.detail, row.says) for row in rows],
        right=(0,),
    )


def _first(row: OutcomeRow, count: int) -> list[str]:
    return [*row.cells, *[""] * count][:count]


def _as_json(row: OutcomeRow) -> dict[str, object]:
    return {
        "row": row.row_number,
        "cells": row.cells,
        "outcome": row.code,
        "says": row.says,
        "detail": row.detail,
    }

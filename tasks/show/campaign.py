"""
What people see of a run in the Prefect UI: its checks, its progress, its result.

Counts, codes and our own sentences only: artifacts are copied into Prefect's events.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.outcomes import OUTCOMES
from clinic.gateway.protocol import Gateway
from clinic.gateway.under_way import decided_by
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.said import Said, said_of
from clinic.message.outcomes.reasons import campaign_says
from clinic.message.outcomes.summary import Summary, progress, read_summary
from clinic.record.database import Record
from clinic.record.schema.messages import batch, check_result
from clinic.settings import Settings
from clinic.values.text import counted
from data_checks.gate.verdict import Verdict
from tasks.show.artifacts import create_table_artifact, keep_latest
from tasks.show.over_time import as_markdown, over_time
from tasks.show.progress import Bars, Seen
from tasks.story.billed import refused_by_code, says_cost
from tasks.story.lines import by_count
from tasks.wiring import wiring


def show_checks(record: Record, campaign_id: int) -> None:
    """The gate's checks and what was left out of the list, as a table; nothing if it was not judged."""
    if rows := check_rows(record, campaign_id):
        create_table_artifact(
            key=f"checks-{campaign_id}", table=rows, description=f"Checks of campaign {campaign_id}"
        )


def check_rows(record: Record, campaign_id: int) -> list[dict[str, Any]]:
    """A row for each check of the list as a whole, and for each remark on it."""
    with record.read() as connection:
        kept = connection.scalars(
            sa.select(check_result.c.checks).where(check_result.c.campaign_id == campaign_id)
        ).all()
        said = said_of(connection, campaign_id)
    checks = [check for text in kept for check in Verdict.from_json(text).checks]
    rows = [
        {
            "check": check.name,
            "result": "ok" if check.passed else ("stop" if check.stops else "warn"),
            "rows": check.broken,
            "what it says": check.says,
        }
        for check in checks
    ]
    known = {check.name for check in checks}
    return rows + [
        {"check": one.code, "result": "look", "rows": one.count, "what it says": _text(one)}
        for one in said
        if one.code not in known
    ]


def _text(one: Said) -> str:
    """Which rows, and not under which heading: that is whoever made the file's own words."""
    where = replace(one, column="").where
    return f"{one.says} ({where})" if where else one.says


def start_progress(campaign_id: int) -> None:
    """A bar that fills while batches are sent."""
    _BARS.start(campaign_id)


def moving_progress(campaign_id: int, gateways: Sequence[Gateway]) -> AbstractContextManager[None]:
    """While the block runs, move the bar to where the ledger is, and its calls of the gateways beyond it."""
    return _BARS.moving(campaign_id, lambda: sum(map(decided_by, gateways)))


def _look(campaign_id: int, further: int) -> Seen:
    now = progress(wiring().record, campaign_id)
    done = min(now.processed + further, now.total)
    return Seen(
        done,
        now.total,
        f"Campaign {campaign_id}: {done:,} processed, {now.total - done:,} remaining, "
        f"{now.errors:,} errors, {now.unknown:,} unknown",
    )


_BARS: Final = Bars("progress", _look)


def show_summary(summary: Summary) -> None:
    """What became of every row: a table, and a page with a plot."""
    _BARS.leave(summary.campaign_id)
    rows = [
        {"outcome": code, "rows": count, "what to do": OUTCOMES[code].says}
        for code, count in _largest_first(summary)
    ]
    create_table_artifact(
        key=f"outcomes-{summary.campaign_id}",
        table=rows,
        description=f"Every row of campaign {summary.campaign_id}",
    )
    _keep_page(summary)


def keep_campaign_page(campaign_id: int) -> None:
    """What became of it since: its one page `campaign-7` is kept up as receipts come in."""
    parts = wiring()
    _keep_page(read_summary(parts.record, campaign_id, parts.clock.now(), parts.timing))


def _keep_page(summary: Summary) -> None:
    parts = wiring()
    with parts.record.read() as connection:
        seen = over_time(connection, summary.campaign_id)
        told = _sent_and_refused(connection, parts.settings, summary)
    picture = as_markdown(seen, parts.settings.organisation.time_zone)
    keep_latest(
        f"campaign-{summary.campaign_id}",
        page_of(summary, picture, told),
        f"Campaign {summary.campaign_id}: {summary.status}",
    )


def _sent_and_refused(connection: Connection, settings: Settings, summary: Summary) -> list[str]:
    """What it cost so far, and with which codes its gateway refused messages."""
    refused = refused_by_code(connection, batch.c.campaign_id == summary.campaign_id)
    why = f"The gateway refused {sum(refused.values()):,}: {by_count(refused)}." if refused else ""
    cost = says_cost(connection, settings, get_campaign(connection, summary.campaign_id))
    return [sentence for sentence in (why, cost) if sentence]


def _largest_first(summary: Summary) -> list[tuple[str, int]]:
    return sorted(summary.outcomes.items(), key=lambda item: -item[1])


def page_of(summary: Summary, picture: str = "", told: Sequence[str] = ()) -> str:
    """
    The campaign's result as a page: in numbers, over time and by outcome, and the next commands.

    told: further sentences of it, a paragraph each
    """
    kind = "Dry run" if summary.dry_run else "Campaign"
    return "\n".join(
        [
            f"# {kind} {summary.campaign_id}: {summary.status}",
            "",
            f"State **{summary.state}**{f' ({summary.state_reason})' if summary.state_reason else ''}. "
            f"{counted(summary.rows, 'row')}, {counted(summary.messages, 'message')}, "
            f"{counted(summary.segments, summary.unit)}{_speed(summary)}.",
            *([f"The list is as of {summary.as_of}."] if summary.as_of else []),
            *([summary.says_gateways] if summary.by_gateway else []),
            *summary.says_channels,
            *_waits(summary),
            *(line for sentence in told for line in ("", sentence)),
            "",
            *([picture, ""] if picture else []),
            "```",
            *plot_of(summary),
            "```",
            "",
            "| outcome | rows | what it means |",
            "|---|--:|---|",
            *(f"| {code} | {n:,} | {OUTCOMES[code].says} |" for code, n in _largest_first(summary)),
            "",
            f"Its runs: [campaign-{summary.campaign_id}](/runs?tag=campaign-{summary.campaign_id}) · all of "
            "today: the artifact `campaigns-today`.",
            "",
            f"Next: `cohort show {summary.campaign_id}` · "
            f"`cohort outcomes {summary.campaign_id} --csv outcomes.csv`",
        ]
    )


def _speed(summary: Summary) -> str:
    """Nothing where nothing was sent yet."""
    return (
        f", {summary.seconds:,.1f} s, {summary.rate:,.0f} messages a second" if summary.rate else ""
    )


def _waits(summary: Summary) -> list[str]:
    if summary.waiting and summary.trouble:
        again = f" at **{summary.tried_again:%Y-%m-%d %H:%M} UTC**" if summary.tried_again else ""
        return [
            f"{counted(summary.waiting, 'message')} could not be sent: {summary.trouble}. What waits is tried "
            f"again{again}; nobody is messaged twice."
        ]
    if summary.waiting and summary.state_reason:
        waits = f"{counted(summary.waiting, 'message')} not sent, and it stands still."
        return [f"**{waits}** {campaign_says(summary.state_reason, summary.gateway)}"]
    if summary.waits_until is None:
        return []
    at = f"{summary.waits_until:%Y-%m-%d %H:%M} UTC"
    return [f"Goes on **{at}**: this run has ended, and `settle` starts the one that sends."]


def plot_of(summary: Summary, width: int = 40) -> list[str]:
    """A bar an outcome; the longest is `width` blocks, and nothing that happened has none."""
    rows = _largest_first(summary)
    most = max((count for _, count in rows), default=1)
    name = max((len(code) for code, _ in rows), default=0)
    return [
        f"{code:<{name}} {'█' * max(1, round(width * count / most))} {count:,}"
        for code, count in rows
    ]

"""
The day's overview of an installation, as the one artifact `campaigns-today`: for whoever looks in the morning.

Drawn by the recurring run, and only where it says something else than before: an artifact is kept, and copied
into Prefect's events, each time.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from clinic.cohort.list_index import is_preview
from clinic.cohort.outcomes import KEPT, OUTCOMES
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, campaigns_where
from clinic.message.campaign.counting import count_outcomes
from clinic.message.outcomes.reasons import campaign_says
from clinic.message.outcomes.summary import trouble_of
from clinic.message.outcomes.verdict import status, verdict
from clinic.record.database import Record
from clinic.record.schema.messages import campaign
from clinic.record.systems.sync_runs import sources_behind
from clinic.settings import Settings
from clinic.values.text import counted
from tasks.show.artifacts import keep_latest

KEY: Final = "campaigns-today"
_WITHIN: Final = timedelta(days=1)
_GONE: Final = frozenset({states.COMPLETED, states.REFUSED, states.CANCELLED_CAMPAIGN})


def show_today(record: Record, settings: Settings, now: datetime) -> None:
    """Draw it, if it is not what it was."""
    page = today_page(record, settings, now)
    keep_latest(KEY, page, "Every campaign of today, and what is still under way")


def today_page(record: Record, settings: Settings, now: datetime) -> str:
    """Sent, delivered, failed and waiting, a row a campaign, the newest first; then what did not come in."""
    zone = ZoneInfo(settings.organisation.time_zone)
    since = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    c = campaign.c
    of_today = sa.or_(c.created_at >= since, c.finished_at >= since, c.state.not_in(sorted(_GONE)))
    recent = (
        c.created_at >= now - 30 * _WITHIN
    )  # what was forgotten for a month is no news of today
    with record.read() as connection:
        jobs = campaigns_where(
            connection, of_today, recent, c.dry_run.is_(False), ~is_preview(c.request_key)
        )
        rows = [
            (job, count_outcomes(connection, job.id), trouble_of(connection, job.id))
            for job in reversed(jobs)
        ]
        behind = sources_behind(connection, settings, now)
    total: Counter[str] = Counter()
    for _, counts, _ in rows:
        total.update(_of_kinds(counts))
    accepted = settings.release.accepted_errors
    return "\n".join(
        [
            f"# Campaigns, {now.astimezone(zone):%A %-d %B %Y}",
            "",
            f"**{total['sent']:,}** sent, of these **{total['delivered']:,}** delivered; "
            f"**{total['failed']:,}** failed, **{total['unknown']:,}** unknown, "
            f"**{total['waiting']:,}** wait, in {counted(len(rows), 'campaign')}."
            + (f" In the outbox, not sent: {total['kept']:,}." if total["kept"] else ""),
            "",
            *_table(rows, accepted),
            "",
            *_reasons(rows),
            "",
            *(f"- Not imported, or old: {says}" for says in behind),
            *([] if behind else ["All sources are up to date, as far as any are set."]),
            "",
            "More: `cohort today` · `cohort campaigns`",
        ]
    )


def _table(rows: list[tuple[Campaign, dict[str, int], str | None]], accepted: float) -> list[str]:
    if not rows:
        return ["No campaign today."]
    lines = [
        "| campaign | state | sent | delivered | failed | unknown | waiting |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for job, counts, _ in rows:
        kinds = _of_kinds(counts)
        kept = job.gateway == states.OUTBOX
        says = status(verdict(job.state, counts, accepted_errors=accepted), 0, kept=kept)
        cells = [
            f"{kinds[name]:,}" for name in ("sent", "delivered", "failed", "unknown", "waiting")
        ]
        lines.append(
            f"| [{job.id}](/runs?tag=campaign-{job.id}) {job.channel} | {says} | {' | '.join(cells)} |"
        )
    return lines


def _reasons(rows: list[tuple[Campaign, dict[str, int], str | None]]) -> list[str]:
    """Why one stands still, or a gateway takes nothing of it: below the table, whose cells are cut."""
    told = [
        (job.id, campaign_says(job.state_reason, job.sent_through) or trouble or "")
        for job, _, trouble in rows
    ]
    return [f"- Campaign {number}: {says}" for number, says in told if says]


def _of_kinds(counts: dict[str, int]) -> Counter[str]:
    """Rows by what an analyst asks; `sent` has what was delivered too."""
    found: Counter[str] = Counter()
    for code, rows in counts.items():
        kind = OUTCOMES[code].kind
        if code == "unknown":
            found["unknown"] += rows
        elif code in ("waiting", "in_flight"):
            found["waiting"] += rows
        elif code == KEPT:
            found["kept"] += rows
        elif kind in ("sent", "failed"):
            found[kind] += rows
        if code == "delivered":
            found["delivered"] += rows
        if code == "undelivered":  # it was sent, and did not arrive
            found["sent"] += rows
    return found

"""What was imported and what its checks found: the story's first two steps."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.outcomes import BEFORE
from clinic.cohort.remarks import list_remarks
from clinic.cohort.rows import FALLBACK
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.counting import count_outcomes
from clinic.message.outcomes.reasons import campaign_says
from clinic.record.schema.lists import cohort_list, template, template_version
from clinic.record.schema.messages import campaign, check_result
from clinic.values.text import counted
from data_checks.gate.checks import percent
from data_checks.gate.verdict import Check, Verdict
from tasks.story.lines import Line, by_count, error, joined, warning

_SOURCES: Final = {
    "file": "from a file",
    "group": "the members of a group",
    "filter": "found by a filter on the record",
    "ids": "named by their ids",
    "report": "of appointments to remind of",
    "resend": "whose message failed before",
    FALLBACK: "whom another channel did not reach",
    "correction": "whom a wrong message reached",
}
_LAYOUTS: Final = {"emis": "as EMIS writes it", "systmone": "as SystmOne writes it"}


def loaded(connection: Connection, campaign_id: int) -> list[Line]:
    """How many rows, from what kind of source, by what template; and what the reader left out or changed."""
    job = get_campaign(connection, campaign_id)
    own, text = cohort_list.c, template_version.c
    row = connection.execute(
        sa.select(own.source, own.layout, own.encoding, own.size, template.c.key, text.version)
        .select_from(campaign)
        .join(cohort_list, own.id == campaign.c.list_id)
        .join(template_version, text.id == campaign.c.template_version_id)
        .join(template, template.c.id == text.template_id)
        .where(campaign.c.id == campaign_id)
    ).one()
    size = f"{row.size:,} bytes" if row.size else ""
    read = joined((_LAYOUTS.get(row.layout or "", ""), row.encoding or "", size))
    dry = "Dry run" if job.dry_run else "Campaign"
    lines = [
        Line(
            f"{dry} {campaign_id}: {counted(job.rows, 'row')} of list {job.list_id}, "
            f"{_SOURCES.get(row.source, row.source)}{f' ({read})' if read else ''}; template {row.key}, "
            f"version {row.version}, by {job.channel}; asked for by {job.requested_by}."
        )
    ]
    for one in list_remarks(connection, job.list_id):
        line = f"The reader of the list: {one.code}, {one.count:,} times. {one.says}"
        lines.append(warning(line) if one.must_be_seen else Line(line))
    return lines


def checked(connection: Connection, campaign_id: int) -> list[Line]:
    """The checks of the list as a whole with what they allow, and how many rows are refused by which code."""
    job = get_campaign(connection, campaign_id)
    kept = connection.scalars(
        sa.select(check_result.c.checks)
        .where(check_result.c.campaign_id == campaign_id)
        .order_by(check_result.c.suite)
    ).all()
    found = [check for text in kept for check in Verdict.from_json(text).checks]
    lines = []
    if passed := [check for check in found if check.passed]:
        lines.append(Line(f"Checks passed: {'; '.join(map(_allowed, passed))}."))
    for check in found:
        if not check.passed:
            line = f"Check {_allowed(check)}: {check.says}"
            lines.append(error(line) if check.stops else warning(line))
    counts = count_outcomes(connection, campaign_id)
    left_out = {code: n for code, n in counts.items() if code in BEFORE and code != "accepted"}
    refused = sum(left_out.values())
    lines.append(
        Line(
            f"{job.rows - refused:,} of {counted(job.rows, 'row')} may be messaged, {refused:,} not"
            f"{f': {by_count(left_out)}' if refused else ''}."
        )
    )
    if job.state == states.REFUSED:
        lines.append(error(f"Nothing is sent. {campaign_says(job.state_reason, job.sent_through)}"))
    return lines


def _allowed(check: Check) -> str:
    """`unidentified 1.2% (at most 20%)`."""
    if check.share is None or check.allowed is None:
        return check.name
    may = f"at most {percent(check.allowed)}" if check.allowed else "none may"
    return f"{check.name} {percent(check.share)} ({may})"

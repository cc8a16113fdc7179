"""The cover of an incident's report: requester, release, approval, warnings, which list, who looked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.failover.ways import names_of
from clinic.record.schema.govern import access_log, approval
from clinic.record.schema.lists import cohort_list, template, template_version
from clinic.record.schema.messages import campaign, gate_override
from clinic.record.schema.safety import safety_acceptance

Line = tuple[str, str]


def cover_of(
    connection: Connection, campaign_id: int, show: Callable[[datetime | None], str]
) -> list[Line]:
    """What is said of a campaign as a whole, a line each, without a patient. show: an instant in words."""
    c, of_list = campaign.c, cohort_list.c
    job = connection.execute(
        sa.select(
            c.list_name, c.channel, c.purpose, c.gateway, c.gateways, c.requested_by, c.created_at,
            c.released_at, c.manifest_sha256, of_list.file_name, of_list.sha256, of_list.taken_by,
            of_list.taken_at, of_list.rows, template.c.key, template_version.c.version,
        )
        .join(cohort_list, of_list.id == c.list_id)
        .join(template_version, template_version.c.id == c.template_version_id)
        .join(template, template.c.id == template_version.c.template_id)
        .where(c.id == campaign_id)
    ).one()  # fmt: skip
    return [
        ("Campaign", f"{campaign_id}, {job.list_name}, by {job.channel}, for {job.purpose}"),
        ("Asked for by", f"{job.requested_by}, {show(job.created_at)}"),
        *_approvals(connection, campaign_id, show),
        *_accepted(connection, campaign_id, show),
        ("Released", show(job.released_at) or "no"),
        ("Digest of what was released", job.manifest_sha256 or "none"),
        ("Sent through", ", ".join(names_of(job.gateway, job.gateways))),
        ("Template", f"{job.key}, version {job.version}"),
        (
            "List",
            f"{job.file_name or 'made from the record'}, {job.rows or 0:,} rows, taken by {job.taken_by}, "
            f"{show(job.taken_at)}",
        ),
        ("SHA-256 of the list", job.sha256),
        *_looks(connection, campaign_id, show),
    ]


def _approvals(
    connection: Connection, campaign_id: int, show: Callable[[datetime | None], str]
) -> list[Line]:
    a = approval.c
    rows = connection.execute(
        sa.select(a.state, a.decided_by, a.decided_at, a.note)
        .where(a.subject == "campaign", a.subject_id == campaign_id)
        .order_by(a.id)
    ).all()
    if not rows:
        return [("Approved by", "nobody: no second approver was needed")]
    return [
        (
            "Approval",
            f"{row.state} by {row.decided_by or 'nobody'}"
            + (f", {show(row.decided_at)}" if row.decided_at else "")
            + (f": {row.note}" if row.note else ""),
        )
        for row in rows
    ]


def _accepted(
    connection: Connection, campaign_id: int, show: Callable[[datetime | None], str]
) -> list[Line]:
    """Warnings that somebody answered for, and checks of the list that were let pass."""
    s, g = safety_acceptance.c, gate_override.c
    warnings = connection.execute(
        sa.select(s.check_code, s.accepted_by, s.accepted_at, s.reason, s.second_by)
        .where(s.campaign_id == campaign_id, s.applied_at.is_not(None))
        .order_by(s.id)
    )
    passed = connection.execute(
        sa.select(g.overridden_by, g.given_at, g.reason)
        .where(g.campaign_id == campaign_id, g.applied_at.is_not(None))
    )  # fmt: skip
    found = [
        (
            "Warning accepted",
            f"{row.check_code} by {row.accepted_by}, {show(row.accepted_at)}: {row.reason}"
            + (f"; second approver {row.second_by}" if row.second_by else ""),
        )
        for row in warnings
    ]
    found += [
        ("Checks overridden", f"by {row.overridden_by}, {show(row.given_at)}: {row.reason}")
        for row in passed
    ]
    return found or [("Warnings accepted", "none")]


def _looks(
    connection: Connection, campaign_id: int, show: Callable[[datetime | None], str]
) -> list[Line]:
    """Who opened what there is of it, by the access log; whoever was refused, apart."""
    a = access_log.c
    rows = connection.execute(
        sa.select(
            a.person, a.role, a.command, a.refused, sa.func.count().label("times"),
            sa.func.min(a.at).label("first"), sa.func.max(a.at).label("last"),
        )
        .where(a.subject == "campaign", a.subject_id == campaign_id)
        .group_by(a.person, a.role, a.command, a.refused)
        .order_by(sa.func.min(a.at), a.command)
    ).all()  # fmt: skip
    found = [
        (
            "Refused to open it" if row.refused else "Opened by",
            f"{row.person}{f', {row.role}' if row.role else ''}: cohort {row.command}, {row.times:,} ×, "
            f"{show(row.first)}"
            + (f" to {show(row.last)}" if row.times > 1 else "")
            + (f" ({row.refused})" if row.refused else ""),
        )
        for row in rows
    ]
    return found or [("Opened by", "nobody, by the access log")]

"""What became of a campaign as a whole, what comes next, and the command for it."""

from __future__ import annotations

from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.outcomes.next_steps import next_steps
from clinic.message.outcomes.reasons import campaign_says
from clinic.message.outcomes.summary import Summary
from clinic.message.prepare.resend import may_resend, source_of
from clinic.message.states import ENDED
from clinic.settings import Settings
from clinic.values.text import counted
from tasks.story.billed import says_cost
from tasks.story.lines import Line, by_count, clock_time, joined, warning


def ended(connection: Connection, settings: Settings, summary: Summary) -> list[Line]:
    """The verdict, every row by its outcome, what still waits and until when, and what to type next."""
    number = summary.campaign_id
    kind = "Dry run" if summary.dry_run else "Campaign"
    figures = joined(
        (
            counted(summary.messages, "message"),
            counted(summary.segments, summary.unit) if summary.segments else "",
            f"{summary.seconds:,.1f} s" if summary.rate else "",
            f"{summary.rate:,.0f} messages a second" if summary.rate else "",
        )
    )
    head = f"{kind} {number}: {summary.status}, {figures}."
    lines = [Line(head) if summary.verdict != "Error" else warning(head)]
    lines.append(Line(f"All {counted(summary.rows, 'row')}: {by_count(summary.outcomes)}."))
    lines += [Line(summary.says_gateways)] if summary.by_gateway else []
    lines += [Line(says) for says in summary.says_channels]
    job = get_campaign(connection, number)
    if cost := says_cost(connection, settings, job):
        lines.append(Line(cost))
    lines += _left(settings, summary)
    steps = next_steps(
        number, summary.state, summary.outcomes,
        resendable=may_resend(job, source_of(connection, job)),
        waits=summary.waits_until is not None and not summary.trouble,
    )  # fmt: skip
    return [*lines, Line(f"Next: {' · '.join(steps)}")]


def _left(settings: Settings, summary: Summary) -> list[Line]:
    """What is not sent, and why."""
    if summary.state_reason and summary.state not in ENDED - {states.MISSED}:
        return [warning(f"It stands still. {campaign_says(summary.state_reason, summary.gateway)}")]
    if not summary.waiting:
        return []
    waits = f"{counted(summary.waiting, 'message')} not sent yet"
    if summary.trouble:
        return [warning(f"{waits}: {summary.trouble}. The recurring run tries again.")]
    if summary.waits_until:
        at = clock_time(summary.waits_until, settings)
        return [Line(f"{waits}: the recurring run sends them at {at}.")]
    return [warning(f"{waits}: the recurring run tries again.")]

"""What and when: find requests for approval that wait too long, remind the team, show them."""

from __future__ import annotations

from clinic.message.prepare.approve import release_campaign
from clinic.message.prepare.stage import stage
from clinic.message.template.variables import Setting
from clinic.notify.chase import Late, find_late, open_alert
from clinic.values.text import counted
from tasks.guard.decorators import task
from tasks.prefect import events
from tasks.show.artifacts import create_table_artifact
from tasks.story.spans import Span, spans_of
from tasks.wiring import wiring


@task(name="find-late", retries=2, retry_delay_seconds=[1, 10])
def find_late_requests() -> list[Late]:
    """Close what has expired; what waits too long, and what nobody can decide."""
    parts = wiring()
    return find_late(parts.record, parts.clock, parts.settings)


@task(name="show-late")
def show_late(late: list[Late]) -> int:
    """A table of numbers, and an event for each; how many are late."""
    create_table_artifact(
        key="approvals-late",
        table=[
            {
                "approval": each.approval,
                "of": f"{each.subject} {each.subject_id}",
                "needs": each.role,
                "hours": each.hours,
                "may decide": each.deciders or "NOBODY",
            }
            for each in late
        ],
        description=counted(len(late), "request waits", "requests wait") + " for approval",
    )
    for each in late:
        events.approval_late(
            each.approval, each.subject, each.subject_id, decidable=each.deciders > 0
        )
    return len(late)


@task(name="stage-reminder", retries=2, retry_delay_seconds=[1, 10])
def stage_reminder(late: list[Late]) -> list[Span]:
    """The reminder's batches, released; none if nothing is late or the team has no address."""
    parts = wiring()
    gateway = parts.gateway("email", dry_run=False)
    campaign_id = open_alert(
        parts.record, parts.clock, parts.settings, late,
        gateway=gateway.name, batch_limit=parts.batch_limit("email", gateway),
    )  # fmt: skip
    if campaign_id is None:
        return []
    organisation = parts.settings.organisation
    setting = Setting(organisation, parts.clock.now())
    batches = stage(
        parts.record, campaign_id, setting=setting, most_segments=organisation.most_segments
    )
    release_campaign(parts.record, parts.clock, parts.settings, campaign_id, parts.timing)
    return spans_of(campaign_id, batches)

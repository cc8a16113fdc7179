"""
What and when: render a campaign's messages, send them, save them, count them.

Each task is a name, a retry policy and one call into `clinic`. They pass a campaign's number and a
span of batches: keys, never rows. Every task may be run again at any time: the ledger knows what
has already happened.
"""

from __future__ import annotations

from prefect.runtime import flow_run

from clinic.govern.audit.anchor import anchor_of, write_anchor
from clinic.message.credit import most_segments_of, require_credit
from clinic.message.outcomes.save import save_batches
from clinic.message.outcomes.summary import Summary
from clinic.message.outcomes.summary import summarize as count
from clinic.message.prepare.content import require_accepted
from clinic.message.prepare.stage import stage
from clinic.message.recall.unreached import list_unreached
from clinic.message.sending.deliver import deliver
from clinic.message.template.variables import setting_of
from clinic.message.timing.schedule import size_batches
from tasks.guard.decorators import may_mend_itself, task
from tasks.guard.while_away import WHILE_AWAY
from tasks.prefect import events
from tasks.runs.told_to_stop import heed
from tasks.show import campaign
from tasks.show.telling import tell
from tasks.story import ending, leaving, sending
from tasks.story.spans import Span, spans_of
from tasks.wiring import wiring


@task(name="render", **WHILE_AWAY)
def render(campaign_id: int) -> list[Span]:
    """Render and stage every accepted row, and judge what it says; nothing can leave yet."""
    parts = wiring()
    setting = setting_of(parts.settings, parts.clock.now())
    most = most_segments_of(parts.record, parts.settings, campaign_id)
    size_batches(parts.record, campaign_id, parts.timing)
    batches = stage(parts.record, campaign_id, setting=setting, most_segments=most)
    tell(lambda connection: leaving.rendered(connection, parts.settings, campaign_id))
    require_accepted(parts.record, parts.clock, parts.settings, campaign_id)
    require_credit(parts.record, parts.clock, parts.settings, campaign_id)
    return spans_of(campaign_id, batches)


@task(
    name="send-batch",
    task_run_name="send-batches-{span.first}-to-{span.last}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=may_mend_itself,
)
def send_batch(span: Span) -> Span:
    """Send what still waits in these batches."""
    parts = wiring()
    ledger, began = parts.ledger(), parts.clock.now()
    first, *others = gateways = parts.gateways_of(span.campaign_id)
    with campaign.moving_progress(span.campaign_id, gateways):
        deliver(ledger, first, *span, others=others)
    tell(lambda connection: sending.sent(connection, parts.settings, span, since=began))
    return span


@task(
    name="save-to-record",
    task_run_name="save-batches-{span.first}-to-{span.last}",
    retries=4,
    retry_delay_seconds=[1, 5, 30, 60],
    retry_condition_fn=may_mend_itself,
)
def save_to_record(span: Span) -> Span:
    """Write the clinical items of these batches."""
    parts = wiring()
    save_batches(parts.record, parts.clock, *span)
    tell(lambda connection: sending.saved(connection, span))
    return span


@task(name="summarize", **WHILE_AWAY)
def summarize(campaign_id: int) -> Summary:
    """Count what became of every row, show it, list whom a recall missed; note how long the trail is now."""
    parts = wiring()
    heed(flow_run.get_id())
    summary = count(parts.record, parts.clock, campaign_id, parts.timing)
    events.tell_halts(parts.record, parts.clock.now())
    list_unreached(parts.record, parts.clock, parts.settings)
    campaign.show_summary(summary)
    tell(lambda connection: ending.ended(connection, parts.settings, summary))
    write_anchor(parts.record, anchor_of(parts.settings), clock=parts.clock)
    return summary

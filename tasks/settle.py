"""
Reconciling, on schedule: what came back, what is overdue, what is due to go on. One call each into `clinic`.

Each may be run again at any time and beside itself, and hands on counts alone. tasks/reconcile.py runs them.
"""

from __future__ import annotations

import logging
from functools import partial

from prefect import get_run_logger
from prefect.exceptions import MissingContextError

from clinic.change.run.withdraw import expire_plans
from clinic.errors import CohortError, GatewayProblem, SettingsWrong
from clinic.gateway.bounces.readers import readers_of
from clinic.gateway.incoming.pull import fetch_page
from clinic.govern.approvals.approvals import expire
from clinic.govern.rules.governed import in_force
from clinic.health.letter import write_to_people
from clinic.health.mailed import mail_findings
from clinic.health.noted import note_watched
from clinic.health.record_facts import read_facts
from clinic.message.following.begin import Way
from clinic.message.following.begin import begin_fallbacks as begin_due_fallbacks
from clinic.message.incoming.apply_receipts import apply_receipts as apply_all_receipts
from clinic.message.incoming.forget import forget_receipts as forget_old_receipts
from clinic.message.incoming.pull import pull
from clinic.message.incoming.receipt_timeout import end_waiting as end_all_waiting
from clinic.message.incoming.replies import apply_replies as apply_all_replies
from clinic.message.prepare.approve import close_undecided
from clinic.message.recall.unreached import list_unreached as list_all_unreached
from clinic.message.sending.save_pending import save_unsaved
from clinic.outside_record.running import save_outside as save_outside_record
from clinic.outside_record.running import send_by_mesh
from clinic.practice.leavers.disable import disable_dormant
from clinic.settings.gateways import HTTP_SMS
from tasks.forms.offering import offer_news
from tasks.guard.decorators import may_mend_itself, task
from tasks.health import look, tell_findings
from tasks.prefect import events
from tasks.prefect.health_events import health_news
from tasks.processes.environment import log_path
from tasks.processes.log_file import rotate
from tasks.processes.watcher import watch_runs
from tasks.runs.heeding import wanted_campaigns
from tasks.runs.waking import wake_campaign
from tasks.show.campaign import keep_campaign_page
from tasks.show.today import show_today
from tasks.wiring import wiring


def pull_receipts() -> int:
    """Fetch receipts and replies that the gateway keeps for us, if it is set so; how many were new."""
    parts = wiring()
    settings = parts.settings
    if not (settings.receipts.pull and settings.sms.url):
        return 0
    gateway = HTTP_SMS  # the only one that is asked for them
    fetch = partial(fetch_page, settings.sms, gateway=gateway)
    return pull(
        parts.record,
        parts.clock,
        fetch,
        gateway=gateway,
        phones=settings.phones,
        words=settings.replies,
    )


def pull_mail() -> int:
    """
    Read the mailboxes to which reports on e-mails come; how many receipts and complaints were new.

    Raises:
        GatewayProblem, SettingsWrong: of the last one that could not be read; the others are read all the same
    """
    parts, new = wiring(), 0
    trouble: CohortError | None = None
    for name, reader in readers_of(parts.settings, parts.clock).items():
        try:
            new += pull(
                parts.record,
                parts.clock,
                reader.fetch_page,
                gateway=name,
                phones=parts.settings.phones,
            )
        except (GatewayProblem, SettingsWrong) as problem:
            trouble = problem
    if trouble is not None:
        raise trouble
    return new


def apply_receipts() -> int:
    """Reconcile messages by the receipts in the inbox; how many fitted one."""
    parts = wiring()
    done = apply_all_receipts(parts.record, parts.clock)
    for campaign_id in sorted(done.campaigns):
        keep_campaign_page(campaign_id)
    return done.applied


def apply_replies() -> int:
    """Note the patients' decisions that came as replies; how many replies."""
    parts = wiring()
    return apply_all_replies(
        parts.record, parts.clock, parts.settings.phones, parts.settings.replies
    )


def save_late() -> int:
    """Write the clinical items that no run has written; of how many campaigns."""
    parts = wiring()
    return save_unsaved(parts.record, parts.clock)


def end_waiting() -> int:
    """What has had no receipt for too long failed, for now; how many."""
    parts = wiring()
    settings = parts.settings
    return end_all_waiting(
        parts.record, parts.clock, settings.receipts, silent=settings.silent_gateways()
    )


def list_unreached() -> int:
    """List whom recalls did not reach as follow-ups of a person; how many were new."""
    parts = wiring()
    return list_all_unreached(parts.record, parts.clock, parts.settings)


def begin_fallbacks() -> list[int]:
    """Make the campaigns by another channel that follow those whose own did not reach everybody; which."""
    parts = wiring()

    def way(channel: str, outbox: bool) -> Way:
        gateway = parts.gateway(channel, dry_run=False, outbox=outbox)
        return Way(gateway.name, parts.batch_limit(channel, gateway))

    return begin_due_fallbacks(parts.record, parts.clock, parts.settings, way)


def save_outside() -> int:
    """Save to the clinical record outside what waits for it; how many, for as long as is set."""
    parts = wiring()
    seconds = parts.settings.outside_record.run_seconds
    done = save_outside_record(parts.record, parts.clock, parts.settings, seconds=seconds)
    if done.trouble:
        _log().warning("The record outside takes nothing: %s", done.trouble)
    return done.saved


def send_reports() -> int:
    """Send reports of campaigns by MESH, and see which the practice has taken; how many were sent."""
    parts = wiring()
    return send_by_mesh(parts.record, parts.clock, parts.settings)


def forget_receipts() -> int:
    """Remove receipts that were applied long ago; how many."""
    parts = wiring()
    return forget_old_receipts(parts.record, parts.clock, parts.settings.receipts)


def check_health() -> int:
    """Look what is wrong with the installation, and tell what began or ended since; how many are wrong."""
    parts = wiring()
    rotate(log_path(parts.settings))
    show_today(parts.record, parts.settings, parts.clock.now())
    note_watched(parts.record, parts.clock)
    known = read_facts(parts.record, parts.clock, parts.settings)
    _, findings = look(parts.settings, parts.clock, known)
    news = tell_findings(
        parts.record, parts.clock, findings, partial(health_news, parts.installation)
    )
    if not watch_runs(parts.settings):  # it would write of the same
        write = partial(write_to_people, parts.settings, parts.clock)
        mail_findings(parts.record, parts.clock, findings, write)
    for found in news.begun:
        _log().warning("%s: %s. Do: %s", found.code, found.says, found.do)
    return len(findings)


def offer_choices() -> int:
    """What people choose from in the run forms, where that changed; how many forms."""
    parts = wiring()
    return offer_news(parts.record, parts.settings, parts.installation)


def find_due() -> list[int]:
    """The campaigns of which something can be sent now, and which nobody sends."""
    parts = wiring()
    wanted = wanted_campaigns(parts, get_run_logger())
    events.tell_halts(parts.record, parts.clock.now())  # also of those whose run was killed
    return wanted


@task(
    name="wake",
    task_run_name="wake-{campaign_id}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=may_mend_itself,
)
def wake(campaign_id: int) -> int:
    """Start a run that goes on with this campaign, unless one is still to start."""
    wake_campaign(wiring(), campaign_id)
    return campaign_id


def close_expired() -> int:
    """End requests nobody decided in time, plans nobody asked for, and who was away too long; how many."""
    parts = wiring()
    people = in_force(parts.record, parts.settings).settings.people
    gone = disable_dormant(parts.record, parts.clock, days=people.dormant_days)
    plans = expire_plans(parts.record, parts.clock, parts.settings)
    requests = len(expire(parts.record, parts.clock))
    close_undecided(parts.record, parts.clock)
    return plans + requests + len(gone)


def _log() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    """The run's; this module's where no run is."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger(__name__)

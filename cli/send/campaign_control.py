"""`cohort pause`, `cohort resume`, `cohort cancel`, `cohort review`: a person's hand on a campaign."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import console
from cli.looks.noting import looked
from cli.options import Accept, CampaignNumber, Json, Unasked, Why, Workers
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import LocalTime, get_settings, governed, open_record

if TYPE_CHECKING:
    from clinic.message.prepare.control import Controlled


def pause(
    campaign: CampaignNumber,
    reason: Why = "",
    me: Me = "",
    secret_fd: SecretFd = None,
    json: Json = False,
) -> None:
    """
    Send no more of a campaign until it is resumed. Acts within one batch.

    What is being sent at this moment is still sent.
    """
    from clinic.clock import SystemClock
    from clinic.message.campaign.sending_stop import is_kept_back
    from clinic.message.outcomes.next_steps import next_steps
    from clinic.message.prepare.control import pause as act

    settings = get_settings()
    with open_record(settings) as record:
        settings = governed(record, settings)
        by = who_acts(record, settings, me, secret_fd)
        done = act(record, SystemClock(), campaign, by=by, reason=reason)
        stopped = is_kept_back(record, campaign)
    _tell(done, json=json)
    if not json:
        console.next_commands(*next_steps(campaign, done.state, done.counts, stopped=stopped))


def resume(
    campaign: CampaignNumber,
    reason: Why = "",
    left: Annotated[
        Literal["nothing", "noted", "repeat", "unknown"] | None,
        typer.Option(
            help="After a restore or failover: what of it was sent that the record does not know. nothing: the "
            "provider has none of it, so it is sent. unknown: nobody knows; none of it is sent again, and each "
            "message is listed. repeat: send it again; a class R or I gateway knows what it was given. "
            "noted: only this machine sent, and its disk was not set back; batches that it noted are unknown, "
            "the rest is sent."
        ),
    ] = None,
    accept: Accept = None,
    workers: Workers = None,
    me: Me = "",
    secret_fd: SecretFd = None,
    json: Json = False,
) -> None:
    """
    Let a campaign go on: one that is paused, halted, held (the database was restored), or missed.

    Reminders that wait because their sources are too old go on by themselves after an import; for who knows
    that nothing was moved: --accept stale_sources="the clinic is closed". It
    counts as long as an import of now.

    Look first why it stopped: cohort show CAMPAIGN. A scheduled run takes it up within minutes.

    --workers also of one that is under way: the further runs are asked for within minutes.
    """
    from cli.message.options import accepted
    from cli.show.review import show_together
    from clinic.clock import SystemClock
    from clinic.message.asking import carrying_on
    from clinic.message.outcomes.next_steps import next_steps
    from clinic.message.sending.beside import says_together

    stale = carrying_on.stale_reason(accepted(accept or ()))
    settings = get_settings()
    with open_record(settings) as record:
        settings = governed(record, settings)
        by = who_acts(record, settings, me, secret_fd)
        done = carrying_on.resume(
            record, SystemClock(), settings, campaign, by=by, reason=reason, left=left, stale=stale,
            workers=workers,
        )  # fmt: skip
        together = says_together(record, campaign)
    _tell(done, json=json)
    if not json:
        show_together(together)
        console.next_commands(*next_steps(campaign, done.state, done.counts))


def cancel(
    campaign: CampaignNumber,
    reason: Why = "",
    yes: Unasked = False,
    me: Me = "",
    secret_fd: SecretFd = None,
    json: Json = False,
) -> None:
    """Send no more of a campaign, for good. What was sent stays sent; the rest counts as cancelled."""
    from clinic.clock import SystemClock
    from clinic.errors import NotAllowed
    from clinic.message.outcomes.next_steps import next_steps
    from clinic.message.prepare.control import cancel as act

    question = f"Cancel campaign {campaign} for good?"
    if not (yes or (sys.stdin.isatty() and typer.confirm(question, err=True))):
        raise NotAllowed("not-confirmed", "nothing was cancelled; without being asked: --yes")
    settings = get_settings()
    with open_record(settings) as record:
        settings = governed(record, settings)
        by = who_acts(record, settings, me, secret_fd)
        done = act(record, SystemClock(), campaign, by=by, reason=reason)
    _tell(done, json=json)
    if not json:
        console.next_commands(*next_steps(campaign, done.state, done.counts, resendable=False))


def review(
    campaign: CampaignNumber,
    samples: Annotated[int, typer.Option(min=1, help="How many messages to show.")] = 3,
) -> None:
    """
    What an approver looks at: counts, who is left out and why, cost, time, and messages as they will be sent.

    Shows patients' names and numbers: on this screen only.
    """
    from cli.govern.confirm import asked_by
    from cli.keeping import say_not_kept
    from cli.show.review import show_credit, show_review, show_time, show_together
    from clinic.clock import SystemClock
    from clinic.message.asking.confirming import waiting_request
    from clinic.message.asking.to_decide import to_decide
    from clinic.message.campaign.sending_stop import is_kept_back
    from clinic.message.outcomes.next_steps import next_steps

    settings = get_settings()
    with open_record(settings) as record:
        settings = governed(record, settings)
        stopped = is_kept_back(record, campaign)
        seen = to_decide(record, SystemClock(), settings, campaign, previews=samples)
        waits = waiting_request(record, campaign)
        looked(record, settings, seen.look)
    found = seen.review
    show_review(found, seen.previews, not_accepted=None)
    show_together(seen.together)
    say_not_kept(seen.columns, seen.kept)
    if seen.time:
        show_time(seen.time, LocalTime(settings))
    show_credit(seen.credit)
    if waits is None:
        steps = next_steps(
            campaign, found.state, found.became | found.not_accepted, resendable=False,
            stopped=stopped,
        )  # fmt: skip
        here = f"cohort review {campaign}"
        return console.next_commands(*(step for step in steps if step != here))
    asked, confirmed = waits
    by = asked_by(asked, confirmed=confirmed)
    console.say(f"Request {asked.id} waits for approval: asked by {by}.")
    return console.next_commands(f"cohort approvals show {asked.id}")


def _tell(done: Controlled, *, json: bool) -> None:
    if json:
        return console.show_json(asdict(done))
    console.say(f"Campaign {done.campaign_id} is {done.state}.")
    _show_counts(done.counts)
    return None


def _show_counts(counts: Mapping[str, int]) -> None:
    from cli.show.campaign import show_counts

    show_counts(dict(counts))

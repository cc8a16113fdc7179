"""
The rules that are asked once more in the transaction that writes the intent to send (NEW-5).

Days may lie between the review and the sending, and patients die, leave, opt out, or cancel their visit. What
is left out here is `suppressed` with the first reason that applies, in the order of this table.

    RULES ──► one SELECT over the messages in question, left joined to their patients ──► (message, reason)

The SELECT is made once for all batches of a campaign and day, and asked of each; what only the record can
tell is asked before it each time (`moment_of`), and a SELECT is made for what it told (`_like`).

To add a rule:

1. Write its condition: a function of `Moment` that gives a boolean expression over `message` and `patient`,
   or None where this campaign is not asked. It must not be true for a patient who is not in the record, whose
   `patient` columns are all NULL (so no NOT IN and no IS NULL of them), and must cost one lookup a message at
   most: a set of patients or messages is `message.c.patient_id.in_(…)`, taken from among `moment.members`.
   One that fills more than three lines stands in its own module of this folder, with plain arguments.
   Compare with `moment.instant`, not with a time. What it must look up first is a field of `Moment`.
2. Add it to RULES where it counts; settings are in `moment.settings`. All that it goes by is in `_like`.
3. Its reason needs a sentence in clinic/cohort/outcomes.py (`_ASKED_AGAIN`, or `_WHY` if the check before has
   no such outcome); `python -m data_checks.rules_page` writes docs/rules.md.

The same rules decide whether a submission that was left open may be asked about again (sending/replay.py).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.cohort.rows import CORRECTION
from clinic.govern.restricted import is_restricted
from clinic.message import states
from clinic.message.audience.audience import audience_of
from clinic.message.audience.bounds import Bounds
from clinic.message.audience.clinical import LATE, is_late
from clinic.message.audience.outside import CODES as OUTSIDE
from clinic.message.audience.outside import outside
from clinic.message.eligibility.consenting import consenting
from clinic.message.eligibility.contact import is_capped, recently_contacted
from clinic.message.eligibility.decisions import refusing_addresses
from clinic.message.eligibility.held import HELD, is_held
from clinic.message.eligibility.safe_contact import restricted, safe_number
from clinic.message.eligibility.same_text import had_it_meanwhile, saying_the_same
from clinic.message.eligibility.suppress import opted_out
from clinic.message.fallback.proof import REACHED, first_ways, reached_meanwhile
from clinic.message.meanwhile.day_moved import words_of_another_day
from clinic.message.meanwhile.gone_by import told_of_a_day_before
from clinic.message.meanwhile.still_in import no_longer_in
from clinic.message.needs.judge import stays_somewhere
from clinic.message.reminders.remind import SOURCE as REMINDERS
from clinic.message.reminders.remind import changed_since
from clinic.message.reminders.told_visits import told_otherwise
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import patient
from clinic.record.statements.made import Instant, Made, keep, known
from clinic.settings import Contact, Settings
from clinic.values.purposes import needs_consent

Found: TypeAlias = Sequence[tuple[int, str]]
# The messages that wait in a batch, whose number is told when it is asked
WAITING: Final = (message.c.batch_id == sa.bindparam("this_batch")) & (
    message.c.state == states.PENDING
)


@dataclass(frozen=True, slots=True)
class Moment:
    """
    What a rule may ask: the campaign, its settings, and the messages that are about to leave.

    which: of `message`: the messages in question; members: their patients
    values: of the parameters of `which`; empty: it has none, and is asked this once
    instant: now, as a parameter; today, home_today: its days, in UTC and where the organisation is
    contact: the settings by which it counts what else these patients had; None: that is not asked now
    late, other_day: that a result or its words came too late for all of the campaign
    gone: those of these patients who are in the campaign's filter or group no more; None: it has none
    same: other campaigns that say the same; capped: whether this one's messages are counted
    first: the campaigns by another channel whose unreached this one messages
    """

    connection: Connection
    which: ColumnElement[bool]
    values: Mapping[str, object]
    campaign_id: int
    list_id: int
    source: str  # of the list: "file", "report" (reminders), …
    template_version_id: int
    channel: str
    purpose: str
    now: datetime
    today: date
    home_today: date
    settings: Settings
    contact: Contact | None
    bounds: Bounds
    late: bool
    other_day: bool
    gone: sa.Select[tuple[int]] | None
    same: tuple[int, ...]
    capped: bool
    first: tuple[int, ...]
    instant: Instant = field(default_factory=Instant)

    @property
    def members(self) -> sa.Select[tuple[int]]:
        """The ids of the patients in question."""
        return sa.select(message.c.patient_id).where(self.which)

    @property
    def outside(self) -> Mapping[str, sa.Select[tuple[int]]]:
        """Whom the template is not for by now, of those patients, by the reason's code."""
        members = self.members
        return outside(
            self.bounds, self.template_version_id, lambda column: column.in_(members), self.today
        )


class Rule(NamedTuple):
    """`leaves_out`: true of messages that may not leave, for this reason; None: not asked of this campaign."""

    reason: str
    leaves_out: Callable[[Moment], ColumnElement[bool] | None]


def _dead(_: Moment) -> ColumnElement[bool]:
    return patient.c.death_date.is_not(None)


def _fictitious(_: Moment) -> ColumnElement[bool]:
    return patient.c.fictitious.is_(True)


def _left(moment: Moment) -> ColumnElement[bool]:
    return patient.c.deregistered_on <= moment.today


def _status(moment: Moment) -> ColumnElement[bool]:
    """Discharged since, for one: whose status the settings do not message."""
    allowed = moment.settings.organisation.messaged_statuses
    return patient.c.status.is_not(None) & patient.c.status.not_in(allowed)


def _restricted(_: Moment) -> ColumnElement[bool]:
    """NEW-36: their data are kept, and used for nothing."""
    return is_restricted(message.c.patient_id)


def _no_contact(moment: Moment) -> ColumnElement[bool]:
    """
    By preference, or for their safety (NEW-26): one reason, so that it does not give away which.

    Nor to another number than the one that is safe: a submission that was left open cannot be addressed again.
    """
    tags = moment.settings.contact.restricted_tags
    members = restricted(moment.channel, tags, moment.members)
    broken = [patient.c.preferred_channel == "none", message.c.patient_id.in_(members)]
    if moment.channel != "email":
        broken.append(safe_number(message.c.patient_id) != message.c.address)
    return sa.or_(*broken)


def _opted_out(moment: Moment) -> ColumnElement[bool]:
    """By a decision of their own, or of the number that their message would go to."""
    chosen = (moment.channel, moment.purpose)
    own = opted_out(*chosen, moment.members)
    of_address = refusing_addresses(*chosen, moment.campaign_id, moment.members)
    return sa.or_(message.c.patient_id.in_(own), message.c.patient_id.in_(of_address))


def _no_consent(moment: Moment) -> ColumnElement[bool] | None:
    """NEW-40: where a yes is needed; true of who is not in the record too: no yes of theirs is known."""
    if not needs_consent(moment.purpose):
        return None
    return message.c.patient_id.not_in(consenting(moment.channel, moment.purpose, moment.members))


def _held(moment: Moment) -> ColumnElement[bool]:
    """For what a reply says of the number or the patient."""
    return is_held(moment.members)


def _outside(code: str, moment: Moment) -> ColumnElement[bool] | None:
    """NEW-28: had it since, or lost a child; or staff decided so."""
    found = moment.outside.get(code)
    return None if found is None else message.c.patient_id.in_(found)


def _clinical_late(moment: Moment) -> ColumnElement[bool] | None:
    """NEW-28: a result or advice that waited for too long."""
    return sa.true() if moment.late else None


def _stays(moment: Moment) -> ColumnElement[bool]:
    """NEW-32: in a prison, on a ward, in a care home."""
    return message.c.patient_id.in_(stays_somewhere(moment.members))


def _visit_changed(moment: Moment) -> ColumnElement[bool]:
    """COM-12, ACX-36: nobody is told of a visit that will not be, nor sent where it is no more."""
    if moment.source != REMINDERS:
        return message.c.id.in_(told_otherwise(moment.which, moment.instant))
    changed = changed_since(moment.campaign_id, moment.members, moment.instant)
    return message.c.patient_id.in_(changed)


def _day_gone_by(moment: Moment) -> ColumnElement[bool]:
    """A day that the message asks to keep, or that its words name by today."""
    return sa.true() if moment.other_day else told_of_a_day_before(moment.home_today)


def _left_cohort(moment: Moment) -> ColumnElement[bool] | None:
    """NEW-29: who does not match the filter, or is not in the group, any more."""
    return None if moment.gone is None else message.c.patient_id.in_(moment.gone)


def _reached(moment: Moment) -> ColumnElement[bool] | None:
    """Decision 0051: by the first channel, whose word came late; one person gets one message."""
    if not moment.first:
        return None
    return message.c.patient_id.in_(reached_meanwhile(moment.first, moment.members))


def _had_lately(moment: Moment) -> ColumnElement[bool] | None:
    """NEW-30: from another campaign that says the same; a correction may be that template, put right."""
    if moment.contact is None or not moment.same:
        return None
    had = had_it_meanwhile(moment.same, moment.contact, moment.members, moment.instant)
    return message.c.patient_id.in_(had)


def _had_enough(moment: Moment) -> ColumnElement[bool] | None:
    """NEW-8: of messages of other campaigns."""
    if moment.contact is None or not moment.capped:
        return None
    together = [moment.campaign_id, *moment.first]  # what failed there crowds out nothing
    had = recently_contacted(moment.contact, moment.members, moment.instant, but=together)
    return message.c.patient_id.in_(had)


# In the order in which they count, as at the check (data_checks/eligibility/rules.py)
RULES: tuple[Rule, ...] = (
    Rule("patient_dead", _dead),
    Rule("patient_fictitious", _fictitious),
    Rule("patient_deregistered", _left),
    Rule("status_not_messaged", _status),
    Rule("restricted", _restricted),
    Rule("no_contact", _no_contact),
    Rule("opted_out", _opted_out),
    Rule("no_consent", _no_consent),
    Rule(HELD, _held),
    *(Rule(code, partial(_outside, code)) for code in OUTSIDE),
    Rule(LATE, _clinical_late),
    Rule("cohort_left", _left_cohort),
    Rule("place_of_stay", _stays),
    Rule("appointment_changed", _visit_changed),
    Rule("date_gone_by", _day_gone_by),
    Rule(REACHED, _reached),
    Rule("had_this_lately", _had_lately),
    Rule("recently_contacted", _had_enough),
)


_CHOSEN: Final = (
    sa.select(
        campaign.c.list_id,
        cohort_list.c.source,
        campaign.c.template_version_id,
        campaign.c.channel,
        campaign.c.purpose,
    )
    .join(cohort_list, cohort_list.c.id == campaign.c.list_id)
    .where(campaign.c.id == sa.bindparam("this_campaign"))
)


def moment_of(
    connection: Connection,
    campaign_id: int,
    which: ColumnElement[bool],
    now: datetime,
    *,
    settings: Settings,
    contact: Contact | None = None,
    values: Mapping[str, object] | None = None,
) -> Moment:
    """
    What is asked of these messages of a campaign now.

    Args:
        values: of the parameters of `which`, where that is the same for each batch (WAITING)
    """
    chosen = connection.execute(_CHOSEN, {"this_campaign": campaign_id}).one()
    zone = ZoneInfo(settings.organisation.time_zone)
    hours = settings.release.clinical_hours
    # A correction may be that template, put right, and is due to whoever got the error
    counted = contact if chosen.source != CORRECTION else None
    return Moment(
        connection=connection,
        which=which,
        values=values or {},
        campaign_id=campaign_id,
        now=now,
        today=now.date(),
        home_today=now.astimezone(zone).date(),
        settings=settings,
        contact=contact,
        bounds=audience_of(connection, chosen.template_version_id).bounds,
        late=is_late(connection, campaign_id, hours, now),
        other_day=bool(words_of_another_day(connection, campaign_id, now, zone)),
        gone=no_longer_in(connection, chosen.list_id, sa.select(message.c.patient_id).where(which)),
        same=tuple(saying_the_same(connection, campaign_id, counted, now)) if counted else (),
        capped=counted is not None and is_capped(connection, counted, campaign_id),
        first=tuple(first_ways(connection, campaign_id)),
        **chosen._mapping,
    )


def left_out(moment: Moment) -> Found:
    """Which of the messages in question may not leave, and the reason of each; one statement."""
    key = _like(moment)
    made = _made(moment) if key is None else known(key) or keep(key, _made(moment))
    rows = moment.connection.execute(made.statement, made.values(moment.now, moment.values))
    return [(row.id, row.reason) for row in rows]


def _like(moment: Moment) -> Hashable:
    """What moments have in common that are asked the same SELECT; None: there is no other like it."""
    if moment.which is not WAITING or moment.gone is not None:
        return None
    contact, own = moment.contact, moment.settings
    counted = contact and (
        contact.most, contact.days, contact.same_days, contact.exempt_purposes,
        contact.exempt_types,
    )  # fmt: skip
    return (
        "left out", moment.campaign_id, moment.source, moment.template_version_id,
        moment.channel, moment.purpose, moment.today, moment.home_today, moment.bounds, moment.late,
        moment.other_day, moment.same, moment.capped, moment.first, counted,
        own.organisation.messaged_statuses, own.contact.restricted_tags,
    )  # fmt: skip


def _made(moment: Moment) -> Made:
    asked = [(rule.leaves_out(moment), rule.reason) for rule in RULES]
    first = sa.case(*((broken, reason) for broken, reason in asked if broken is not None))
    found = (
        sa.select(message.c.id, first.label("reason"))
        .outerjoin(patient, patient.c.id == message.c.patient_id)
        .where(moment.which)
        .subquery()
    )
    return Made(sa.select(found).where(found.c.reason.is_not(None)), moment.instant)

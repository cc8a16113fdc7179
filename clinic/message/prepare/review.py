"""
What a person looks at before anything is sent: who will be messaged, who not and why, and what it costs.

The campaign is checked and staged, and not released: until somebody confirms, nothing can be claimed
from it (ARC-6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.as_of import read_as_of
from clinic.cohort.list_index import PREVIEW
from clinic.cohort.outcomes import AFTER, BEFORE
from clinic.errors import NotAllowed, NotFound
from clinic.gateway.credit import Price, price_at
from clinic.gateway.processors import says_way
from clinic.gateway.segments import count_segments
from clinic.gateway.voice.spoken import CHARGED, SPOKEN, count_charged, unit_of
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.campaign.counting import count_outcomes, messages_of
from clinic.message.campaign.override import Override, override_of
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.campaign.said import Said, said_of
from clinic.message.credit import cost_of, price_of
from clinic.message.documents.leading import document_of
from clinic.message.failover.ways import own_columns, parts_of, says_route
from clinic.message.fallback.people import plan_of
from clinic.message.meanwhile.still_in import FROM_RECORD
from clinic.message.prepare.content import findings_of, told
from clinic.message.prepare.list_numbers import Difference, read_differences
from clinic.message.prepare.resend import source_of
from clinic.message.recall.unreached import at_once
from clinic.message.safety.coverage_asked import coverage_asked_of, first_missing
from clinic.message.safety.recall_asked import Recall, recall_of
from clinic.message.template.sensitive import ContentWarning
from clinic.message.template.typography import LettersPrice, price_of_letters
from clinic.record.database import Record
from clinic.record.safe_numbers import shown
from clinic.record.schema.lists import template, template_version
from clinic.record.schema.messages import campaign, message, recipient
from clinic.settings import Content, Settings
from clinic.values.purposes import says_of

PAGE = 10_000


@dataclass(frozen=True)
class Review:
    """
    A staged campaign before it is released.

    not_accepted: rows by outcome, most first; became: of the accepted ones, what they are by now
    rewritten: typographic characters that gave way to plain ones, and in how many messages (texts only)
    letters: what characters outside the phones' alphabet cost (texts only)
    cost: in the settings' currency, 0 where no price is set
    to_accept: codes of what was found in the messages and nobody accepted
    said: of the list: what was left out of it, and what the gate found
    differences: examples of rows whose number is not the record's
    as_of: of what day the list is, how that is known, and how old that was when the campaign was made
    asked_again: its patients are of a filter or a group, which is asked again when their message is sent
    recall: what makes it one; at_once: who will be a follow-up as it is sent, since nothing can reach them
    missing: some who are eligible and not on the list, as a person looks them up
    way: what to know of the way that its messages take: not encrypted, by whom they are processed
    fallback: how many are reached by which other channel, and what that costs at most
    document: what its messages lead to, and what to mind of it (PAT-26, ACX-11, ACX-12, ACX-16)
    purpose: what it is for, and whether objection or consent decides who gets it
    """

    campaign_id: int
    list_name: str
    channel: str
    dry_run: bool
    state: str
    outbox: bool
    rows: int
    accepted: int
    not_accepted: dict[str, int]
    became: dict[str, int]
    letters: LettersPrice
    cost: float
    warnings: tuple[ContentWarning, ...]
    said: tuple[Said, ...]
    override: Override | None
    rewritten: dict[str, int]
    differences: tuple[Difference, ...] = ()
    to_accept: tuple[str, ...] = ()
    as_of: str = ""
    asked_again: bool = False
    recall: Recall | None = None
    at_once: int = 0
    missing: tuple[str, ...] = ()
    purpose: str = ""
    way: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    document: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preview:
    """One message as it would leave. `encoding` is the text's on the phone networks; of a call: spoken."""

    row_number: int
    address: str
    subject: str | None
    body: str
    segments: int
    encoding: str


def review_campaign(
    record: Record, campaign_id: int, *, segment_cost: float = 0.0, content: Content | None = None,
    settings: Settings | None = None,
) -> Review:  # fmt: skip
    """
    Review a staged campaign (ACX-25 to ACX-28, PAT-13, COM-4).

    segment_cost: where no settings are given
    settings: to say by which way its messages go, who processes them there, and what they cost

    Raises:
        NotFound: there is no such campaign
    """
    with record.read() as connection:
        own = get_campaign(connection, campaign_id)
        counts = count_outcomes(connection, campaign_id)
        said = said_of(connection, campaign_id)
        override = override_of(connection, campaign_id)
        findings = findings_of(connection, campaign_id)
        as_of = read_as_of(connection, own.list_id)
        source = source_of(connection, own)
        recall = recall_of(connection, campaign_id)
        missing = first_missing(connection, coverage_asked_of(connection, campaign_id))
        price = price_of(settings, own) if settings else Price(segment_cost)
        by_country = cost_of(connection, own, price) if price.countries else None
        fallback = _fallback(connection, settings, own)
        document = document_of(connection, own)
    left_out = {code: rows for code, rows in counts.items() if code in BEFORE}
    messaged = {code: rows for code, rows in counts.items() if code in AFTER}
    letters = _price(record, campaign_id, own.channel)
    changed = orjson.loads(own.rewritten or "{}")
    return Review(
        campaign_id=campaign_id,
        list_name=own.list_name,
        channel=own.channel,
        dry_run=own.dry_run,
        state=own.state,
        outbox=own.gateway == states.OUTBOX and not own.dry_run,
        rows=own.rows,
        accepted=sum(messaged.values()),
        not_accepted=left_out,
        became=messaged,
        letters=letters,
        cost=letters.segments * price.segment if by_country is None else by_country.money,
        warnings=tuple(
            ContentWarning(one.code, told(one, content or Content())) for one in findings
        ),
        said=said,
        override=override,
        to_accept=() if own.dry_run else tuple(one.code for one in findings if one.to_accept),
        rewritten=changed,
        differences=tuple(read_differences(record, campaign_id)),
        as_of=as_of.says_on(own.created_at.date()),
        asked_again=source in FROM_RECORD,
        recall=recall,
        at_once=at_once(left_out) if recall else 0,
        missing=missing,
        purpose=says_of(own.purpose),
        way=_way(settings, own),
        fallback=fallback,
        document=document.lines if document else (),
    )


def _fallback(connection: Connection, settings: Settings | None, own: Campaign) -> tuple[str, ...]:
    plan = plan_of(connection, own)
    if plan is None:
        return ()
    names = (own.fallback_gateways or "").split()
    if settings is None or own.dry_run or names == [states.OUTBOX]:
        return (plan.says,)
    way = [f"{name}: {says}" for name in names for says in says_way(settings, name)]
    if plan.by not in CHARGED:
        return (plan.says, *way)
    most = plan.segments * price_at(settings, names[0], plan.by).segment
    unit = f"{plan.segments:,} {unit_of(plan.by)}s"
    price = f", {most:,.2f} in all" if most else ""
    return (plan.says, f"That comes to {unit} at most{price}.", *way)


def _way(settings: Settings | None, own: Campaign) -> tuple[str, ...]:
    kept = own.dry_run or own.gateway == states.OUTBOX
    if settings is None or kept:
        return ()
    return way_of(settings, parts_of(own.gateway, own_columns(own)))


def way_of(settings: Settings, parts: Mapping[str, float]) -> tuple[str, ...]:
    """What to know of the way through these gateways, each with its part of the messages."""
    route = says_route(parts)
    several = "{name}: {says}" if route else "{says}"
    each = [
        several.format(name=name, says=says) for name in parts for says in says_way(settings, name)
    ]
    return (*([route] if route else []), *each)


def _price(record: Record, campaign_id: int, channel: str) -> LettersPrice:
    total = LettersPrice(0, 0, 0)
    if channel not in CHARGED:
        return total
    for bodies in _bodies(record, campaign_id):
        if channel == "voice":  # every letter is spoken: none costs more
            spoken = sum(count_charged(channel, bodies))
            total = LettersPrice(0, total.segments + spoken, total.without + spoken)
            continue
        part = price_of_letters(bodies)
        total = LettersPrice(
            total.messages + part.messages,
            total.segments + part.segments,
            total.without + part.without,
        )
    return total


def _bodies(record: Record, campaign_id: int) -> Iterator[list[str]]:
    # One that tells others of its number too is paid once
    own = messages_of(campaign_id) & message.c.told_by.is_(None)
    query = sa.select(message.c.id, message.c.body).where(own)
    last = 0
    while True:
        with record.read() as connection:
            page = connection.execute(
                query.where(message.c.id > last).order_by(message.c.id).limit(PAGE)
            ).all()
        if not page:
            return
        yield [row.body for row in page]
        last = page[-1].id


def read_previews(
    record: Record, campaign_id: int, *, limit: int = 3, row: int | None = None
) -> list[Preview]:
    """
    Messages of a staged campaign (ACX-31): that of one row of the list; else the longest, then the first.

    Raises:
        NotFound: that row gets no message; says why
    """
    address = shown(message.c.address, message.c.patient_id).label("shown")
    query = sa.select(message, address).where(messages_of(campaign_id))
    if row is not None:
        query = query.where(message.c.row_number == row)
    with record.read() as connection:
        # The dearest tells most: what an accent costs, and whether the text is too long with a long name
        longest = connection.execute(
            query.order_by(message.c.segments.desc(), message.c.id).limit(1)
        ).all()
        if row is not None and not longest:
            raise _no_message(connection, campaign_id, row)
        others = query.where(message.c.id.not_in([one.id for one in longest]))
        rest = connection.execute(others.order_by(message.c.id).limit(limit - 1)).all()
    return [
        Preview(
            one.row_number, one.shown, one.subject, one.body, one.segments,
            SPOKEN if one.channel == "voice" else count_segments(one.body).encoding,
        )
        for one in (*longest, *rest)
    ]  # fmt: skip


def _no_message(connection: Connection, campaign_id: int, row: int) -> NotFound:
    query = sa.select(recipient.c.outcome).where(
        recipient.c.campaign_id == campaign_id, recipient.c.row_number == row
    )
    outcome = connection.execute(query).scalar_one_or_none()
    why = f"its outcome is {outcome}" if outcome else "the list has no such row"
    return NotFound("row-without-message", f"row {row} gets no message: {why}")


def request_of(record: Record, campaign_id: int) -> MessageRequest:
    """
    The request that finds this campaign again and carries on with it.

    Raises:
        NotFound: there is no such campaign
        NotAllowed: it has ended
    """
    other, others = template.alias(), template_version.alias()
    query = (
        sa.select(campaign, template.c.key, template_version.c.version, other.c.key.label("other"))
        .join(template_version, template_version.c.id == campaign.c.template_version_id)
        .join(template, template.c.id == template_version.c.template_id)
        .outerjoin(others, others.c.id == campaign.c.fallback_version_id)
        .outerjoin(other, other.c.id == others.c.template_id)
        .where(campaign.c.id == campaign_id)
    )
    with record.read() as connection:
        get_campaign(connection, campaign_id)
        row = connection.execute(query).one()
        recall = recall_of(connection, campaign_id)
        coverage = coverage_asked_of(connection, campaign_id)
    if row.state in states.ENDED or row.request_key.startswith(PREVIEW):
        raise NotAllowed(
            "campaign-ended",
            f"campaign {campaign_id} is {row.state}: there is nothing to carry on with; "
            f"see: cohort show {campaign_id}",
        )
    return MessageRequest(
        list_name=row.list_name,
        cohort=CohortChoice(list_id=row.list_id),
        template=row.key,
        template_version=row.version,
        channel=row.channel,
        snomed_codes=(row.snomed_codes or "").split(),
        save_to_record=row.save_to_record or row.dry_run,
        save_when=row.save_when,
        dry_run=row.dry_run,
        outbox=row.gateway == states.OUTBOX,
        start_at=row.start_at,
        stagger_days=row.stagger_days,
        per_second=row.pace_second,
        per_hour=row.pace_hour,
        per_day=row.pace_day,
        recall_by=recall.by if recall else None,
        recall_owner=recall.owner if recall else None,
        recall_codes=list(recall.codes) if recall else [],
        covers=list(coverage.covers) if coverage else [],
        fallback=row.fallback or "off",
        fallback_after=row.fallback_after,
        fallback_template=row.other,
        attachment_sha256=row.attachment_sha256,
        workers=row.workers,
        requested_by=row.requested_by,
        request_key=row.request_key,
    )

"""
Open a campaign as it was asked for: once for a request, and not twice for the same list by mistake.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from clinic.clock import Clock
from clinic.cohort.filters import there_are
from clinic.cohort.rows import require_rows
from clinic.errors import CohortRefused, ListRefused, NotFound
from clinic.message import states
from clinic.message.audience.audience import audience_of
from clinic.message.audience.classes import RECALL
from clinic.message.campaign.asked import Terms, values_of
from clinic.message.campaign.campaign import Campaign, campaigns_where
from clinic.message.campaign.counting import messages_of
from clinic.message.campaign.sending_stop import require_sending
from clinic.message.campaign.trail import tell_requested
from clinic.message.codes import draw_base
from clinic.message.safety.coverage_asked import CoverageAsked, keep_coverage
from clinic.message.safety.recall_asked import Recall, keep_recall
from clinic.message.template.purpose import SAID
from clinic.record.database import Record
from clinic.record.schema.lists import (
    cohort_list,
    template,
    template_purpose,
    template_version,
)
from clinic.record.schema.messages import batch, campaign, installation, message, submission
from clinic.record.template_versions import select_version


@dataclass(frozen=True, kw_only=True)
class CampaignRequest(Terms):
    """
    What was asked for: its terms, and the keys of what it is made of.

    request_key: the same key is the same campaign, however often it is asked for
    version: of the template; None for its newest
    again: send although the same list had the same template before
    recall: what makes it one; usual_recall: what does where its template is of that class
    coverage: who is eligible and not on the list, where that was asked
    workers: so many runs send it together; no term of it, since what is sent stays the same
    """

    request_key: str
    list_id: int
    template: str
    version: int | None = None
    again: bool = False
    recall: Recall | None = None
    usual_recall: Recall | None = None
    coverage: CoverageAsked | None = None
    workers: int = 1


class _Source(NamedTuple):
    """What a campaign takes of its list."""

    name: str
    sha256: str
    rows: int | None  # None: not imported to its end
    rows_gone_at: datetime | None


class _Chosen(NamedTuple):
    """What a campaign takes of its template."""

    version_id: int
    purpose: str


def open_campaign(record: Record, clock: Clock, request: CampaignRequest) -> int:
    """
    Make the campaign, or find the one that this request made before; its id.

    Raises:
        NotFound: no such list, template or version
        CohortRefused: the same list had, or will have, the same template (names that campaign), or the
            request key belongs to a campaign that was asked for otherwise
        ListRefused: the list is not whole
    """
    try:
        return _open(record, clock, request)
    except IntegrityError:
        # Another process was first, at this very instant: now what it made is there to be found
        return _open(record, clock, request)


def _open(record: Record, clock: Clock, request: CampaignRequest) -> int:
    with record.write() as connection:
        chosen = _template(connection, request)
        source = _source(connection, request.list_id)
        for known in campaigns_where(connection, campaign.c.request_key == request.request_key):
            return _same(known, request, chosen.version_id)
        if not request.dry_run:
            require_sending(connection)
        guard = _guard(source.sha256, chosen.version_id, request)
        if guard:
            _refuse_repeat(connection, guard, request.request_key)
        return _insert(connection, clock, request, chosen, source, guard)


def _source(connection: Connection, list_id: int) -> _Source:
    c = cohort_list.c
    row = connection.execute(
        sa.select(c.name, c.sha256, c.rows, c.rows_gone_at).where(c.id == list_id)
    ).one_or_none()
    if row is None:
        raise NotFound("list-unknown", f"there is no list {list_id}; see: cohort list ls")
    source = _Source._make(row)
    require_rows(list_id, source.rows_gone_at)
    if source.rows is None:
        raise ListRefused(
            "list-not-whole",
            f"list {list_id} was not imported to its end; name its file, and it is carried on with",
        )
    return source


def _template(connection: Connection, request: CampaignRequest) -> _Chosen:
    query = select_version(
        request.template, request.version, template_version.c.id, SAID.label("purpose")
    ).outerjoin(template_purpose, template_purpose.c.template_version_id == template_version.c.id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(
            "template-unknown",
            f"there is no template {request.template}{_others(connection, request)}; "
            "see: cohort templates list",
        )
    return _Chosen._make(row)


def _others(connection: Connection, request: CampaignRequest) -> str:
    """The templates that one may have meant; nothing where it is the version that there is not."""
    if request.version is not None:
        return ""
    from clinic.message.template.catalogue import (  # brings pandas, for an error alone
        OWN_TEXT,
        PREVIEW_TEXT,
    )

    catalogue = template.c.message_type.not_in([OWN_TEXT, PREVIEW_TEXT])
    return f"; {there_are(connection, template.c.key, catalogue)}"


def _same(known: Campaign, request: CampaignRequest, version_id: int) -> int:
    asked = (request.list_id, version_id, request.channel, request.dry_run)
    found = (known.list_id, known.template_version_id, known.channel, known.dry_run)
    if asked != found:
        raise CohortRefused(
            "request-changed",
            f"campaign {known.id} was asked for with another list, template or channel; start a new one",
        )
    return known.id


def _guard(list_sha256: str, version_id: int, request: CampaignRequest) -> str | None:
    if request.again:
        return None  # the sender asked for it
    key = f"{list_sha256}/{version_id}/{request.channel}"
    if request.dry_run or request.gateway == states.OUTBOX:
        key += f"/{request.request_key}"  # nothing is sent: it is never a repeat
    return hashlib.sha256(key.encode()).hexdigest()


def _refuse_repeat(connection: Connection, guard: str, request_key: str) -> None:
    """
    Nobody has the same list twice by mistake, and nobody is told that it was sent when it was not.

    Raises:
        CohortRefused: a campaign had it, code "sent-before"; or has it and may send it yet, "same-list-open"
    """
    first = connection.execute(
        sa.select(campaign.c.id, campaign.c.created_at, campaign.c.state).where(
            campaign.c.send_guard == guard,
            # Our own, made by another process since we looked, is no repeat: the insert will say so
            campaign.c.request_key != request_key,
        )
    ).one_or_none()
    if first is None:
        return
    made = f"campaign {first.id} of {first.created_at:%d %b %Y %H:%M} UTC"
    if has_left(connection, first.id):
        raise CohortRefused(
            "sent-before",
            f"{made} had this list and this template. See: cohort show {first.id}. "
            "To send it once more, ask with --again",
        )
    if first.state == states.COMPLETED:  # nothing of it left, and nothing will
        own = campaign.c.id == first.id
        connection.execute(sa.update(campaign).where(own).values(send_guard=None))
        return
    raise CohortRefused(
        "same-list-open",
        f"{made} has this list and this template, and has sent nothing yet "
        f"({first.state.replace('_', ' ')}). {_way_on(first.id, first.state)}",
    )


def _way_on(campaign_id: int, state: str) -> str:
    """How what has sent nothing goes on or ends, as sentences."""
    if state == states.MISSED:
        return f"Let that one go: cohort resume {campaign_id}"
    end = f"Or end it, and ask again: cohort cancel {campaign_id}"
    if state in (states.CHECKING, states.AWAITING_APPROVAL):
        return f"Go on with that one: cohort message --resume {campaign_id}. {end}"
    word = "resume" if state in (states.PAUSED, states.HELD_CAMPAIGN) else "show"
    return f"Go on with that one: cohort {word} {campaign_id}. {end}"


def has_left(connection: Connection, campaign_id: int) -> bool:
    """
    Whether a message of it left, or may have.

    What was proven not to have been sent did not; of a record that was set back nobody knows.
    """
    went = sa.select(message.c.id).where(
        messages_of(campaign_id), message.c.state.in_([*states.LEFT, states.UNKNOWN])
    )
    tried = (
        sa.select(submission.c.id)
        .join(batch, batch.c.id == submission.c.batch_id)
        .where(
            batch.c.campaign_id == campaign_id,
            submission.c.state.in_([states.INTENT, states.AMBIGUOUS]),
        )
    )
    doubted = sa.select(campaign.c.id).where(
        campaign.c.id == campaign_id, campaign.c.doubt_since.is_not(None)
    )
    return bool(connection.scalar(sa.select(went.exists() | tried.exists() | doubted.exists())))


def _insert(
    connection: Connection,
    clock: Clock,
    request: CampaignRequest,
    chosen: _Chosen,
    source: _Source,
    guard: str | None,
) -> int:
    terms = values_of(request, Terms)
    if request.dry_run:
        terms["save_to_record"] = False
    key = connection.execute(
        sa.insert(campaign)
        .values(
            **terms,
            request_key=request.request_key,
            message_base=next_base(connection),
            list_id=request.list_id,
            template_version_id=chosen.version_id,
            list_name=source.name,
            purpose=chosen.purpose,
            state=states.CHECKING,
            send_guard=guard,
            rows=source.rows,
            workers=request.workers,
            fallback_epoch=connection.scalar(sa.select(installation.c.epoch)),
            created_at=clock.now(),
        )
        .returning(campaign.c.id)
    ).scalar_one()
    of_class = RECALL in audience_of(connection, chosen.version_id).classes
    recall = request.recall or (request.usual_recall if of_class else None)
    if recall is not None:
        keep_recall(connection, int(key), recall)
    if request.coverage is not None:
        keep_coverage(connection, int(key), request.coverage)
    tell_requested(connection, int(key), clock.now())
    return int(key)


def next_base(connection: Connection) -> int:
    """A new campaign's `message_base`; of two at once that draw the same the second tries again."""
    return draw_base(connection.scalar(sa.select(sa.func.max(campaign.c.message_base))))

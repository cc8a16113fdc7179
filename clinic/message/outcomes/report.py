"""
What became of campaigns, read from the ledger and never from memory.

How rows are counted: counting.py. What OK and Error mean: verdict.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.as_of import read_as_of
from clinic.cohort.list_index import is_preview
from clinic.govern.approvals.approvals import latest
from clinic.link.standing import links_of
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, campaigns_where, get_campaign
from clinic.message.campaign.counting import SEGMENTS, count_outcomes, messages_of
from clinic.message.campaign.override import Override, override_of
from clinic.message.documents.leading import document_of
from clinic.message.fallback.proof import first_ways
from clinic.message.following.standing import fallback_of
from clinic.message.outcomes.summary import (
    count_by_gateway,
    say_by_gateway,
    tried_again,
    trouble_of,
)
from clinic.message.outcomes.verdict import not_accepted, status, verdict
from clinic.message.prepare.resend import may_resend
from clinic.message.recall.standing import RecallStanding, standing_of
from clinic.message.safety.corrected import corrects
from clinic.message.safety.corrected_by import corrections_of
from clinic.message.safety.coverage_asked import coverage_asked_of
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, template, template_version
from clinic.record.schema.messages import campaign
from clinic.settings import Release, Settings

Count = Callable[[Connection, int], dict[str, int]]
# What is accepted where nobody hands in the settings
_ACCEPTED: Final = Release().accepted_errors


@dataclass(frozen=True)
class CampaignLine:
    """
    A campaign as the list of campaigns shows it (PAT-19). `verdict`: OK, Error, or its state.

    recall: "running", "open: 3" follow-ups, or "complete"; empty: it is none
    """

    # Whose first or next message may have a time to be told
    _MAY_WAIT: ClassVar = frozenset({states.AWAITING_APPROVAL, states.SCHEDULED, states.RUNNING})

    id: int
    at: datetime
    sender: str
    first_line: str
    channel: str
    list_name: str
    rows: int
    state: str
    verdict: str
    not_accepted: int
    dry_run: bool
    outbox: bool
    recall: str = ""

    @property
    def waits(self) -> bool:
        """Whether it may be worth asking when it starts or goes on."""
        return self.state in self._MAY_WAIT

    @property
    def status(self) -> str:
        """The verdict, with the rows that were not accepted beside it, and how its recall stands."""
        says = status(self.verdict, self.not_accepted, kept=self.outbox)
        return f"{says}, recall {self.recall}" if self.recall else says


@dataclass(frozen=True)
class Decision:
    """What the second approver said, and why."""

    approved: bool
    by: str
    at: datetime | None
    note: str | None


@dataclass(frozen=True)
class CampaignDetails:
    """
    A campaign with everything that `cohort show` tells; `counts` by outcome add up to `rows`.

    trouble: what the gateway said when it took nothing, if something waits for that reason; tried_again: when
    override: who answers for a list that its checks stopped, or would have, and why
    recall: how it stands, if it is one; coverage: how many are eligible and not on the list, if it was asked
    as_of: of what day its list is, and how that is known
    gateway: all of them; by_gateway: of several what each was given, in words
    by_channel: whom it and those that follow it by another channel have; fallback: how that stands
    document: what its messages lead to, and how many links were opened, are locked, expired or revoked
    follows: the campaign by another channel whose unreached it messages
    resend_of: the campaign whose failures it sends again; resendable: whether its own may be
    """

    line: CampaignLine
    template: str
    version: int
    text: str
    gateway: str
    by_gateway: str
    by_channel: str
    fallback: str
    document: str
    follows: int | None
    state: str
    state_reason: str | None
    save_when: str | None
    snomed_codes: str | None
    released_at: datetime | None
    finished_at: datetime | None
    segments: int
    counts: dict[str, int]
    trouble: str | None
    tried_again: datetime | None
    resend_of: int | None
    corrects: int | None
    corrected_by: tuple[int, ...]
    resendable: bool
    decision: Decision | None
    override: Override | None
    recall: RecallStanding | None
    coverage: str
    as_of: str


class _Text(NamedTuple):
    """What a campaign says, and where its list came from."""

    campaign_id: int
    template: str
    version: int
    body: str
    source: str


def list_campaigns(
    record: Record, *, limit: int = 50, accepted_errors: float = _ACCEPTED,
    before: int | None = None, count: Count = count_outcomes,
) -> list[CampaignLine]:  # fmt: skip
    """
    The latest campaigns, newest first (PAT-4, PAT-19); none that is only previewed.

    Args:
        before: only those that are older than this one: a list is gone through in pages by it
        count: how many rows of one have which outcome: for who keeps that for a moment
    """
    query = (
        _texts()
        .where(~is_preview(campaign.c.request_key))
        .order_by(campaign.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(campaign.c.id < before)
    with record.read() as connection:
        texts = [_Text._make(row) for row in connection.execute(query)]
        wanted = is_any_of(campaign.c.id, [text.campaign_id for text in texts])
        known = {own.id: own for own in campaigns_where(connection, wanted)}
        recalls = {one.campaign_id: one for one in standing_of(connection, date.min, list(known))}
        return [
            _line(
                known[key],
                text.body,
                count(connection, key),
                accepted_errors,
                recalls.get(key),
            )
            for text in texts
            for key in (text.campaign_id,)
        ]


def show_campaign(
    record: Record,
    campaign_id: int,
    *,
    accepted_errors: float = _ACCEPTED,
    today: date | None = None,
    now: datetime | None = None,
    settings: Settings | None = None,
) -> CampaignDetails:
    """
    One campaign (PAT-21). now, settings: to tell how its fallback stands; today: to tell
    which follow-ups of a recall are overdue; None: not asked.

    Raises:
        NotFound: there is no such campaign
    """
    with record.read() as connection:
        own = get_campaign(connection, campaign_id)
        text = _Text._make(connection.execute(_texts().where(campaign.c.id == campaign_id)).one())
        counts = count_outcomes(connection, campaign_id)
        recalls = standing_of(connection, today or date.min, [campaign_id])
        recall = recalls[0] if recalls else None
        coverage = coverage_asked_of(connection, campaign_id)
        fallback = fallback_of(connection, own, now or own.created_at, settings)
        segments = sa.select(SEGMENTS).where(messages_of(campaign_id))
        return CampaignDetails(
            line=_line(own, text.body, counts, accepted_errors, recall),
            template=text.template,
            version=text.version,
            text=text.body,
            gateway=own.sent_through,
            by_gateway=say_by_gateway(count_by_gateway(connection, own)),
            by_channel=fallback.by_channel if fallback else "",
            fallback=fallback.says if fallback else "",
            document=_document(connection, own, now or own.created_at),
            follows=own.resend_of if own.resend_of in first_ways(connection, own.id) else None,
            state=own.state,
            state_reason=own.state_reason,
            save_when=own.save_when if own.save_to_record else None,
            snomed_codes=own.snomed_codes,
            released_at=own.released_at,
            finished_at=own.finished_at,
            segments=connection.scalar(segments) or 0,
            counts=counts,
            trouble=trouble_of(connection, campaign_id),
            tried_again=tried_again(connection, campaign_id),
            resend_of=own.resend_of,
            corrects=corrects(connection, own.id),
            corrected_by=tuple(corrections_of(connection, own.id)),
            resendable=may_resend(own, text.source),
            decision=_decision(connection, campaign_id),
            override=override_of(connection, campaign_id),
            recall=recall,
            coverage=coverage.says if coverage else "",
            as_of=read_as_of(connection, own.list_id).says,
        )


def _document(connection: Connection, own: Campaign, now: datetime) -> str:
    """ACX-14: what is known of the links to its document."""
    found = document_of(connection, own)
    return f"{found.says}: links {links_of(connection, own.id, now).says}" if found else ""


def _decision(connection: Connection, campaign_id: int) -> Decision | None:
    """Of the last request for approval; None: nobody was asked, or nobody has decided."""
    asked = latest(connection, subject="campaign", subject_id=campaign_id)
    if asked is None or not asked.decided_by:
        return None
    return Decision(asked.state != "rejected", asked.decided_by, asked.decided_at, asked.note)


def _texts() -> sa.Select[tuple[int, str, int, str, str]]:
    return (
        sa.select(
            campaign.c.id,
            template.c.key,
            template_version.c.version,
            template_version.c.body,
            cohort_list.c.source,
        )
        .join(template_version, template_version.c.id == campaign.c.template_version_id)
        .join(template, template.c.id == template_version.c.template_id)
        .join(cohort_list, cohort_list.c.id == campaign.c.list_id)
    )


def _line(
    own: Campaign, body: str, counts: dict[str, int], accepted_errors: float,
    recall: RecallStanding | None,
) -> CampaignLine:  # fmt: skip
    return CampaignLine(
        id=own.id,
        at=own.released_at or own.created_at,
        sender=own.requested_by,
        first_line=body.strip().partition("\n")[0],
        channel=own.channel,
        list_name=own.list_name,
        rows=own.rows,
        state=own.state,
        verdict=verdict(own.state, counts, accepted_errors=accepted_errors),
        not_accepted=not_accepted(counts),
        dry_run=own.dry_run,
        outbox=own.gateway == states.OUTBOX and not own.dry_run,
        recall=recall.short if recall else "",
    )

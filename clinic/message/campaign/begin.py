"""Begins a campaign as it was asked for: the list is imported, the campaign is made. Once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.cohort.as_of import dating_of, group_as_of
from clinic.cohort.filters import filter_query, group_query
from clinic.cohort.import_list import take_in_file, take_in_query
from clinic.errors import CohortRefused, NotAllowed
from clinic.govern.people.refused import require_here
from clinic.govern.tied import only_theirs
from clinic.govern.tied import require_subject as require_list
from clinic.message.audience.clinical import require_in_time
from clinic.message.campaign.opening import CampaignRequest, open_campaign
from clinic.message.campaign.override import keep_override
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.failover.ways import columns_of
from clinic.message.intake.columns import keeping_for
from clinic.message.intake.document import require_document
from clinic.message.intake.fallback import NONE, fallback_asked
from clinic.message.intake.may_ask import require_may_ask
from clinic.message.safety.accepted import keep_acceptances
from clinic.message.safety.corrected import take_in_corrected
from clinic.message.safety.coverage_asked import CoverageAsked, ask_coverage, read_covers
from clinic.message.safety.recall_asked import Recall, recall_asked, require_recall_date
from clinic.message.template.emails import require_receipts, require_subject
from clinic.record.database import Record
from clinic.record.schema.messages import campaign
from clinic.settings import Settings
from clinic.values.snomed import check_snomed_codes

_THIS_MINUTE: Final = timedelta(minutes=1)  # times are typed without seconds


def begin_campaign(
    record: Record,
    clock: Clock,
    settings: Settings,
    request: MessageRequest,
    *,
    request_key: str,
    gateway: str,
    batch_limit: int,
) -> int:
    """
    Take the cohort in and make its campaign; the campaign's id. The same request key gives the same.

    Raises:
        ListRefused, NotFound, CohortRefused, NotAllowed: what to fix; nothing was sent
    """
    require_channel(settings, request.channel)
    save_when = request.save_when
    save_when = settings.organisation.save_when if save_when == "as set" else save_when
    if request.channel == "email":
        if request.save_to_record and not request.dry_run:
            require_receipts(settings, save_when)
        require_subject(record, request.template, request.template_version)
    codes = check_snomed_codes(request.snomed_codes)
    read_covers(request.covers)
    start_at = _start(settings, request)
    recall = recall_asked(
        request.recall_by, request.recall_owner or "", request.recall_codes, settings.recall.owner
    )
    if (start_at or recall) and not _is_known(record, request_key):
        if start_at is not None:
            require_start(settings, start_at, clock.now())
        require_recall_date(recall, clock.now(), settings.organisation.time_zone)
    if not request.dry_run and not _is_known(record, request_key):
        require_in_time(
            record, request.template, request.template_version, start_at=start_at,
            days=request.stagger_days, now=clock.now(), hours=settings.release.clinical_hours,
        )  # fmt: skip
    fallback = NONE
    if not _is_known(record, request_key):
        fallback = fallback_asked(
            record, settings, request, corrects=request.cohort.corrects is not None, save_when=save_when,
            gateway=gateway,
        )  # fmt: skip
        if fallback["fallback"] is not None:
            require_channel(settings, fallback["fallback"])
    if not _is_known(record, request_key):
        require_document(
            record, settings, request.attachment_sha256, channels=(request.channel, fallback["fallback"]),
            gateway=gateway, dry_run=request.dry_run,
        )  # fmt: skip
    sender = request.requested_by or settings.operator
    require_here(record, sender)
    if not request.dry_run and not _is_known(record, request_key):
        require_may_ask(
            record, settings, sender, named=request.requested_by is not None,
            key=request.template, version=request.template_version,
        )  # fmt: skip
    list_id = _take_in(
        record, clock, settings, request, request_key=request_key, sender=sender, gateway=gateway
    )
    asked = CampaignRequest(
        request_key=request_key,
        list_id=list_id,
        template=request.template,
        version=request.template_version,
        channel=request.channel,
        gateway=gateway,
        **columns_of(settings, request.channel, gateway),
        **fallback,
        batch_size=min(settings.batch_size, batch_limit),
        requested_by=sender,
        save_to_record=request.save_to_record,
        save_when=save_when,
        snomed_codes=" ".join(codes) or None,
        dry_run=request.dry_run,
        again=request.again,
        start_at=start_at,
        latest_start=start_at and start_at + timedelta(hours=settings.release.late_hours),
        stagger_days=request.stagger_days,
        pace_second=request.per_second,
        pace_hour=request.per_hour,
        pace_day=request.per_day,
        attachment_sha256=request.attachment_sha256,
        workers=request.workers or settings.campaign_workers,
        recall=recall,
        usual_recall=_usual_recall(settings, start_at or clock.now()),
        coverage=find_coverage(
            record, clock, settings, request.covers, list_id, request_key, by=sender
        ),
    )
    campaign_id = open_asked(record, clock, asked, override=request.override_gate)
    keep_acceptances(record, clock, campaign_id, request.accept, by=sender)
    return campaign_id


def open_asked(
    record: Record, clock: Clock, asked: CampaignRequest, *, override: str | None
) -> int:
    """Open the campaign of a request, with who answers for a list that its checks stop, and why."""
    campaign_id = open_campaign(record, clock, asked)
    if override is not None:
        keep_override(record, clock, campaign_id, by=asked.requested_by, reason=override)
    return campaign_id


def require_channel(settings: Settings, channel: str) -> None:
    """
    Whether this organisation uses that way to patients at all.

    Raises:
        NotAllowed: it is switched off
    """
    if channel not in settings.organisation.channels:
        raise NotAllowed(
            "channel-off",
            f"{channel} is switched off for this organisation (organisation.channels)",
        )


def require_start(settings: Settings, start_at: datetime, now: datetime) -> None:
    """
    Whether a campaign can be asked to start then: not before now, and not absurdly far ahead.

    Raises:
        CohortRefused: it cannot; says what time it is
    """
    zone = ZoneInfo(settings.organisation.time_zone)
    asked, clock = (f"{at.astimezone(zone):%-d %b %Y %H:%M}" for at in (start_at, now))
    if start_at < now - _THIS_MINUTE:
        raise CohortRefused(
            "start-past",
            f"the start {asked} is in the past: it is {clock} ({zone}). Name a later time, or none to "
            "start at once",
        )
    farthest = now + timedelta(days=settings.release.farthest_days)
    if start_at > farthest:
        raise CohortRefused(
            "start-too-far",
            f"the start {asked} is more than {settings.release.farthest_days:g} days ahead "
            "(release.farthest_days): check the year",
        )


def _is_known(record: Record, request_key: str) -> bool:
    """Whether this is the same request again: its start was judged when it was first made."""
    with record.read() as connection:
        found = connection.scalar(
            sa.select(campaign.c.id).where(campaign.c.request_key == request_key)
        )
    return found is not None


def _start(settings: Settings, request: MessageRequest) -> datetime | None:
    """When it starts; a time without a zone is one of the organisation's clock."""
    at = request.start_at
    if at is None:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=ZoneInfo(settings.organisation.time_zone))
    return at.astimezone(UTC)


def find_coverage(
    record: Record, clock: Clock, settings: Settings, covers: Sequence[str], list_id: int,
    request_key: str, told: Collection[int] = (), *, by: str,
) -> CoverageAsked | None:  # fmt: skip
    """
    Who is eligible and not on the list, if that is asked; counted when the campaign is made, not again.

    told: patients who are not missing though they are not on it; by: the requester
    """
    if not covers or _is_known(record, request_key):
        return None
    today = clock.now().astimezone(ZoneInfo(settings.organisation.time_zone)).date()
    return ask_coverage(
        record, covers, list_id, today, statuses=settings.organisation.statuses, told=told, by=by
    )


def _usual_recall(settings: Settings, start: datetime) -> Recall:
    """Of a campaign whose template is of the class recall, where no date is named."""
    day = start.astimezone(ZoneInfo(settings.organisation.time_zone)).date()
    return Recall(day + timedelta(days=settings.recall.days), settings.recall.owner)


def usual_name(choice: CohortChoice) -> str:
    """What a list made in the record is called where nobody named it: whom it holds. A file must be named."""
    if choice.corrects is not None:
        return f"Correction of campaign {choice.corrects}"
    if choice.group is not None:
        return f"Group {choice.group}"
    if choice.query is not None:
        return f"Query {choice.query} of {choice.source}"
    wanted = choice.filter()
    return f"Filter {', '.join(wanted.criteria().values())}" if wanted else ""


def _take_in(
    record: Record,
    clock: Clock,
    settings: Settings,
    request: MessageRequest,
    *,
    request_key: str,
    sender: str,
    gateway: str,
) -> int:
    choice: CohortChoice = request.cohort
    name = request.list_name or usual_name(choice)
    if choice.list_id is not None:
        with record.read() as connection:
            require_list(connection, sender, "list", choice.list_id)
        return choice.list_id
    if choice.file is not None:
        return take_in_file(
            record,
            clock,
            Path(choice.file),
            request_key=request_key,
            name=name,
            scheme=settings.organisation.id_scheme,
            taken_by=sender,
            dating=dating_of(settings, choice.as_of),
            keeping=keeping_for(record, request.template, request.template_version, choice.keep),
        )
    if choice.corrects is not None:
        return take_in_corrected(
            record, clock, choice.corrects, request_key=request_key, name=name,
            channel=request.channel, gateway=gateway, dry_run=request.dry_run, taken_by=sender,
        )  # fmt: skip
    wanted = choice.filter()
    with record.read() as connection:
        query = (
            filter_query(connection, wanted, statuses=settings.organisation.statuses)
            if wanted
            else group_query(connection, choice.group or "")
        )
        dating = dating_of(settings)
        query = only_theirs(connection, sender, query)
        as_of = None if wanted else group_as_of(connection, choice.group or "", dating)
    return take_in_query(
        record,
        clock,
        query,
        source="filter" if wanted else "group",
        criteria=wanted.criteria() if wanted else {"group": choice.group},
        request_key=request_key,
        name=name,
        taken_by=sender,
        as_of=as_of or dating.of_file(None, clock.now()),
    )

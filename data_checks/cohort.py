"""
Checks a campaign's list: one outcome for every row, then the gate over the list as a whole.

    block of rows ─► facts ─► screen ─► recipients        for each block
                                 └─► flags ─► judge_list ─► accepted | refused as a whole

Killed in the middle it begins again: what was written of a check that did not end is taken back first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.as_of import read_as_of
from clinic.cohort.rows import BLOCK_ROWS, ListSource, get_list, read_rows
from clinic.errors import FenceLost
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.eligibility.facts import Question, duplicates, facts_of
from clinic.message.eligibility.held import HELD
from clinic.message.eligibility.numbers import DIFFERS
from clinic.message.meanwhile.still_in import FROM_RECORD
from clinic.message.prepare.texts import Texts, load_texts, load_tongues
from clinic.message.purposes import STAFF_LIST
from clinic.message.template.template import missing_variables, values_too_long
from clinic.message.template.variables import Setting, variable_frame
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import campaign, recipient
from clinic.record.statistics import count_filled, count_grown
from clinic.settings import Settings
from data_checks.eligibility.days import DaysToKeep, note_accepted, read_days_to_keep
from data_checks.eligibility.dummies import Dummies
from data_checks.eligibility.eligibility import OTHER_FACILITY, Screening, screen
from data_checks.gate.fresh import ages, fresh
from data_checks.gate.gate import Check, Verdict, judge_intake, judge_list
from data_checks.gate.named_alike import named_alike
from data_checks.gate.printed import printed
from data_checks.refusal import hold_cap, keep, known_verdict, pass_or_refuse
from data_checks.sync.stale import note_yes, stale_sources

_NEVER_OLD: Final = frozenset({STAFF_LIST})


def check_cohort(
    record: Record,
    clock: Clock,
    settings: Settings,
    campaign_id: int,
    *,
    block_rows: int = BLOCK_ROWS,
) -> Verdict:
    """
    Give every row of the campaign's list its outcome; the gate's verdict. Run again: the same verdict.

    Args:
        block_rows: how many rows are held and judged at a time

    Raises:
        CohortRefused: the gate stops the list and nobody answers for it, or it has more recipients than
            the cap allows; the campaign is refused and nothing of it can ever be sent
        FenceLost: another run checks this campaign at the same time
    """
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        source = get_list(connection, job.list_id)
        known = known_verdict(connection, job)
    if known is not None:
        return known
    _begin(record, campaign_id)
    intake = _judge_intake(record, clock, settings, job, source)
    if intake is not None:
        pass_or_refuse(record, clock, job, "intake", intake, rows=source.rows)
        note_yes(record, clock, settings, job, intake)
    if source.source == "report" and not source.rows:
        return Verdict("pass", ())  # a night without appointments is nobody's fault
    dummies = Dummies()
    with record.read() as connection:
        texts = load_texts(connection, job.template_version_id, source, channel=job.channel)
        days = read_days_to_keep(connection, job, source, texts.fixed, settings, clock.now())
    screened = _screen_all(record, clock, settings, job, source, texts, days, block_rows, dummies)
    flags = [screening.flags for screening in screened]
    together = pd.concat(flags) if flags else pd.DataFrame()
    verdict = judge_list(dummies.flags(together), gate=settings.gate)
    with record.read() as connection:
        unlike = named_alike(connection, job)
    verdict = verdict.with_check(unlike) if unlike else verdict
    pass_or_refuse(record, clock, job, "list", verdict, rows=source.rows)
    note_accepted(record, clock, job, days)
    hold_cap(record, campaign_id, settings.organisation.campaign_cap)
    with record.write() as connection:
        last = _last_row(connection, source)
        _advance(connection, campaign_id, before=last, to=last)
        if intake is not None and intake.outcome != "pass":
            keep(connection, clock, campaign_id, "intake", intake)
        keep(connection, clock, campaign_id, "list", verdict)
        count_filled(connection, source.rows or 0, recipient)
    return verdict


def _judge_intake(
    record: Record, clock: Clock, settings: Settings, job: Campaign, source: ListSource
) -> Verdict | None:
    """Whether a list is fresh, and a file has the columns of the layout and of its template."""
    fresh = _judge_age(record, clock, settings, job, source)
    if source.source != "file":
        return Verdict.of(fresh) if fresh else None
    scheme = settings.organisation.id_scheme
    with record.read() as connection:
        texts = load_texts(connection, job.template_version_id, source, channel=job.channel)
    prints = any(name.startswith("list.") for name in texts.variables)
    judged = judge_intake(source.columns, _headings(source), source.rows, scheme=scheme)
    own = (printed(source.fields.keys(), rows=source.rows),) if prints else ()
    return Verdict.of((*judged.checks, *own, *fresh))


def _judge_age(
    record: Record, clock: Clock, settings: Settings, job: Campaign, source: ListSource
) -> tuple[Check, ...]:
    """NEW-29: nothing of colleagues; of visits, which were read just now, what they came from (NEW-16)."""
    if source.source == "report":
        with record.read() as connection:
            stale = stale_sources(connection, settings, clock)
        return (stale,) if stale else ()
    if source.source in _NEVER_OLD:
        return ()
    now = clock.now()
    zone = ZoneInfo(settings.organisation.time_zone)
    with record.read() as connection:
        as_of = read_as_of(connection, source.id)
        key = connection.scalar(
            sa.select(cohort_list.c.request_key).where(cohort_list.c.id == source.id)
        )
    came = "kept" if source.source == "file" and key != job.request_key else source.source
    first = max(now, job.start_at or now)
    # A filter's patients are asked for again when their messages leave, and need not be of the start
    begins = (now if source.source in FROM_RECORD else first).astimezone(zone).date()
    last = first + timedelta(days=(job.stagger_days or 1) - 1)
    most = settings.freshness.days
    own = fresh(as_of, begins=begins, most=most, source=came)
    late = ages(as_of, ends=last.astimezone(zone).date(), most=most)
    if not own.passed or late is None or source.source in FROM_RECORD:
        return (own,)
    return (own, late)


def _headings(source: ListSource) -> dict[str, str]:
    return {name: source.columns[place] for name, place in source.fields.items()}


def _begin(record: Record, campaign_id: int) -> None:
    """Take back what a check that did not end has written."""
    with record.write() as connection:
        connection.execute(
            sa.update(campaign).where(campaign.c.id == campaign_id).values(checked_rows=0)
        )
        connection.execute(sa.delete(recipient).where(recipient.c.campaign_id == campaign_id))


def _last_row(connection: Connection, source: ListSource) -> int:
    last = sa.select(sa.func.max(list_row.c.row_number)).where(list_row.c.list_id == source.id)
    return int(connection.execute(last).scalar() or 0)


def _advance(connection: Connection, campaign_id: int, *, before: int, to: int) -> None:
    """
    Note how far the check came, if it is where we left it.

    Raises:
        FenceLost: another run has begun again, and what we know of the rows before is not what is there
    """
    moved = connection.execute(
        sa.update(campaign)
        .where(
            campaign.c.id == campaign_id,
            campaign.c.checked_rows == before,
            campaign.c.state == states.CHECKING,
        )
        .values(checked_rows=to)
    ).rowcount
    if not moved:
        raise FenceLost(
            "check-taken-over", f"another run checks campaign {campaign_id}; it goes on with it"
        )


def _screen_all(
    record: Record,
    clock: Clock,
    settings: Settings,
    job: Campaign,
    source: ListSource,
    texts: Texts,
    days: DaysToKeep,
    block_rows: int,
    dummies: Dummies,
) -> Iterator[Screening]:
    """Judge and write the rows, a block a transaction."""
    now = clock.now()
    question = Question(
        job.id, job.channel, job.purpose, now.date(), now, job.template_version_id, job.requested_by
    )  # fmt: skip
    setting = Setting(settings.organisation, clock.now())
    after = -1
    while True:
        with record.read() as connection:
            rows = read_rows(connection, source, after=after, limit=block_rows)
            if rows.empty:
                return
            facts = facts_of(connection, source, rows, question=question, settings=settings)
            rows["patient_id"] = facts["patient_id"]
            tongues = load_tongues(connection, source, texts, facts["variant"], channel=job.channel)
            names = tongues.variables
            values = variable_frame(connection, source, rows, names, setting=setting)
        longest = settings.organisation.longest_value
        facts["variable_missing"] = facts["value_too_long"] = ""
        for said, which in tongues.parts(facts["variant"]):
            given = values.loc[which, list(said.variables)]
            facts.loc[which, "variable_missing"] = missing_variables(said, given)
            facts.loc[which, "value_too_long"] = values_too_long(given, longest)
        days.judge(facts, values)
        screening = _screen(record, job, facts)
        accepted = screening.outcome == "accepted"
        facts[DIFFERS] &= accepted
        screening = replace(screening, flags=screening.flags.assign(**{DIFFERS: ~facts[DIFFERS]}))
        with record.write() as connection:
            _advance(connection, job.id, before=max(after, 0), to=int(rows.index[-1]))
            _write(connection, job.id, facts, screening)
            count_grown(connection, recipient)
        own = accepted.to_numpy(dtype=bool)
        dummies.add(rows["email" if job.channel == "email" else "mobile"], facts["address"], own)
        after = int(rows.index[-1])
        yield screening


def _screen(record: Record, job: Campaign, facts: pd.DataFrame) -> Screening:
    """Judge the rows each by itself, then leave out those that repeat one which is messaged."""
    alone = screen(facts, channel=job.channel)
    good = facts.loc[alone.outcome == "accepted", "patient_id"]
    with record.read() as connection:
        repeats = duplicates(connection, good, job.id).dropna()
    if repeats.empty:
        return alone
    facts.loc[repeats.index, "duplicate_of"] = repeats
    return screen(facts, channel=job.channel)


def _write(
    connection: Connection, campaign_id: int, facts: pd.DataFrame, screening: Screening
) -> None:
    # Whose a row of another facility is, is nothing for whoever asks
    of_others = screening.outcome == OTHER_FACILITY
    meant = facts["patient_id"].notna() & ~of_others
    ids = facts["patient_id"].astype(object).where(meant, None)
    detail = screening.detail.where(screening.detail != "", _number_kinds(facts, screening))
    detail = detail.mask(facts[DIFFERS], DIFFERS)
    columns = zip(
        facts.index.tolist(),
        ids.tolist(),
        screening.outcome.tolist(),
        detail.str[:60].tolist(),
        facts["address"].mask(of_others, "").tolist(),
        facts["evidence"]
        .where(screening.outcome == "opted_out", "")
        .mask(screening.outcome == HELD, facts["hold"])
        .tolist(),
        facts["record_version"]
        .astype(object)
        .where(facts["record_version"].notna() & ~of_others, None)
        .tolist(),
        facts["keep_day"].where(~of_others, None).tolist(),
        strict=True,
    )
    insert_rows(
        connection,
        recipient,
        (
            "campaign_id",
            "row_number",
            "patient_id",
            "outcome",
            "detail",
            "address",
            "evidence",
            "record_version",
            "keep_day",
        ),
        (
            (campaign_id, row, patient_id, outcome, *(text or None for text in texts), version, day)
            for row, patient_id, outcome, *texts, version, day in columns
        ),
    )


def _number_kinds(facts: pd.DataFrame, screening: Screening) -> pd.Series[str]:
    """What exactly is wrong with a number, where that is the row's outcome: "landline", "too_short" …"""
    says_more = screening.outcome.astype("str") == facts["address_fault"]
    return facts["address_kind"].where(says_more, "")

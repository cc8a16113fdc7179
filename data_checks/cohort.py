"""
Checks a campaign's list: one outcome for every row, then the gate over the list as a whole.

    block of rows ─► facts ─► screen ─► recipients        for each block
                                 └─► flags ─► judge_list ─► accepted | refused as a whole

Killed in the middle it begins anew: what was written of a check that did not end is taken back first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.eligible import Question, facts_of
from clinic.cohort.rows import ListSource, get_list, read_rows
from clinic.errors import CohortRefused
from clinic.message import states
from clinic.message.campaign import get_campaign
from clinic.message.stage import load_texts
from clinic.message.variables import Setting, first_missing, variable_frame
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import campaign, check_result, recipient
from clinic.settings import Settings
from data_checks.eligibility import Screening, screen
from data_checks.gate import Verdict, judge_intake, judge_list


def check_cohort(record: Record, clock: Clock, settings: Settings, campaign_id: int) -> Verdict:
    """
    Give every row of the campaign's list its outcome; the gate's verdict. Run again: the same verdict.

    Raises:
        CohortRefused: the gate stops the list, or it has more recipients than the cap allows; the
            campaign is refused and nothing of it can ever leave
    """
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        source = get_list(connection, job.list_id)
        known = _known_verdict(connection, campaign_id)
    if known is not None:
        return known
    _begin(record, campaign_id)
    intake = judge_intake(
        source.columns, _headings(source), source.rows, scheme=settings.organisation.id_scheme
    ) if source.source == "file" else None  # fmt: skip
    if intake is not None and intake.outcome == "stop":
        _refuse(record, clock, campaign_id, "intake", intake)
    flags = [s.flags for s in _screen_all(record, clock, settings, job, source)]
    verdict = judge_list(pd.concat(flags) if flags else pd.DataFrame(), gate=settings.gate)
    if verdict.outcome == "stop":
        _refuse(record, clock, campaign_id, "list", verdict)
    _hold_cap(record, campaign_id, settings.organisation.campaign_cap)
    with record.write() as connection:
        _keep(connection, clock, campaign_id, "list", verdict)
    return verdict


def _headings(source: ListSource) -> dict[str, str]:
    return {name: source.columns[place] for name, place in source.fields.items()}


def _known_verdict(connection: Connection, campaign_id: int) -> Verdict | None:
    text = connection.execute(
        sa.select(check_result.c.checks).where(
            check_result.c.campaign_id == campaign_id, check_result.c.suite == "list"
        )
    ).scalar_one_or_none()
    return None if text is None else Verdict.from_json(text)


def _begin(record: Record, campaign_id: int) -> None:
    with record.write() as connection:
        connection.execute(sa.delete(recipient).where(recipient.c.campaign_id == campaign_id))


def _screen_all(
    record: Record, clock: Clock, settings: Settings, job: sa.Row[Any], source: ListSource
) -> Iterator[Screening]:
    """Judge and write the rows, a block a transaction."""
    question = Question(job.id, job.channel, job.purpose, clock.now().date())
    setting = Setting(settings.organisation, clock.now())
    with record.read() as connection:
        texts = load_texts(connection, job.template_version_id, source)
    after = -1
    while True:
        with record.read() as connection:
            rows = read_rows(connection, source, after=after)
            if rows.empty:
                return
            facts = facts_of(connection, source, rows, question=question, settings=settings)
            rows["patient_id"] = facts["patient_id"]
            values = variable_frame(connection, source, rows, texts.required, setting=setting)
        facts["variable_missing"] = first_missing(values)
        screening = screen(facts, channel=job.channel)
        after = int(rows.index[-1])
        with record.write() as connection:
            _write(connection, job.id, facts, screening)
        yield screening


def _write(
    connection: Connection, campaign_id: int, facts: pd.DataFrame, screening: Screening
) -> None:
    ids = facts["patient_id"].astype(object).where(facts["patient_id"].notna(), None)
    columns = zip(
        facts.index.tolist(),
        ids.tolist(),
        screening.outcome.tolist(),
        screening.detail.tolist(),
        facts["address"].tolist(),
        strict=True,
    )
    insert_rows(
        connection,
        recipient,
        ("campaign_id", "row_number", "patient_id", "outcome", "detail", "address"),
        (
            (campaign_id, row, patient_id, outcome, detail[:60] or None, address or None)
            for row, patient_id, outcome, detail, address in columns
        ),
    )
    connection.execute(
        sa.update(campaign)
        .where(campaign.c.id == campaign_id)
        .values(checked_rows=int(facts.index[-1]))
    )


def _keep(
    connection: Connection, clock: Clock, campaign_id: int, suite: str, verdict: Verdict
) -> None:
    connection.execute(
        sa.insert(check_result).values(
            campaign_id=campaign_id,
            suite=suite,
            verdict=verdict.outcome,
            checks=verdict.to_json(),
            checked_at=clock.now(),
        )
    )


def _refuse(
    record: Record, clock: Clock, campaign_id: int, suite: str, verdict: Verdict
) -> NoReturn:
    with record.write() as connection:
        _keep(connection, clock, campaign_id, suite, verdict)
        _fill(connection, campaign_id)
        _close(connection, campaign_id, "list-refused", "list_refused")
    raise CohortRefused("list-refused", " ".join(verdict.stops))


def _hold_cap(record: Record, campaign_id: int, cap: int) -> None:
    """PAT-2, ARC-14: over the cap the whole request is refused with both counts, never cut."""
    with record.write() as connection:
        count = connection.execute(
            sa.select(sa.func.count())
            .select_from(recipient)
            .where(recipient.c.campaign_id == campaign_id, recipient.c.outcome == "accepted")
        ).scalar_one()
        if count > cap:
            _close(connection, campaign_id, "over-cap", "over_cap")
    if count > cap:
        raise CohortRefused(
            "over-cap",
            f"the list has {count:,} recipients, a campaign may have {cap:,}: nobody was messaged. "
            "Split the list, or raise organisation.campaign_cap",
        )


def _fill(connection: Connection, campaign_id: int) -> None:
    """Rows that were not judged before the list was refused are there all the same."""
    list_id = sa.select(campaign.c.list_id).where(campaign.c.id == campaign_id).scalar_subquery()
    judged = sa.select(recipient.c.row_number).where(recipient.c.campaign_id == campaign_id)
    connection.execute(
        sa.insert(recipient).from_select(
            ["campaign_id", "row_number", "patient_id", "outcome"],
            sa.select(
                sa.literal(campaign_id),
                list_row.c.row_number,
                list_row.c.patient_id,
                sa.literal("accepted"),
            ).where(list_row.c.list_id == list_id, list_row.c.row_number.not_in(judged)),
        )
    )


def _close(connection: Connection, campaign_id: int, code: str, outcome: str) -> None:
    """Nothing of the campaign ever leaves; those who would have been messaged have a reason too."""
    connection.execute(
        sa.update(recipient)
        .where(recipient.c.campaign_id == campaign_id, recipient.c.outcome == "accepted")
        .values(outcome=outcome)
    )
    connection.execute(
        sa.update(campaign)
        .where(campaign.c.id == campaign_id)
        .values(state=states.REFUSED, state_reason=code, send_guard=None)
    )

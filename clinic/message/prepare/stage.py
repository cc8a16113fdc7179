"""
Renders and stages: each accepted row becomes one message, frozen, in a batch of the ledger.

A block of rows a transaction, with the row it came to: killed anywhere, it goes on at the next row
and stages nobody twice (the message's id is made from the campaign's and the row's).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.rows import BLOCK_ROWS, ListSource, get_list, parse_cells
from clinic.gateway.voice.spoken import count_charged, unit_of
from clinic.message import states
from clinic.message.audience.audience import audience_of
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.codes import batch_id, message_id
from clinic.message.documents.leading import ending_of, lead_to
from clinic.message.meanwhile.day_moved import first_asked
from clinic.message.needs.judge import CODES as NEEDS
from clinic.message.needs.judge import judge_needs
from clinic.message.prepare.content import keep_findings
from clinic.message.prepare.judged import judge_block, neutral_variables
from clinic.message.prepare.texts import Tongues, load_texts, load_tongues
from clinic.message.prepare.whole import judge_whole
from clinic.message.reminders.remind import SOURCE as REMINDERS
from clinic.message.reminders.remind import deselected_rows, give_reminders
from clinic.message.reminders.told_visits import keep_told, read_told
from clinic.message.sharing.looked_into import look_into
from clinic.message.sharing.staged import look, manner_of, speak, without_names
from clinic.message.sharing.standing import CODES, UNCONFIRMED
from clinic.message.sharing.together import batches_of, find_tellers
from clinic.message.template.typography import count_rewritten, plain
from clinic.message.template.variables import Setting, variable_frame
from clinic.message.words.judging import Hit
from clinic.record.bulk import insert_rows, is_any_of, plain_rows
from clinic.record.database import Record
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import batch, campaign, message, recipient
from clinic.record.statistics import count_filled, count_grown

_MESSAGE_COLUMNS = (
    "id", "campaign_id", "batch_id", "patient_id", "row_number", "channel", "address", "subject",
    "body", "segments", "sensitive", "greeting", "told_by",
)  # fmt: skip


def stage(
    record: Record,
    campaign_id: int,
    *,
    setting: Setting,
    most_segments: int,
    block_rows: int = BLOCK_ROWS,
) -> int:
    """
    Stage every accepted row; how many batches there are. Running again stages only what is missing,
    and two runs at once share the work.

    Args:
        most_segments: longer texts are not sent: their rows become `message_too_long`; those of which
            nothing is left (a template that is all `if`) become `message_blank`
        block_rows: about how many rows are held and rendered at a time
    """
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        source = get_list(connection, job.list_id)
        texts = load_texts(connection, job.template_version_id, source, channel=job.channel)
        manner = manner_of(connection, job, source, setting)
        classes = audience_of(connection, job.template_version_id).classes
        asked = first_asked(connection, campaign_id)
    ending = ending_of(job, setting.door)
    others = [*neutral_variables(source, setting), *manner.variables]
    after = job.staged_rows
    while True:
        with record.read() as connection:
            rows = _accepted(connection, job, after, block_rows)
            if rows.empty:
                break
            known = look_into(
                connection, _addresses(job, rows), rows, manner.question, manner.also,
                setting.needs,
            ).known()  # fmt: skip
            seen = judge_needs(
                connection, rows["patient_id"], known, campaign_id=job.id, channel=job.channel,
                needs=setting.needs,
            )  # fmt: skip
            tongues = load_tongues(connection, source, texts, seen["variant"], channel=job.channel)
            names = list(dict.fromkeys([*tongues.variables, *others]))
            told = _visits_told(connection, source, rows, tongues, setting)
            values = variable_frame(connection, source, rows, names, setting=setting)
            standing = look(connection, manner, rows, known)
        rows["needs"] = seen["needs"]
        said = without_names(manner, values, standing, tongues.variables)
        rows[["body", "subject"]] = tongues.render(said, seen["variant"])
        rewritten: Counter[str] = Counter()
        if job.channel == "sms" and setting.organisation.plain_typography:
            rewritten = count_rewritten(rows["body"])
            rows["body"] = [plain(body) for body in rows["body"]]
        hits = judge_block(
            job, source, setting, rows, said, tongues.fixed, asked=asked, classes=classes
        )
        speak(manner, rows, values, standing, hits, tongues.fixed, tongues.variables)
        if ending:  # the practice's own sentence, and its own address: nobody is asked about them
            rows["body"] = lead_to(rows["body"], ending)
        rows["segments"] = count_charged(job.channel, rows["body"].tolist())
        with record.write() as connection:
            after = _write(
                connection, job, rows, after=after, most_segments=most_segments, source=source,
                variables=tongues.variables, rewritten=rewritten, hits=hits, told=told,
            )  # fmt: skip
    with record.write() as connection:
        count_filled(connection, after - job.staged_rows, message)
        judge_whole(connection, campaign_id, setting)
    return _count_batches(record, campaign_id)


def _visits_told(
    connection: Connection, source: ListSource, rows: pd.DataFrame, texts: Tongues, setting: Setting
) -> pd.DataFrame:
    """Which visits the texts will tell of; a reminder knows its own (remind.py)."""
    tells_of = () if source.source == REMINDERS else texts.variables
    return read_told(connection, rows["patient_id"], tells_of, setting.now)


def _count_batches(record: Record, campaign_id: int) -> int:
    with record.read() as connection:
        return int(
            connection.execute(
                sa.select(sa.func.count())
                .select_from(batch)
                .where(batch.c.campaign_id == campaign_id)
            ).scalar_one()
        )


def _accepted(connection: Connection, job: Campaign, after: int, block_rows: int) -> pd.DataFrame:
    """The next accepted rows, as many whole batches as a block holds."""
    limit = max(job.batch_size, block_rows // job.batch_size * job.batch_size)
    found = plain_rows(
        connection.execute(
            sa.select(
                recipient.c.row_number,
                recipient.c.patient_id,
                recipient.c.address,
                list_row.c.cells,
            )
            .join(
                list_row,
                (list_row.c.list_id == job.list_id)
                & (list_row.c.row_number == recipient.c.row_number),
            )
            .where(
                recipient.c.campaign_id == job.id,
                recipient.c.outcome == "accepted",
                recipient.c.row_number > after,
            )
            .order_by(recipient.c.row_number)
            .limit(limit)
        )
    )
    frame = pd.DataFrame(
        {
            "patient_id": pd.array([row[1] for row in found], dtype="Int64"),
            "address": pd.Series([row[2] for row in found], dtype=object),
            "cells": pd.Series(parse_cells([row[3] for row in found]), dtype=object),
        }
    )
    frame.index = pd.Index([row[0] for row in found], dtype="int64", name="row_number")
    return frame


def _addresses(job: Campaign, rows: pd.DataFrame) -> sa.Select[tuple[int, str]]:
    """Patient and address of these rows, where the database has them."""
    own = recipient.c
    first, last = int(rows.index[0]), int(rows.index[-1])
    return sa.select(own.patient_id, own.address).where(
        own.campaign_id == job.id,
        own.outcome == "accepted",
        own.row_number.between(first, last),
    )


def _write(
    connection: Connection,
    job: Campaign,
    rows: pd.DataFrame,
    *,
    after: int,
    most_segments: int,
    source: ListSource,
    variables: Sequence[str],
    rewritten: Counter[str],
    hits: list[Hit],
    told: pd.DataFrame,
) -> int:
    """Stage the rows that follow `after`; how far the campaign is staged then."""
    so_far = connection.execute(
        sa.select(campaign.c.staged_rows, campaign.c.rewritten)
        .where(campaign.c.id == job.id)
        .with_for_update()
    ).one()
    if so_far.staged_rows != after:
        return int(so_far.staged_rows)  # another run of the same request was here first
    too_long = rows["segments"] > most_segments
    blank = rows["body"].str.strip() == ""
    unfit = rows["unfit"] & ~too_long & ~blank
    for segments, long in rows[too_long].groupby("segments"):
        says = f"{segments} {unit_of(job.channel)}s; at most {most_segments} may be sent"
        _leave_out(connection, job.id, long.index, "message_too_long", says)
    _leave_out(connection, job.id, rows.index[blank], "message_blank")
    _leave_out(connection, job.id, rows.index[unfit], "sensitive_visit")
    ready = rows[~too_long & ~blank & ~unfit].copy()
    ready["left"] = ready["left"].mask(ready["needs"] != "", ready["needs"])  # said since the check
    for code in (*CODES, *NEEDS):
        _leave_out(connection, job.id, ready.index[ready["left"] == code], code)
    ready = ready[ready["left"] == ""]
    _remark(connection, job.id, ready.index[ready["unconfirmed"]], UNCONFIRMED)
    if source.source == REMINDERS:  # of appointments: each is reminded of once, over all campaigns
        unwanted = ready.index.intersection(deselected_rows(connection, source.id))
        _leave_out(connection, job.id, unwanted, "deselected")
        ready = ready.drop(unwanted)
        given = give_reminders(connection, job, ready.index.tolist(), variables=variables)
        _leave_out(connection, job.id, pd.Index(given), "duplicate")
        ready = ready.drop(given)
    _stage(connection, job, ready)
    keep_told(connection, job.message_base, ready, told)
    keep_findings(connection, job.id, hits, rows.index, ready.index)
    after = int(rows.index[-1])
    counts = Counter(orjson.loads(so_far.rewritten or "{}")) + rewritten
    connection.execute(
        sa.update(campaign)
        .where(campaign.c.id == job.id)
        .values(staged_rows=after, rewritten=orjson.dumps(counts).decode() if counts else None)
    )
    return after


def _leave_out(
    connection: Connection, campaign_id: int, rows: pd.Index[int], outcome: str, detail: str = ""
) -> None:
    if len(rows):
        values = {"outcome": outcome, **({"detail": detail} if detail else {})}
        connection.execute(
            sa.update(recipient)
            .where(
                recipient.c.campaign_id == campaign_id,
                is_any_of(recipient.c.row_number, rows.tolist()),
            )
            .values(values)
        )


def _remark(connection: Connection, campaign_id: int, rows: pd.Index[int], detail: str) -> None:
    """Of rows that are messaged; another remark stays."""
    if len(rows):
        connection.execute(
            sa.update(recipient)
            .where(
                recipient.c.campaign_id == campaign_id,
                is_any_of(recipient.c.row_number, rows.tolist()),
                recipient.c.detail.is_(None),
            )
            .values(detail=detail)
        )


def _stage(connection: Connection, job: Campaign, ready: pd.DataFrame) -> None:
    """In batches; one that is told by another's message is in that one's batch, and does not count for it."""
    tellers = find_tellers(connection, job, ready)
    told = ready[tellers.notna()].assign(told_by=tellers.dropna())
    ready = ready[tellers.isna()].assign(told_by=None)
    last = connection.execute(
        sa.select(sa.func.coalesce(sa.func.max(batch.c.number), 0)).where(
            batch.c.campaign_id == job.id
        )
    ).scalar_one()
    chunks = _cut(ready, job.batch_size, first=(job.canary_size or 0) if last == 0 else 0)
    for number, chunk in enumerate(chunks, start=last + 1):
        insert_rows(connection, message, _MESSAGE_COLUMNS, _messages(job, number, chunk))
    insert_rows(
        connection,
        batch,
        ("id", "campaign_id", "number", "state", "size"),
        (
            (batch_id(job.id, number), job.id, number, states.READY, len(chunk))
            for number, chunk in enumerate(chunks, start=last + 1)
        ),
    )
    for number, chunk in told.groupby(batches_of(connection, told["told_by"])):
        insert_rows(connection, message, _MESSAGE_COLUMNS, _messages(job, int(number), chunk))
        own = batch.c.id == batch_id(job.id, int(number))
        connection.execute(sa.update(batch).where(own).values(size=batch.c.size + len(chunk)))
    count_grown(connection, message)


def _cut(rows: pd.DataFrame, size: int, *, first: int) -> list[pd.DataFrame]:
    """Rows in batches of `size`, after one of `first` if a part of the campaign goes before the rest."""
    edges = [*([0] if first else []), *range(first, len(rows), size), len(rows)]
    return [rows.iloc[i:j] for i, j in itertools.pairwise(edges) if i < j]


def _messages(job: Campaign, number: int, rows: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    columns = ("patient_id", "address", *_MESSAGE_COLUMNS[7:])
    values = zip(rows.index.tolist(), *(rows[name].tolist() for name in columns), strict=True)
    for row_number, patient_id, address, *others in values:
        yield (
            message_id(job.message_base, row_number), job.id, batch_id(job.id, number), patient_id,
            row_number, job.channel, address, *others,
        )  # fmt: skip

"""
Which messages of a block are looked into at all: almost every number is an adult's, and theirs alone.

    looked into    another patient has the number; the patient is young; their number was confirmed so long ago
                   that they may have been a child then; or something is known of what they need
    the others     the record has nothing that the rules ask about

One statement a block, by index, which reads what the rules ask of whoever is looked into (standing.py, and
clinic/message/needs/judge.py).
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa
from dateutil.relativedelta import relativedelta
from sqlalchemy import Connection

from clinic.message.needs.judge import need_columns, other_channels
from clinic.message.sharing.holders import FACTS, as_facts, key_in, key_of
from clinic.record.bulk import frame_of, is_any_of, plain_rows
from clinic.record.schema.clinical import patient_need
from clinic.record.schema.people import patient
from clinic.record.statements.made import Instant, Made, keep, known
from clinic.settings import Needs, Phones, Sharing


@functools.cache
def nobody() -> pd.DataFrame:
    """`address` and `other` of no list of its own."""
    return pd.DataFrame({"address": pd.Series(dtype="str"), "other": pd.Series(dtype="int64")})


@dataclass(frozen=True)
class Question:
    """How numbers are judged."""

    channel: str
    today: date
    sharing: Sharing
    phones: Phones

    def key(self) -> Hashable:
        """What questions have in common of whose batches the same is asked."""
        own = self.sharing
        bounds = (own.child_under, own.unknown_until, own.confirm_at)
        return ("looked into", self.channel, self.today, bounds)


@dataclass(frozen=True)
class LookedInto:
    """The patients that are looked into, as the database gives them. `rows`: of most batches none."""

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def known(self) -> pd.DataFrame:
        """
        By id: what `facts_of` knows of them, what `judge_needs` asks, and `others`: whether another patient
        may have their number.
        """
        found = frame_of(self.names, self.rows)
        # Whoever has two messages is looked into if another has the number of either
        found = found.dropna(subset="id").sort_values("others", ascending=False)
        read = as_facts(found.drop_duplicates("id"))
        read["others"] = read["others"].astype(bool)
        return read


def look_into(
    connection: Connection, asked: sa.Select[Any], rows: pd.DataFrame | None, question: Question,
    also: pd.DataFrame | None = None, needs: Needs | None = None,
    values: Mapping[str, object] | None = None,
) -> LookedInto:  # fmt: skip
    """
    The patients of those messages that are looked into.

    Args:
        asked: patients and addresses of these messages, as the database has them; and perhaps whether each is
            delicate: one that is not is refused for others who have its number, and for nothing else
            (standing.left_out)
        rows: the same, `patient_id` and `address`; None: where nobody is named by `also`
        also: `address`, of those that several of a list have; None: of nobody
        needs: of whom a channel is preferred by these settings is looked into too; None: of nobody
        values: of the parameters in `asked`, which is the same for each batch; without `also` and `needs`
    """
    if values is None:
        also_has: list[int] = []
        if rows is not None and also is not None and len(also):
            also_has = rows.loc[rows["address"].isin(also["address"]), "patient_id"].tolist()
        statement = _statement(asked, question, also_has, needs)
    else:
        key = question.key()
        made = known(key) or keep(key, Made(_statement(asked, question, [], None), Instant()))
        statement = made.statement
    found = connection.execute(statement, values or {})
    return LookedInto(tuple(found.keys()), plain_rows(found))


def _statement(
    asked: sa.Select[Any], question: Question, also_has: list[int], needs: Needs | None
) -> sa.Select[Any]:
    channel, sharing = question.channel, question.sharing
    own, address, *delicate = asked.subquery("asked").c
    other = patient.alias("other")
    has_it = sa.exists().where(key_of(channel) == key_in(channel, address), other.c.id != own)
    others: sa.ColumnElement[bool] = has_it.select_from(other)
    if also_has:
        others |= is_any_of(own, also_has)
    confirmed_on = patient.c.mobile_confirmed_on
    age = sa.extract("year", confirmed_on) - sa.extract("year", patient.c.birth_date)
    prefers = patient.c.preferred_channel
    themselves = sa.or_(
        patient.c.birth_date > _youngest_adult(question),
        confirmed_on.is_not(None) & (age <= max(sharing.confirm_at, default=0)),
        patient_need.c.patient_id.is_not(None),
        prefers.in_(other_channels(channel, needs) if needs else []),
    )
    return (
        sa.select(
            own.label("id"), *(patient.c[name] for name in FACTS), prefers.label("prefers"),
            *need_columns(channel), others.label("others"),
        )
        .outerjoin(patient, patient.c.id == own)
        .outerjoin(patient_need, patient_need.c.patient_id == own)
        .where(sa.or_(sa.and_(themselves, *delicate), others))
    )  # fmt: skip


def _youngest_adult(question: Question) -> date:
    """Whoever was born before is no child, and their number is not asked for again for their age alone."""
    sharing = question.sharing
    years = max(sharing.child_under, sharing.unknown_until, *sharing.confirm_at, 0)
    return question.today - relativedelta(years=years + 1)

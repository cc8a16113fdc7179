"""
How the rows of a table are reached from one person, as SQL: one statement a table.

A route is a small description; `condition` makes of it what stands behind WHERE. Several routes of one table
are joined by OR. A person is `Subject`: keys of the record, and what they are known by where no key is.

    ByKey("patient_id")                          the row names the patient
    ByAddress("address")                         the row has a number or address of theirs
    Through(message, "reference", "id")          the row belongs to a row that is reached
    ByWords("given")                             the text has their numbers or addresses in it
    OfList()                                     a row of a list: matched, found by a campaign, or by its words
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from clinic.record.schema.messages import campaign, recipient

# Signs that people write inside a number; they count for nothing where a text is searched for it
SIGNS: Final = (" ", "-", "(", ")", ".", "\u00a0")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """
    One person, as rows may have them.

    keys: of `patient`; and minus their NHS number, by which somebody who is not in the record stands
    addresses: numbers (E.164, and as the record has them) and e-mail addresses, in lower case
    names: texts that are theirs alone where they stand in a text: NHS number, number, e-mail address
    cells: texts that are theirs where they are a whole cell of a list: the record number
    called, born: given and family name, and the birth date: a row that has all three and is nobody's is theirs
    """

    keys: tuple[int, ...] = ()
    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    born: date | None = None


@dataclass(frozen=True)
class ByKey:
    """The row names the patient by our key. `only`: a column, and its value where that is so."""

    column: str
    only: tuple[str, str] | None = None


@dataclass(frozen=True)
class ByAddress:
    """The row has a number or address of theirs; `unless`: where this column names a patient, the key rules."""

    column: str
    unless: str | None = None


@dataclass(frozen=True)
class Through:
    """The row's `column` is the `its` of a row of `table` that is reached; several with a space between."""

    table: sa.Table
    column: str
    its: str
    only: tuple[str, str] | None = None


@dataclass(frozen=True)
class ByWords:
    """The text has something of theirs in it; `unless`: where this column names a patient, the key rules."""

    column: str
    unless: str | None = None


@dataclass(frozen=True)
class OfList:
    """A row of a list: it names them, a campaign found it theirs, or it is nobody's and has their words."""


Route = ByKey | ByAddress | Through | ByWords | OfList
Routes = Mapping[str, Sequence[Route]]


def condition(table: sa.Table, subject: Subject, routes: Routes) -> ColumnElement[bool]:
    """Which rows of the table are this person's. routes: of every table, by its name."""
    found = [_one(table, subject, route, routes) for route in routes.get(table.name, ())]
    return sa.or_(sa.false(), *found)


def _one(table: sa.Table, subject: Subject, route: Route, routes: Routes) -> ColumnElement[bool]:
    match route:
        case ByKey(column, only):
            return table.c[column].in_(subject.keys) & _where(table, only)
        case ByAddress(column, unless):
            has = sa.func.lower(table.c[column]).in_(subject.addresses)
            return has & _nobodys(table, unless)
        case ByWords(column, unless):
            return _words(table.c[column], subject) & _nobodys(table, unless)
        case Through(parent, column, its, only):
            theirs = condition(parent, subject, routes)
            return _through(table, parent, (column, its), theirs) & _where(table, only)
        case OfList():
            return _of_list(table, subject)


def _nobodys(table: sa.Table, unless: str | None) -> ColumnElement[bool]:
    if unless is None:
        return sa.true()
    column = table.c[unless]
    return column.is_(None) | (column == 0)


def _words(column: sa.Column[Any], subject: Subject) -> ColumnElement[bool]:
    """Numbers are found however they were typed; a cell, where it is a whole one."""
    plain: ColumnElement[Any] = sa.func.lower(column)
    for sign in SIGNS:
        plain = sa.func.replace(plain, sign, "")
    has = [plain.contains(packed(name), autoescape=True) for name in subject.names]
    whole = [column.contains(f'"{cell}"', autoescape=True) for cell in subject.cells]
    return sa.or_(sa.false(), *has, *whole)


def _named(column: sa.Column[Any], subject: Subject) -> ColumnElement[bool]:
    """By name and birth date together: of whom a list has no number."""
    if len(subject.called) < 2 or subject.born is None:
        return sa.false()
    plain = sa.func.lower(column)
    names = [
        plain.contains(name.lower(), autoescape=True) | column.contains(name, autoescape=True)
        for name in subject.called
    ]
    days = [plain.contains(day) for day in spelled(subject.born)]
    return sa.and_(*names, sa.or_(*days))


def is_called(text: str, subject: Subject) -> bool:
    """The same of a text that is at hand."""
    if len(subject.called) < 2 or subject.born is None:
        return False
    lower = text.lower()
    named = all(name.lower() in lower for name in subject.called)
    return named and any(day in lower for day in spelled(subject.born))


def spelled(day: date) -> tuple[str, ...]:
    """A day as lists have it, in lower case: the year in full, day and month with and without zeros."""
    d, m, y = day.day, day.month, day.year
    numbers = [f"{d:02}{s}{m:02}{s}{y}" for s in "/.-"] + [f"{d}{s}{m}{s}{y}" for s in "/.-"]
    years = [f"{y}{s}{m:02}{s}{d:02}" for s in ("-", "/", "")]
    words = [
        f"{n}{s}{day:%b}{t}" for n in (f"{d:02}", str(d)) for s in " -" for t in (f" {y}", f"-{y}")
    ]
    whole = [f"{n} {day:%B} {y}" for n in (f"{d:02}", str(d))]
    return tuple(dict.fromkeys(text.lower() for text in (*numbers, *years, *words, *whole)))


def packed(name: str) -> str:
    """A number or text without the signs that people write inside it, in lower case."""
    text = name.lower()
    for sign in SIGNS:
        text = text.replace(sign, "")
    return text


def _where(table: sa.Table, only: tuple[str, str] | None) -> ColumnElement[bool]:
    return sa.true() if only is None else table.c[only[0]] == only[1]


def _through(
    table: sa.Table, parent: sa.Table, columns: tuple[str, str], theirs: ColumnElement[bool]
) -> ColumnElement[bool]:
    own, other = (names.split() for names in columns)
    if len(own) == 1:
        return table.c[own[0]].in_(sa.select(parent.c[other[0]]).where(theirs))
    same = [table.c[mine] == parent.c[name] for mine, name in zip(own, other, strict=True)]
    return sa.exists(sa.select(sa.literal(1)).select_from(parent).where(theirs, *same))


def _of_list(table: sa.Table, subject: Subject) -> ColumnElement[bool]:
    row = table.c
    found = (
        sa.select(sa.literal(1))
        .select_from(recipient.join(campaign, campaign.c.id == recipient.c.campaign_id))
        .where(campaign.c.list_id == row.list_id, recipient.c.row_number == row.row_number)
    )
    theirs = sa.exists(found.where(recipient.c.patient_id.in_(subject.keys)))
    somebodys = sa.exists(found.where(recipient.c.patient_id.is_not(None)))
    has = _words(row.cells, subject) | _named(row.cells, subject)
    words = row.patient_id.is_(None) & ~somebodys & has
    return row.patient_id.in_(subject.keys) | theirs | words

"""The shape of an entry: a table, a file, something that Prefect keeps; and each place as one `Held`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa

from clinic.personal_data.kinds import PERSONAL, Erasure, Kind, Purpose, Retention, Rows, Section
from clinic.personal_data.reach import Route

# Why a kind is in nobody's file, where the entry says no more
_WHY_NOT: Final = MappingProxyType(
    {
        Kind.KEY: "a number of ours by which rows find each other",
        Kind.WORK: "how far the work is: nothing of one person",
        Kind.SECRET: "would let others in",
    }
)
_WHY_KEPT: Final = MappingProxyType(
    {
        Kind.KEY: "it says nothing of anybody once the patient's own row is empty",
        Kind.EVENT: "that something was done, and when, stays: without it counts do not add up",
        Kind.STAFF: "who acted stays: it is not the patient's",
        Kind.PRACTICE: "the organisation's own",
        Kind.WORK: "nothing of one person",
        Kind.SECRET: "not the patient's",
        Kind.WORDS: "staff's words: looked through for names, and redacted one by one",
    }
)


@dataclass(frozen=True)
class Held:
    """
    One place that holds data: a column ("patient.mobile"), a file ("home/exports/*"), a thing of Prefect's.

    section: where a person is shown it; None: they are not, and `why_not` says why
    because: why an erasure lets it stay; empty unless `erasure` is KEEP
    third: it may be, or name, somebody else than the person whose row it is
    """

    place: str
    kind: Kind
    purpose: Purpose
    retention: Retention
    section: Section | None
    why_not: str
    erasure: Erasure
    because: str
    third: bool


@dataclass(frozen=True, kw_only=True)
class TableHeld:
    """
    A table: what all its columns share, and which column is which kind.

    about: what a row is, in the words of the page
    columns: names with a space between, by kind; each column once
    section: where a person's rows are shown them; or a sentence that says why they are not
    rows: what an erasure does with a person's rows
    routes: how their rows are found; none: no row is one person's
    also: how rows of somebody else are found in which they stand, as a proxy or by a number that was theirs:
        shown to nobody before a check, and untouched by an erasure, which is that other person's to ask for
    hidden: columns that are not shown though their kind is, and why
    erased: columns with another erasure than their kind's
    kept: columns that stay though their kind is a person's, and why
    third: columns that may be, or name, somebody else; names with a space between
    """

    table: sa.Table
    about: str
    purpose: Purpose
    retention: Retention
    columns: Mapping[Kind, str]
    section: Section | str
    rows: Rows
    routes: tuple[Route, ...] = ()
    also: tuple[Route, ...] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    erased: Mapping[str, Erasure] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    third: str = ""

    @property
    def name(self) -> str:
        """Of the table."""
        return self.table.name

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """The kind of each column that the entry names."""
        return {name: kind for kind, names in self.columns.items() for name in names.split()}

    @cached_property
    def held(self) -> Mapping[str, Held]:
        """Each column by its name, in the table's order."""
        return {
            str(column.name): self._held(column)
            for column in self.table.c
            if column.name in self.kinds
        }

    def _held(self, column: sa.Column[object]) -> Held:
        name, kind = column.name, self.kinds[column.name]
        why_not = self.hidden.get(name) or _WHY_NOT.get(kind, "")
        if isinstance(self.section, str):
            why_not = why_not or self.section
        erasure = self._erasure(column, kind)
        return Held(
            place=f"{self.name}.{name}",
            kind=kind,
            purpose=self.purpose,
            retention=self.retention,
            section=None if why_not or isinstance(self.section, str) else self.section,
            why_not=why_not,
            erasure=erasure,
            because=self.kept.get(name) or _WHY_KEPT.get(kind, "")
            if erasure is Erasure.KEEP
            else "",
            third=name in self.third.split(),
        )

    def _erasure(self, column: sa.Column[object], kind: Kind) -> Erasure:
        if column.name in self.erased:
            return self.erased[column.name]
        if self.rows is Rows.DELETE:
            return Erasure.ROW
        if self.rows is not Rows.EMPTY or column.name in self.kept:
            return Erasure.KEEP
        if kind in PERSONAL or kind is Kind.WORDS:
            return Erasure.NULL if column.nullable else Erasure.STUB
        return Erasure.KEEP


@dataclass(frozen=True, kw_only=True)
class FileHeld:
    """
    Files of an installation: `pattern` below a folder, with * for what differs.

    folder: home, notes, logs or elsewhere: where the settings say it is
    """

    folder: str
    pattern: str
    about: str
    kind: Kind
    purpose: Purpose
    retention: Retention
    erasure: Erasure
    section: Section | None = None
    why_not: str = ""
    because: str = ""

    @property
    def held(self) -> Held:
        """As one place."""
        return Held(
            place=f"{self.folder}/{self.pattern}", kind=self.kind, purpose=self.purpose,
            retention=self.retention, section=self.section, why_not=self.why_not,
            erasure=self.erasure, because=self.because, third=self.section is not None,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PrefectHeld:
    """Something that Prefect keeps of a run: `thing` as Prefect calls it."""

    thing: str
    about: str
    kind: Kind = Kind.WORK

    @property
    def held(self) -> Held:
        """As one place."""
        return Held(
            place=f"prefect/{self.thing}", kind=self.kind, purpose=Purpose.RUNNING,
            retention=Retention.PREFECT, section=None,
            why_not="keys, counts and states: no patient's value comes to Prefect",
            erasure=Erasure.KEEP, because="nothing of one person", third=False,
        )  # fmt: skip

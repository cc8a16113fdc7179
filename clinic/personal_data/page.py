"""
Writes docs/data-protection.md from the catalogue: for whoever answers for data protection.

    python -m clinic.personal_data.page

A test compares the page with this. What the program cannot know (who the controller is, the contracts with
gateways, the assessment itself) the page asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from clinic.personal_data.catalogue import CATALOGUE, every_place
from clinic.personal_data.entries.files import FILES, PREFECT
from clinic.personal_data.held import TableHeld
from clinic.personal_data.kinds import PERSONAL, Erasure, Kind, Purpose, Retention, Rows, Section
from clinic.values.purposes import PURPOSES

PAGE: Final = Path(__file__).parents[2] / "docs" / "data-protection.md"

_TEXT: Final = """\
# Data protection: what is held, what for, how long, and who is shown it

Made from the catalogue in `clinic/personal_data` by `python -m clinic.personal_data.page`; do not edit. A
column of the record without an entry there fails a test, so this page misses none: {tables} tables, {columns}
columns, {files} kinds of files, {prefect} things that Prefect keeps.

It is the program's part of a record of processing (UK GDPR 30) and the facts for an impact assessment (35).
For you to add: who is controller and who answers for data protection, the contracts with gateways, the
assessment itself.

## What for

| Purpose | Kinds of data |
|---|---|
{purposes}

What messages are for, and on which basis they are sent:

| Purpose of a message | About | Legal basis | Decided by |
|---|---|---|---|
{messages}

## Kinds of data

| Kind | Is | Of one person | Places |
|---|---|---|---|
{kinds}

## Flows, and who is given it

```
exports and lists of the practice ─► record (this installation) ─► gateway ─► patient
                                           │    ▲                     │
                                           │    └── receipts, replies ◄
                                           ├─► files: exports, rows not accepted ─► whoever asked for them
                                           ├─► backup ─► where the practice keeps it
                                           └─► Prefect: keys, counts, states; no patient's value
```

| Recipient | Is given | [Settings](settings.md) |
|---|---|---|
| the gateway for texts | number, text, reference | `sms`, `sms.processor` |
| the gateway for e-mails | address, subject, text, reference | `email`, `email.processor` |
| whoever is given an export | what was approved: patients, clinical data | [operations](operations.md) |
| staff | by role: [governance](governance.md) | |
| the person themselves | [a subject access file](#what-a-person-is-shown) | |

Nothing else leaves: there is no telemetry, and Prefect's server is this installation's own.

## How long

The classes with their defaults. For records they are minimums: the controller decides, and people destroy
records, not a clock.

| Class | Default | Places |
|---|---|---|
{periods}

## What a person is shown

`cohort subject-access NHS-NUMBER --reason asked --to DIR` writes everything of one person as a page and as
JSON, in these sections. A telephone number or e-mail address does for whoever is on no record. What may be of,
or name, somebody else (relatives and carers, a number that two have, words that staff typed) is kept out until
a health professional has looked; what they withhold has a ground. The trail has our key and counts.

`cohort pseudonymise --to FILE` makes a copy with synthetic people for tests and support from the catalogue.
It is not anonymous: keys, codes and counts are as they were.

| Section | From |
|---|---|
{sections}

Not shown, and why:

| Why | Places |
|---|---|
{not_shown}

## What an erasure does

| It | Places |
|---|---|
{erasures}

What stays of a person's rows, and why:

| Why | Places |
|---|---|
{stays}

## Table by table

Rows: what an erasure does with a person's. Kinds: which columns are which.

| Table | A row is | Rows | Kept | Kinds |
|---|---|---|---|---|
{by_table}

## Files

| Where | What | Kept | An erasure |
|---|---|---|---|
{by_file}

## What Prefect keeps

| Thing | Holds |
|---|---|
{by_thing}

## Facts for an impact assessment

| Question | Fact |
|---|---|
{facts}
"""

_FACTS: Final = (
    (
        "Special category data",
        "{health} columns hold health data; whole rows of lists and texts of messages may",
    ),
    (
        "Children, people at risk",
        "yes: proxies and safe ways to reach a patient have columns of their own",
    ),
    (
        "Decisions without a person",
        "none: who is left out of a message is listed, with the rule, before it is sent",
    ),
    ("Profiling, training of models", "none"),
    ("Scale", "all patients of an organisation; up to 1,000,000 rows a record are tried"),
    (
        "Free text",
        "{words} columns hold words that staff typed, {content} whatever was said or uploaded",
    ),
    (
        "Who acts is known",
        "operators are proven; each act is on a sealed trail of keys, counts and digests",
    ),
    (
        "Another person's yes",
        "exports, changes of records and large campaigns need a second approver",
    ),
    ("Where it is", "on the organisation's machine: SQLite in the home, or its PostgreSQL"),
)


def data_protection_page() -> str:
    """The page as it should be."""
    places = list(every_place())
    kinds = {kind: [one for one in places if one.kind is kind] for kind in Kind}
    counts = {
        "health": len(kinds[Kind.HEALTH]),
        "words": len(kinds[Kind.WORDS]),
        "content": len(kinds[Kind.CONTENT]),
    }
    tables = list(CATALOGUE.values())
    return _TEXT.format(
        tables=len(tables),
        columns=sum(len(one.held) for one in tables),
        files=len(FILES),
        prefect=len(PREFECT),
        purposes=_rows((one.value, _kinds_for(one, tables)) for one in Purpose),
        messages=_rows(
            (f"`{one.name}`", one.says, one.basis, one.ruled_by) for one in PURPOSES.values()
        ),
        kinds=_rows(
            (one.name.lower(), one.value, "yes" if one in PERSONAL else "", str(len(kinds[one])))
            for one in Kind
        ),
        periods=_rows(
            (one.name.lower().replace("_", " "), one.value, _kept(one, tables)) for one in Retention
        ),
        sections=_rows(
            (one.value, _tables(t for t in tables if t.section is one)) for one in Section
        ),
        not_shown=_rows(
            (why, _places(p.place for p in places if p.why_not == why))
            for why in sorted({p.why_not for p in places if p.why_not})
        ),
        erasures=_rows(
            (one.value, _places(p.place for p in places if p.erasure is one))
            for one in Erasure
            if one is not Erasure.KEEP
        ),
        stays=_rows(
            (
                why,
                _places(
                    name.place
                    for table in tables
                    if table.rows is not Rows.NONE
                    for name in table.held.values()
                    if name.because == why
                ),
            )
            for why in sorted(
                {
                    p.because
                    for t in tables
                    if t.rows is not Rows.NONE
                    for p in t.held.values()
                    if p.because
                }
            )
        ),
        by_table=_rows(
            (f"`{one.name}`", one.about, one.rows.value, one.retention.value, _columns(one))
            for one in tables
        ),
        by_file=_rows(
            (f"`{one.pattern}` ({one.folder})", one.about, one.retention.value, one.erasure.value)
            for one in FILES
        ),
        by_thing=_rows((one.thing, one.about) for one in PREFECT),
        facts=_rows((question, fact.format(**counts)) for question, fact in _FACTS),
    )


def _kept(one: Retention, tables: Sequence[TableHeld]) -> str:
    files = (f"`{file.pattern}`" for file in FILES if file.retention is one)
    return ", ".join(filter(None, (_tables(t for t in tables if t.retention is one), *files)))


def _kinds_for(purpose: Purpose, tables: Sequence[TableHeld]) -> str:
    found = {kind for one in tables if one.purpose is purpose for kind in one.columns}
    return ", ".join(kind.name.lower() for kind in Kind if kind in found)


def _columns(one: TableHeld) -> str:
    return "; ".join(
        f"{kind.name.lower()}: {_named(names.split())}" for kind, names in one.columns.items()
    )


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _tables(found: Iterable[TableHeld]) -> str:
    return ", ".join(f"`{one.name}`" for one in found)


def _places(found: Iterable[str]) -> str:
    """Columns of one table together: `patient`: name, mobile."""
    tables: dict[str, list[str]] = {}
    for place in found:
        table, _, column = place.partition(".") if "/" not in place else (place, "", "")
        tables.setdefault(table, []).append(column)
    return "; ".join(
        f"`{table}`" + (f": {_named(columns)}" if any(columns) else "")
        for table, columns in tables.items()
    )


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(data_protection_page(), encoding="utf-8")

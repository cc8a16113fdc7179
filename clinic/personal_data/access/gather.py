"""A person's rows of every table that the catalogue shows them: a statement a table, each row as an item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from clinic.personal_data.access.item import Item
from clinic.personal_data.access.person import Person
from clinic.personal_data.access.withheld import CHECK, speaks_of_others
from clinic.personal_data.catalogue import CATALOGUE, rows_of, rows_of_others
from clinic.personal_data.held import TableHeld
from clinic.personal_data.kinds import Section
from clinic.personal_data.reach import ByAddress, ByWords, OfList
from clinic.record.schema.lists import cohort_list, list_row

_CELLS: Final = "cells"


def gather(connection: Connection, person: Person) -> list[Item]:
    """All items of the record; third persons are withheld until somebody has checked (CHECK)."""
    found = [
        item
        for held in CATALOGUE.values()
        for item in (*_of_table(connection, held, person), *_of_others(connection, held, person))
    ]
    _name_references(found)
    return found


def _of_table(connection: Connection, held: TableHeld, person: Person) -> Iterator[Item]:
    if isinstance(held.section, str):
        return
    keys = list(held.table.primary_key.columns)
    rows = connection.execute(
        sa.select(held.table).where(rows_of(held.table, person.subject)).order_by(*keys)
    ).mappings()
    headings: dict[int, list[str]] = {}
    for row in rows:
        item = _item(held, held.section, row)
        item.withheld = {
            name: CHECK for name, one in held.held.items() if one.third and item.values.get(name)
        }
        if held.table is list_row:
            _open_cells(connection, item, row, headings)
            if row["patient_id"] is None and person.is_anothers(item.values.values()):
                continue
        item.words = set(item.withheld)
        if _may_be_anothers(held, row, person):
            item.withheld = dict.fromkeys(item.values, CHECK)
        yield item


def _of_others(connection: Connection, held: TableHeld, person: Person) -> Iterator[Item]:
    """Rows of somebody else in which this person stands: nothing of one is shown before a check."""
    if isinstance(held.section, str) or not held.also:
        return
    keys = list(held.table.primary_key.columns)
    others = rows_of_others(held.table, person.subject)
    headings: dict[int, list[str]] = {}
    for row in connection.execute(sa.select(held.table).where(others).order_by(*keys)).mappings():
        item = _item(held, held.section, row)
        if held.table is list_row:
            _open_cells(connection, item, row, headings)
        item.withheld = dict.fromkeys(item.values, CHECK)
        yield item


def _item(held: TableHeld, section: Section, row: RowMapping) -> Item:
    keys = [str(row[key.name]) for key in held.table.primary_key.columns]
    return Item(
        name="-".join([held.name, *keys]).replace(" ", "-"),
        section=section,
        about=held.about,
        purpose=held.purpose.value,
        kept=held.retention.value,
        values={name: _text(row[name]) for name, one in held.held.items() if one.section},
    )


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S UTC")
        case date():
            return value.isoformat()
    return str(value)


def _open_cells(
    connection: Connection, item: Item, row: RowMapping, headings: dict[int, list[str]]
) -> None:
    """Each cell of an uploaded row under its heading; those of relatives and carers are a third person's."""
    number = row["list_id"]
    if number not in headings:
        columns = connection.scalar(
            sa.select(cohort_list.c.columns).where(cohort_list.c.id == number)
        )
        headings[number] = orjson.loads(columns or "[]")
    cells = orjson.loads(row[_CELLS])
    names = headings[number] + [f"cell {at + 1}" for at in range(len(headings[number]), len(cells))]
    opened = {f"{name}": str(cell) for name, cell in zip(names, cells, strict=False) if cell != ""}
    item.values = {key: value for key, value in item.values.items() if key != _CELLS} | opened
    item.withheld = {name: CHECK for name in opened if speaks_of_others(name)}


def _may_be_anothers(held: TableHeld, row: RowMapping, person: Person) -> bool:
    """It was found by a number that somebody else has too, or by name and birth date, and by no more."""
    if not any(isinstance(route, ByAddress | ByWords | OfList) for route in held.routes):
        return False
    if "patient_id" in row and row["patient_id"] in person.subject.keys:
        return False
    text = " ".join(_text(value) for value in row.values())
    return person.may_be_anothers(text) or (held.table is list_row and person.is_only_named(text))


def _name_references(items: list[Item]) -> None:
    """Beside a number that stands for a place, a provider, a group: its name, which its own item has."""
    names = {item.name: _called(item.values) for item in items if item.section is Section.SOURCES}
    for item in items:
        table = CATALOGUE[item.name.partition("-")[0]].table
        for name, value in item.values.items():
            if value and name in table.c:
                target = next(iter(table.c[name].foreign_keys), None)
                called = names.get(f"{target.column.table.name}-{value}") if target else None
                item.values[name] = f"{called} ({value})" if called else value


def _called(values: Mapping[str, str]) -> str:
    return values.get("name") or values.get("list_name") or values.get("kind") or ""

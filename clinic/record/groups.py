"""Patient groups: who belongs to them, and how one is made (COM-11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from clinic.errors import NotFound
from clinic.record.bulk import insert_rows, is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import group_member, patient, patient_group


@dataclass(frozen=True)
class Group:
    """A group and how many patients are in it."""

    code: str
    name: str
    members: int


@dataclass(frozen=True)
class Added:
    """What adding did: how many are new, were in it already, or are not patients of this record."""

    new: int
    already: int
    unknown: int


def list_groups(record: Record) -> list[Group]:
    """Every group, by code."""
    members = (
        sa.select(sa.func.count())
        .where(group_member.c.group_id == patient_group.c.id)
        .scalar_subquery()
    )
    query = sa.select(patient_group.c.code, patient_group.c.name, members)
    with record.read() as connection:
        return [Group(*row) for row in connection.execute(query.order_by(patient_group.c.code))]


def add_to_group(record: Record, code: str, ids: Sequence[str], *, name: str = "") -> Added:
    """
    Put patients into a group, by NHS number or the practice's own id; again: nothing.

    name: makes the group if there is none of this code

    Raises:
        NotFound: there is no such group, and no name was given to make it
    """
    with record.write() as connection:
        group_id = _group(connection, code, name)
        wanted = {"".join(known_as.split()) for known_as in ids}
        found, matched = set[int](), set[str]()
        for column in (patient.c.nhs_number, patient.c.local_id):
            query = sa.select(patient.c.id, column).where(is_any_of(column, wanted))
            for key, known_as in connection.execute(query):
                found.add(int(key))
                matched.add(known_as)
        inside = sa.select(group_member.c.patient_id).where(
            group_member.c.group_id == group_id, is_any_of(group_member.c.patient_id, found)
        )
        already = set(connection.scalars(inside))
        new = sorted(found - already)
        insert_rows(
            connection, group_member, ("group_id", "patient_id"), ((group_id, key) for key in new)
        )
    return Added(len(new), len(already), len(wanted - matched))


def _group(connection: sa.Connection, code: str, name: str) -> int:
    query = sa.select(patient_group.c.id).where(patient_group.c.code == code)
    if (known := connection.execute(query.with_for_update()).scalar_one_or_none()) is not None:
        return int(known)
    if not name:
        raise NotFound(
            "group-unknown",
            f"there is no group {code}; see: cohort groups list, or make it with --name",
        )
    made = sa.insert(patient_group).values(code=code, name=name).returning(patient_group.c.id)
    return int(connection.execute(made).scalar_one())

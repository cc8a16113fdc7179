"""
Patient groups: who belongs to them, how one is made, changed and deleted (COM-11).

Who did it is on the audit trail in the same transaction, with counts; whom it concerned is in the group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.tied import require_subject
from clinic.message.audience.groups import templates_without
from clinic.record.bulk import insert_rows, is_any_of, new_ids
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


def add_to_group(
    record: Record, clock: Clock, code: str, ids: Sequence[str], *, by: str, name: str = ""
) -> Added:
    """
    Put patients into a group, by NHS number or the practice's own id; again: nothing.

    Args:
        by: who does it, proven
        name: makes the group if there is none of this code

    Raises:
        NotFound: there is no such group, and no name was given to make it
    """
    with record.write() as connection:
        known = _find(connection, code)
        if known is None and name:
            known = _make(connection, clock, code, name, by)
        group_id = _group(code, known)
        require_subject(connection, by, "group", group_id)
        found, unknown = _patients(connection, ids)
        inside = sa.select(group_member.c.patient_id).where(
            group_member.c.group_id == group_id, is_any_of(group_member.c.patient_id, found)
        )
        already = set(connection.scalars(inside))
        new = sorted(found - already)
        insert_rows(
            connection, group_member, ("group_id", "patient_id"), ((group_id, key) for key in new)
        )
        if new:
            _tell(connection, clock, by, "added", group_id, code, len(new))
    return Added(len(new), len(already), unknown)


def _find(connection: sa.Connection, code: str) -> int | None:
    query = sa.select(patient_group.c.id).where(patient_group.c.code == code)
    return connection.execute(query.with_for_update()).scalar_one_or_none()


def _group(code: str, known: int | None) -> int:
    if known is None:
        raise NotFound(
            "group-unknown",
            f"there is no group {code}; see: cohort groups list, or make it with --name",
        )
    return known


def _make(connection: sa.Connection, clock: Clock, code: str, name: str, by: str) -> int:
    (group_id,) = new_ids(
        connection, patient_group, 1
    )  # an import that is put back knows its own by these
    connection.execute(sa.insert(patient_group).values(id=group_id, code=code, name=name))
    _tell(connection, clock, by, "made", group_id, code, 0)
    return group_id


@dataclass(frozen=True)
class Member:
    """A patient of a group."""

    nhs_number: str | None
    local_id: str | None
    name: str


@dataclass(frozen=True)
class Removed:
    """What taking out did: how many were in it, were not, or are not patients of this record."""

    gone: int
    not_in_it: int
    unknown: int


def members_of(record: Record, code: str, *, limit: int | None = None) -> list[Member]:
    """
    Who is in a group, by name.

    Raises:
        NotFound: there is no such group
    """
    with record.read() as connection:
        group_id = _group(code, _find(connection, code))
        query = (
            sa.select(
                patient.c.nhs_number,
                patient.c.local_id,
                patient.c.given_name,
                patient.c.family_name,
            )
            .join(group_member, group_member.c.patient_id == patient.c.id)
            .where(group_member.c.group_id == group_id)
            .order_by(patient.c.family_name, patient.c.given_name, patient.c.id)
            .limit(limit)
        )
        rows = connection.execute(query).all()
    return [Member(row[0], row[1], " ".join(filter(None, row[2:]))) for row in rows]


def remove_from_group(
    record: Record, clock: Clock, code: str, ids: Sequence[str], *, by: str
) -> Removed:
    """
    Take patients out of a group, by NHS number or the practice's own id; again: nothing.

    Raises:
        NotFound: there is no such group
    """
    with record.write() as connection:
        group_id = _group(code, _find(connection, code))
        require_subject(connection, by, "group", group_id)
        found, unknown = _patients(connection, ids)
        gone = connection.execute(
            sa.delete(group_member).where(
                group_member.c.group_id == group_id, is_any_of(group_member.c.patient_id, found)
            )
        ).rowcount
        if gone:
            _tell(connection, clock, by, "removed", group_id, code, gone)
    return Removed(gone, len(found) - gone, unknown)


def delete_group(record: Record, clock: Clock, code: str, *, by: str) -> int:
    """
    Delete a group; its patients stay. How many were in it.

    Raises:
        NotFound: there is no such group
        NotAllowed: a template leaves its members out, and would not any more
    """
    with record.write() as connection:
        group_id = _group(code, _find(connection, code))
        require_subject(connection, by, "group", group_id)
        if spared := templates_without(connection, code):
            raise NotAllowed(
                "group-left-out",
                f"{', '.join(spared)} would go to this group's members, whom it leaves out now: nothing was "
                f"deleted. See: cohort templates show {spared[0]}; so that it leaves out no group: cohort "
                f"templates for {spared[0]} --exclude-group none",
            )
        members = connection.execute(
            sa.delete(group_member).where(group_member.c.group_id == group_id)
        ).rowcount
        connection.execute(sa.delete(patient_group).where(patient_group.c.id == group_id))
        _tell(connection, clock, by, "deleted", group_id, code, members)
    return members


def _tell(
    connection: sa.Connection,
    clock: Clock,
    by: str,
    what: str,
    group_id: int,
    code: str,
    patients: int,
) -> None:
    act = Act(
        operator=by, operation_type=f"group.{what}", subject="group", subject_id=group_id,
        patients_affected=patients, new_values={"code": code},
    )  # fmt: skip
    record_act(connection, clock, act)


def _patients(connection: sa.Connection, ids: Sequence[str]) -> tuple[set[int], int]:
    """The patients of these ids, and how many ids are nobody's."""
    wanted = {"".join(known_as.split()) for known_as in ids}
    found, matched = set[int](), set[str]()
    for column in (patient.c.nhs_number, patient.c.local_id):
        query = sa.select(patient.c.id, column).where(is_any_of(column, wanted))
        for key, known_as in connection.execute(query):
            found.add(int(key))
            matched.add(known_as)
    return found, len(wanted - matched)

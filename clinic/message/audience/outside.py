"""
Who is outside of whom a template is for, by the record as it is now (NEW-28).

    a list's rows, a block a statement ─► an outcome of its own each
    a batch, in the intent to send     ─► suppressed, with the same reason

What staff decided for a patient goes before: who never gets the template is left out whatever the bounds say,
and who gets it all the same is let through the bounds that were named, and no other (exceptions.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.message.audience.audience import audience_of
from clinic.message.audience.bounds import Bounds, Coded, months_before
from clinic.message.audience.exceptions import NEVER
from clinic.record.bulk import is_any_of
from clinic.record.schema.clinical import diagnosis, medication
from clinic.record.schema.lists import template_exception, template_version
from clinic.record.schema.people import group_member, patient, patient_group

# In the order in which they count
DECIDED: Final = "not_for_patient"
IN_GROUP: Final = "in_excluded_group"
HAS_CODE: Final = "has_excluded_code"
SEX: Final = "not_for_sex"
AGE: Final = "not_for_age"
CODED: Final = "coded_since"
CODES: Final = (DECIDED, IN_GROUP, HAS_CODE, SEX, AGE, CODED)
# What staff name to let a patient through (`--despite`), by the outcome that it lifts
LIFTED_BY: Final = {
    SEX: "sex",
    AGE: "age",
    CODED: "coded",
    IN_GROUP: "excluded",
    HAS_CODE: "excluded",
}

_SEX_WRITTEN: Final = {"female": ("female", "f"), "male": ("male", "m")}
# The column of patients → that it is one of those who are asked about
Among = Callable[[ColumnElement[Any]], ColumnElement[bool]]
Ids = sa.Select[tuple[int]]


def outside(bounds: Bounds, version_id: int, among: Among, today: date) -> dict[str, Ids]:
    """
    Queries of who of these patients is outside, by the outcome's code, in the order in which they count.

    Args:
        bounds, version_id: of the template; among: of a column of patients, that it is one of those asked about
    """
    own = sa.select(template_version.c.template_id).where(template_version.c.id == version_id)
    template_id = own.scalar_subquery()
    found = {DECIDED: _decided(template_id, among, NEVER)}
    for code, patients in _bounded(bounds, among, today).items():
        lifted = _decided(template_id, among, LIFTED_BY[code])
        rows = patients.subquery()
        found[code] = sa.select(rows.c[0]).where(rows.c[0].not_in(lifted))
    return found


def outside_of(
    connection: Connection, version_id: int | None, patients: pd.Series[int], today: date
) -> pd.Series[str]:
    """
    The first code by which each row's patient is outside, "" where none does; one statement.

    Args:
        version_id: of the template; None: a list without one
        patients: Int64, empty where nobody is meant; below 0 who is not in the record, of whom it knows
            neither sex nor age
    """
    none = pd.Series("", index=patients.index, dtype="str")
    ids = patients.dropna().unique().tolist()
    if version_id is None or not ids:
        return none

    def among(column: ColumnElement[Any]) -> ColumnElement[bool]:
        # What staff decided of one template is little, and is read whole
        decided = column is template_exception.c.patient_id
        return sa.true() if decided else is_any_of(column, ids)

    bounds = audience_of(connection, version_id).bounds
    queries = outside(bounds, version_id, among, today)
    parts = [
        sa.select(sa.literal(code).label("code"), query.subquery().c[0].label("patient_id"))
        for code, query in reversed(queries.items())
    ]
    # The last that is noted is the first that counts
    first = {row.patient_id: row.code for row in sorted(
        connection.execute(sa.union_all(*parts)), key=lambda row: -CODES.index(row.code)
    )}  # fmt: skip
    unknown = next((code for code in (SEX, AGE) if code in queries), "")
    if not first and not unknown:
        return none
    said = [first.get(key, unknown if key < 0 else "") for key in patients.fillna(0).tolist()]
    return pd.Series(said, index=patients.index, dtype="str")


def _decided(template_id: sa.ScalarSelect[int], among: Among, word: str) -> Ids:
    """Of whom staff decided this, and have not taken it back."""
    c = template_exception.c
    says = " " + c.lifts + " "
    decided = c.lifts == word if word == NEVER else says.contains(f" {word} ")
    return sa.select(c.patient_id).where(
        c.template_id == template_id, c.ended_at.is_(None), decided, among(c.patient_id)
    )


def _bounded(bounds: Bounds, among: Among, today: date) -> dict[str, Ids]:
    found: dict[str, Ids] = {}
    who = sa.select(patient.c.id).where(among(patient.c.id))
    if bounds.exclude_groups:
        members = sa.select(group_member.c.patient_id).join(
            patient_group, patient_group.c.id == group_member.c.group_id
        )
        found[IN_GROUP] = members.where(
            patient_group.c.code.in_(bounds.exclude_groups), among(group_member.c.patient_id)
        )
    if bounds.exclude_codes:
        found[HAS_CODE] = _coded(bounds.exclude_codes, among, today, undated=True)
    if bounds.sex:
        written = sa.func.lower(sa.func.coalesce(patient.c.sex, ""))
        found[SEX] = who.where(written.not_in(_SEX_WRITTEN[bounds.sex]))
    if (ages := _ages(bounds, today)) is not None:
        found[AGE] = who.where(sa.or_(patient.c.birth_date.is_(None), ~ages))
    if bounds.not_if_coded:
        found[CODED] = _coded(bounds.not_if_coded, among, today, undated=False)
    return found


def _ages(bounds: Bounds, today: date) -> ColumnElement[bool] | None:
    """That a birthday is within the ages; None: any is."""
    born = patient.c.birth_date
    within = []
    if bounds.age_from is not None:
        within.append(born <= months_before(today, 12 * bounds.age_from))
    if bounds.age_to is not None:
        within.append(born > months_before(today, 12 * (bounds.age_to + 1)))
    return sa.and_(*within) if within else None


def _coded(wanted: tuple[Coded, ...], among: Among, today: date, *, undated: bool) -> Ids:
    """
    Who has one of these codes, as a problem or a medicine, from the day on that each counts.

    undated: an entry without a date counts, however far back the code does: whom it would hurt is spared;
        of who has had it already nobody knows when, and they are asked again
    """
    parts = [
        sa.select(table.c.patient_id).where(
            among(table.c.patient_id),
            sa.or_(*(_hits(table.c, at, one, today, undated) for one in wanted)),
        )
        for table, at in ((diagnosis, diagnosis.c.onset), (medication, medication.c.started))
    ]
    both = sa.union_all(*parts).subquery()
    return sa.select(both.c[0])


def _hits(
    columns: Any, at: ColumnElement[date | None], one: Coded, today: date, undated: bool
) -> ColumnElement[bool]:
    coded = columns.code.in_(one.codes)
    since = one.since(today)
    if since is None:
        return sa.and_(coded)
    late = at >= since
    return sa.and_(coded, sa.or_(late, at.is_(None)) if undated else late)

"""What scheduling writes: a visit that is booked from its proposal, and cancelled when that is undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, FromClause
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from clinic.change.core.part import Part
from clinic.record.schema.change import operation_item
from clinic.record.schema.people import appointment, facility
from clinic.record.schema.visits import visit_plan
from clinic.record.statistics import count_grown
from clinic.record.types import UtcDateTime

TAKES_TIME = ("booked", "arrived", "started")  # of an appointment's states
_COLUMNS = (
    "patient_id", "provider_id", "facility_id", "starts_at", "minutes", "visit_type", "place",
    "status", "version", "visit_plan_id",
)  # fmt: skip


@dataclass(frozen=True)
class VisitField:
    """
    A proposed visit (visit_plan): nothing while there is none, its words once it is booked.

    Booked but moved since, arrived or finished, it reads "changed"; not booked while its provider has
    something else at that time, it reads "taken". So neither is ever overwritten.
    """

    name: str = "visit"
    of_visit: bool = False

    def holder(
        self, items: FromClause, part: Part | None = None
    ) -> tuple[FromClause, ColumnElement[bool]]:
        made, p = appointment.alias("made"), visit_plan.c
        query = sa.select(
            p.id,
            sa.func.coalesce(made.c.version, 0).label("version"),
            _value(made).label("value"),
        ).select_from(visit_plan.outerjoin(made, made.c.visit_plan_id == p.id))
        if part is not None:
            own = operation_item.alias("own")
            of_part = part.items(own) & (own.c.field == self.name)
            query = query.where(p.id.in_(sa.select(own.c.subject_id).where(of_part)))
        holder = query.subquery()
        return holder, holder.c.id == items.c.subject_id

    def value(self, items: FromClause, holder: FromClause) -> ColumnElement[str]:
        value: ColumnElement[str] = holder.c.value
        return value

    def write(self, connection: Connection, part: Part, *, alone: bool) -> None:
        """Cancel what is taken back, book again what was cancelled, book what is new."""
        subjects = sa.select(operation_item.c.subject_id).where(part.changing(self.name))
        wanted = subjects.where(operation_item.c.new.is_not(None))
        _set_status(
            connection, subjects.where(operation_item.c.new.is_(None)), "booked", "cancelled"
        )
        _set_status(connection, wanted, "cancelled", "booked")
        connection.execute(sa.insert(appointment).from_select(list(_COLUMNS), _new_visits(wanted)))
        count_grown(connection, appointment)


def _value(made: FromClause) -> ColumnElement[str | None]:
    p, m = visit_plan.c, made.c
    nobody = sa.or_(m.id.is_(None), m.status == "cancelled")
    as_booked = sa.and_(
        m.status == "booked",
        m.patient_id == p.patient_id,
        m.provider_id == p.provider_id,
        m.facility_id.is_not_distinct_from(p.facility_id),
        m.starts_at == p.starts_at,
        m.minutes == p.minutes,
    )
    return sa.case(
        (sa.and_(nobody, _is_taken()), "taken"),
        (nobody, sa.cast(sa.null(), sa.Text)),
        (as_booked, p.told),
        else_="changed",
    )


def _is_taken() -> ColumnElement[bool]:
    """Whether the provider has something at that time, by now."""
    other, p = appointment.alias("other"), visit_plan.c
    return (
        sa.exists()
        .where(
            other.c.provider_id == p.provider_id,
            other.c.starts_at > p.looks_back_to,
            other.c.starts_at < p.ends_at,
            other.c.status.in_(TAKES_TIME),
            visit_end(other.c.starts_at, other.c.minutes) > p.starts_at,
        )
        .correlate(visit_plan)
    )


def _set_status(connection: Connection, subjects: sa.Select[tuple[int]], was: str, to: str) -> None:
    connection.execute(
        sa.update(appointment)
        .where(appointment.c.visit_plan_id.in_(subjects), appointment.c.status == was)
        .values(status=to, version=appointment.c.version + 1)
    )


def _new_visits(wanted: sa.Select[tuple[int]]) -> sa.Select[Any]:
    p = visit_plan.c
    place = sa.select(facility.c.name).where(facility.c.id == p.facility_id).scalar_subquery()
    booked = sa.exists().where(appointment.c.visit_plan_id == p.id)
    return (
        sa.select(
            p.patient_id, p.provider_id, p.facility_id, p.starts_at, p.minutes, p.visit_type, place,
            sa.literal("booked"), sa.literal(1), p.id,
        )
        .where(p.id.in_(wanted), ~booked)
        .order_by(p.id)
    )  # fmt: skip


class visit_end(GenericFunction[Any]):  # noqa: N801  it is a function, spelled as SQL spells it
    """When a visit is over: its beginning and its minutes."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(visit_end, "sqlite")
def _end_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    begins, minutes = (compiler.process(each, **options) for each in element.clauses)
    # As SQLAlchemy writes an instant there: UTC, six digits
    return f"strftime('%Y-%m-%d %H:%M:%f000', {begins}, '+' || {minutes} || ' minutes')"


@compiles(visit_end, "postgresql")
def _end_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    begins, minutes = (compiler.process(each, **options) for each in element.clauses)
    return f"({begins} + make_interval(mins => {minutes}))"

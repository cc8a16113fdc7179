"""The tags that this practice uses: what can be given to patients is made here first, by a proven operator."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.errors import OperationRefused
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import require_may_ask
from clinic.record.database import Record
from clinic.record.schema.people import patient_tag, tag

_CODE: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_LONGEST_NAME: Final = 80


@dataclass(frozen=True)
class Tag:
    """A tag, and how many patients have it."""

    code: str
    name: str
    patients: int


def list_tags(record: Record) -> list[Tag]:
    """Every tag, by code."""
    held = sa.select(sa.func.count()).where(patient_tag.c.tag_id == tag.c.id).scalar_subquery()
    with record.read() as connection:
        rows = connection.execute(sa.select(tag.c.code, tag.c.name, held).order_by(tag.c.code))
        return [Tag(*row) for row in rows]


def add_tag(record: Record, clock: Clock, *, code: str, name: str, by: Operator) -> bool:
    """
    Make a tag; whether it is new. The same again: nothing.

    Args:
        name: as people call it; empty: the code
        by: of `prove`: who may ask for tags to be given

    Raises:
        NotAllowed: the role may not
        OperationRefused: the code is none, or is another tag's
    """
    require_may_ask(by.role, "tag")
    code, name = code.strip().lower(), " ".join(name.split()) or code.strip().lower()
    if not _CODE.fullmatch(code) or len(name) > _LONGEST_NAME:
        raise OperationRefused(
            "tag-code",
            "a tag's code has 1 to 60 of: a to z, 0 to 9, dot, dash, underscore; "
            f"its name at most {_LONGEST_NAME} characters",
        )
    with record.write() as connection:
        hold(connection, "tags")
        known = connection.scalar(sa.select(tag.c.name).where(tag.c.code == code))
        if known is not None and known != name:
            raise OperationRefused("tag-exists", f"{code} is the code of the tag {known!r} already")
        if known is None:
            connection.execute(sa.insert(tag).values(code=code, name=name))
            new = {"code": code, "name": name}
            record_act(
                connection,
                clock,
                Act(operator=by.name, operation_type="tag.added", subject="tag", new_values=new),
            )
    return known is None

"""
Who decides a request, besides by role: clinicians what is clinical, named people what takes data away.

A practice names those who answer for its data (its Caldicott guardian, its data protection lead) in
`people.privacy_deciders`; without names each manager decides. The setting is changed by two people.
"""

from __future__ import annotations

from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.govern.people.clinicians import clinicians
from clinic.govern.people.roles import CLINICAL
from clinic.record.schema.settings import governed_setting

# What takes data away, or keeps them from being used
PRIVACY: Final = ("erasure", "restriction", "retention")
NAMED_IN: Final = "people.privacy_deciders"


def may_decide(connection: Connection, name: str, kind: str) -> bool:
    """Whether what is of this kind is theirs to decide, besides by their role."""
    if kind == CLINICAL:
        return name in clinicians(connection)
    named = named_deciders(connection, kind)
    return not named or name in named


def named_deciders(connection: Connection, kind: str) -> list[str]:
    """Who alone decides this kind of request; nobody: whoever has the role."""
    if kind not in PRIVACY:
        return []
    c = governed_setting.c
    value = connection.scalar(sa.select(c.value).where(c.name == NAMED_IN))
    return sorted(name.lower() for name in orjson.loads(value or "[]"))

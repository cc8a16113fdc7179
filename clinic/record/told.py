"""
Whom another patient's message told: what became of theirs is what became of that one.

Several patients of a number that are told the same have one message (clinic/message/sharing/together.py). Those
of the others are `suppressed` with the reason `one_message`; whether their patients got it, when, and whether
it may be sent again is asked of the message that told them.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from clinic.record.schema.messages import message


def is_told(of: sa.FromClause = message) -> ColumnElement[bool]:
    """Of messages: whether another one told their patient."""
    return (of.c.state == "suppressed") & (of.c.reason == "one_message")


def of_teller(name: str, of: sa.FromClause = message) -> ColumnElement[Any]:
    """
    A column of a message, or of the one that told its patient; by primary key, and of the few that are told.

    Of `state`: what became of it for its patient.
    """
    teller = message.alias("teller")
    theirs = sa.select(teller.c[name]).where(teller.c.id == of.c.told_by).scalar_subquery()
    return sa.case((is_told(of), theirs), else_=of.c[name])

"""
What is due, class by class: the plan of a night, and what the night then does.

    class          due                                                     goes
    lists          90 days after the end; 7 where nothing was sent of it   by itself (copies/list_rows.py)
    outbox         30 days after it was kept                               by itself (copies/outbox.py)
    files          30 days; copies of the record from before an upgrade 35 by itself (copies/files.py)
    receipts       90 days, where nothing waits for them                   by itself, in its own run (forget.py)
    replies        8 years, of children until they are 25                  when two people say so, all of these
    messages       8 years on the record, 24 months elsewhere              (decided.py, a module each)
    before-images  24 months after an operation's end
    import-values  24 months after an import's end
    trail          8 years
    access-log     8 years

Each class says what it would remove and removes exactly that; what is held is counted beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Due:
    """
    What of a class has come to its end.

    what: the class; things: lists, submissions, files, replies, messages, operations, imports, acts or looks
    rows: what is in them
    oldest: since when the oldest of them might have gone
    held: things that would be due, and of which a legal hold keeps all or some
    by: "clock", or "decision" where two people say so first
    authority: the setting, with its value
    """

    what: str
    things: int
    rows: int
    oldest: datetime | None
    held: int
    by: str
    authority: str

"""
Issue 18 (5), NEW-19, by many histories: one person gets one message by whichever channel, whatever comes late,
runs twice or is killed; and whoever can be reached by the second one is.
"""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clinic.message import states
from clinic.message.following.begin import Way, begin_fallbacks
from clinic.record.database import Record
from clinic.record.schema.campaigns import fallback_person
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign
from tests.clinic.message.fallback.practices import HOURS, TwoWays
from tests.fakes import FakeClock
from tests.main_job import nhs

# First fate of a text, and whether it is proof that nobody has it
FATES: Final = {
    "gone": (states.UNDELIVERED, "unknown_subscriber"),
    "refused": (states.REJECTED, "number-barred"),
    "silent": (states.UNDELIVERED, "no_receipt"),
    "unknown": (states.UNKNOWN, "no_answer"),
    "sent": (states.ACCEPTED, None),
}
PROOF: Final = {"gone", "refused"}
PEOPLE: Final = 4
STEPS = st.one_of(
    st.tuples(
        st.just("late"),
        st.integers(1, PEOPLE),
        st.sampled_from(["delivered", "accepted", "undelivered"]),
    ),
    st.tuples(st.just("killed"), st.integers(1, 14)),
    st.tuples(st.sampled_from(["follow", "mail", "wait"])),
)
_turns = itertools.count()


class _Killed(Exception):
    """The process ended at this statement."""


class _Kill:
    """Ends the next process at its nth statement that writes."""

    def __init__(self, record: Record, at: int) -> None:
        self.engine, self.left = record.engine, at

    def __enter__(self) -> None:
        sa.event.listen(self.engine, "before_cursor_execute", self._count)

    def __exit__(self, *_: object) -> None:
        sa.event.remove(self.engine, "before_cursor_execute", self._count)

    def _count(self, _c: Any, _u: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith(("INSERT", "UPDATE", "DELETE")):
            self.left -= 1
            if not self.left:
                raise _Killed


class _Life:
    """One campaign, and what became of its people, told beside the record."""

    def __init__(
        self, record: Record, clock: FakeClock, folder: Path, fates: list[str], *, turn: int = 0
    ) -> None:
        self.practice = TwoWays(record, clock, folder)
        self.people = [turn * (PEOPLE + 1) + n for n in range(1, PEOPLE + 2)]
        for n in self.people:
            self.practice.patient(n, **({"mobile": None} if n == self.people[-1] else {}))
        rows = self.practice.file(*(nhs(n) for n in self.people))
        self.number = self.practice.first(rows, request_key=f"turn-{turn}")
        self.open: list[int] = []  # made, and not sent
        self.waited = 0
        self.final: set[int] = set()
        self.proven = {self.people[-1]}
        self.reached: set[int] = set()  # of whom we knew that by the text, before the e-mail left
        for n, fate in zip(self.people, fates, strict=False):
            self.practice.fate(self.number, n, *FATES[fate])
            if fate in PROOF:
                self.proven.add(n)

    def late(self, which: int, said: str) -> None:
        n = self.people[which - 1]
        before = self.practice.states(self.number)[n][0]
        reason = "unknown_subscriber" if said == "undelivered" else ""
        self.practice.receipt(self.number, n, said, reason)
        after = self.practice.states(self.number)[n]
        if n in self.final:
            return
        if after == ("undelivered", "unknown_subscriber"):
            self.proven.add(n)
            self.reached.discard(n)
        elif before != after[0] and n not in self.practice.mailed():
            self.reached.add(n)

    def follow(self) -> None:
        self.open += self.practice.follow()
        assert self.practice.follow() == []  # at once again: nobody

    def killed(self, at: int) -> None:
        try:
            with _Kill(self.practice.record, at):
                self.open += self.practice.follow()
        except _Killed:
            pass

    def mail(self) -> None:
        self.practice.mail(self.open)
        self.open = []
        # Left out for good: who was taken is not taken again
        self.final |= {
            n for n, by in self.practice.taken().items() if by is not None
        } & self.reached

    def wait(self) -> None:
        if self.waited < 4:  # within the week in which anybody is taken
            self.practice.later(HOURS)
            self.waited += 1


@settings(
    max_examples=20, deadline=None, derandomize=True, database=None,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(
    fates=st.lists(st.sampled_from(sorted(FATES)), min_size=PEOPLE, max_size=PEOPLE),
    # What comes between the making of a campaign and its sending is where it goes wrong
    before=st.lists(STEPS, max_size=4),
    then=st.lists(STEPS, min_size=1, max_size=6),
)
def test_nobody_has_two_and_nobody_who_can_be_reached_has_none(
    sqlite_record: Record,
    clock: FakeClock,
    tmp_path: Path,
    fates: list[str],
    before: list[Any],
    then: list[Any],
) -> None:
    life = _Life(sqlite_record, clock, tmp_path, fates, turn=next(_turns))
    for name, *words in [*before, ("wait",), ("follow",), *then]:
        getattr(life, name)(*words)
    for _ in range(2):
        life.practice.later(HOURS)
        life.follow()
        life.mail()
    mailed = life.practice.mailed()
    assert set(mailed.values()) <= {1}
    assert set(mailed) == life.proven - life.reached
    _whole(life.practice)


def _whole(practice: TwoWays) -> None:
    """Each campaign that follows has its list and its people, and no list is without a campaign."""
    with practice.record.read() as connection:
        follows = set(
            connection.scalars(sa.select(campaign.c.id).where(campaign.c.resend_of.is_not(None)))
        )
        lists = connection.scalars(
            sa.select(cohort_list.c.id).where(cohort_list.c.source == "fallback")
        )
        assert len(lists.all()) == len(follows)
    assert {by for by in practice.taken().values() if by is not None} == follows


def test_the_key_says_that_a_person_is_taken_once(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """On SQLite and on PostgreSQL: (first campaign, patient) is unique, by whichever channel."""
    life = _Life(record, clock, tmp_path, ["gone", "gone", "sent", "sent"])
    row = {
        "campaign_id": life.number,
        "patient_id": 1,
        "row_number": 9,
        "why": "failed",
        "outcome": "accepted",
    }
    with pytest.raises(sa.exc.IntegrityError), record.write() as connection:
        connection.execute(sa.insert(fallback_person).values(row))
    life.wait()
    for at in range(1, 8):
        life.killed(at)
    life.follow()
    life.mail()
    assert life.practice.mailed() == {1: 1, 2: 1, PEOPLE + 1: 1}
    _whole(life.practice)


def test_two_that_begin_at_once_begin_one(record: Record, clock: FakeClock, tmp_path: Path) -> None:
    """Two workers' `settle` at one instant."""
    life = _Life(record, clock, tmp_path, ["gone", "gone", "sent", "sent"])
    life.wait()
    together = threading.Barrier(4)

    def way(channel: str, outbox: bool) -> Way:
        together.wait()  # each has seen who is due, and none has taken them
        return life.practice.way(channel, outbox)

    def begin(_: int) -> list[int]:
        return begin_fallbacks(record, clock, life.practice.settings, way)

    with ThreadPoolExecutor(4) as pool:
        made = [key for some in pool.map(begin, range(4)) for key in some]
    assert len(made) == 1
    _whole(life.practice)

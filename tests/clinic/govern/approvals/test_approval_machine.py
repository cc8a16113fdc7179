"""
Whatever people and forgers do, in whatever order: no approval is used twice or by its requester, and no
campaign is approved whose requester did not confirm it.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from clinic.change.review.deciding import decide
from clinic.errors import NotAllowed, NotFound
from clinic.govern.approvals.approvals import expire, request_approval, require_approved, waiting
from clinic.govern.approvals.confirming import confirm
from clinic.govern.approvals.deciding import Decision
from clinic.govern.audit.trail import verify
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import may
from clinic.record.database import Record, use_key
from clinic.record.schema.govern import operator
from clinic.record.sqlite import library
from tests.clinic.govern.conftest import PEOPLE
from tests.fakes import FakeClock

DAY = timedelta(days=1)
names = st.sampled_from(sorted(PEOPLE))
SUBJECTS = {1: "operation", 2: "campaign"}
subjects = st.sampled_from(sorted(SUBJECTS))
digests = st.sampled_from(["a" * 64, "b" * 64])
kinds = st.sampled_from(["status", "tag", "campaign"])


@dataclass(frozen=True)
class Model:
    """What ought to be true of one request."""

    subject_id: int
    kind: str
    digest: str
    requester: str
    state: str
    expires_at: float
    confirmed: bool  # by its requester, or asked for with a secret

    @property
    def is_campaign(self) -> bool:
        """Whether its request only names somebody."""
        return (SUBJECTS[self.subject_id], self.kind) == ("campaign", "campaign")

    def waits(self, now: float) -> bool:
        return self.state == "waiting" and now < self.expires_at


class Approvals(RuleBasedStateMachine):
    """People ask, confirm, decide, begin, wait, forge; a model in plain Python says what comes of it."""

    template: Path  # a migrated, empty record: set by the test

    @initialize()
    def open_the_record(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cohort-machine-"))
        shutil.copy(self.template, self.folder / "record.db")
        self.record = Record.open(f"sqlite:///{self.folder / 'record.db'}")
        use_key(self.record, b"the key of this machine's audit trail")
        self.clock = FakeClock()
        self.asked: dict[int, Model] = {}
        self.begun: Counter[int] = Counter()
        with self.record.write() as connection:
            rows = [
                {
                    "name": name,
                    "role": role,
                    "secret_hash": "-",
                    "created_at": self.clock.now(),
                    "created_by": "-",
                }
                for name, role in PEOPLE.items()
            ]
            connection.execute(operator.insert(), rows)

    @rule(who=names, subject_id=subjects, digest=digests, kind=kinds)
    def ask(self, who: str, subject_id: int, digest: str, kind: str) -> None:
        try:
            with self.record.write() as connection:
                number = request_approval(
                    connection,
                    self.clock,
                    subject=SUBJECTS[subject_id],
                    subject_id=subject_id,
                    kind=kind,
                    digest=digest,
                    requested_by=who,
                    summary={},
                    reason="",
                    flow_run_id=None,
                    expires_in=DAY,
                )
        except NotAllowed:
            assert not may(PEOPLE[who], "request", kind)
            return
        for earlier, model in self.asked.items():
            if model.subject_id == subject_id and model.state in ("waiting", "approved"):
                self.asked[earlier] = replace(model, state="void")
        until = (self.clock.now() + DAY).timestamp()
        model = Model(subject_id, kind, digest, who, "waiting", until, confirmed=True)
        self.asked[number] = replace(model, confirmed=not model.is_campaign)

    @rule(who=names, number=st.integers(1, 6))
    def confirm(self, who: str, number: int) -> None:
        model = self.asked.get(number)
        allowed = (
            model is not None
            and model.is_campaign
            and model.waits(self.clock.now().timestamp())
            and who == model.requester
        )
        person = Operator(who, PEOPLE[who], active=True)
        try:
            confirm(self.record, self.clock, number, by=person)
        except (NotAllowed, NotFound):
            assert not allowed
            return
        assert allowed
        assert model is not None
        self.asked[number] = replace(model, confirmed=True)

    @rule(who=names, number=st.integers(1, 6), decision=st.sampled_from(["approved", "rejected"]))
    def answer(self, who: str, number: int, decision: Decision) -> None:
        model = self.asked.get(number)
        allowed = (
            model is not None
            and model.waits(self.clock.now().timestamp())
            and may(PEOPLE[who], "approve", model.kind)
            and who != model.requester
            and (model.confirmed or decision == "rejected")
        )
        person = Operator(who, PEOPLE[who], active=True)
        try:
            decide(self.record, self.clock, number, operator=person, decision=decision, note="")
        except (NotAllowed, NotFound):
            assert not allowed
            return
        assert allowed
        assert model is not None
        self.asked[number] = replace(model, state=decision)

    @rule(subject_id=subjects, digest=digests, kind=st.sampled_from(["status", "campaign"]))
    def ask_and_approve(self, subject_id: int, digest: str, kind: str) -> None:
        """The usual way, so that random steps get beyond it."""
        self.ask("ann", subject_id, digest, kind)
        self.confirm("ann", max(self.asked))
        self.answer("mia", max(self.asked), "approved")

    @rule(subject_id=subjects, digest=digests)
    def begin(self, subject_id: int, digest: str) -> None:
        mine = [n for n, model in self.asked.items() if model.subject_id == subject_id]
        model = self.asked[max(mine)] if mine else None
        allowed = (
            model is not None
            and (model.state, model.digest) == ("approved", digest)
            and self.clock.now().timestamp() < model.expires_at
        )
        try:
            with self.record.write() as connection:
                used = require_approved(
                    connection,
                    subject=SUBJECTS[subject_id],
                    subject_id=subject_id,
                    digest=digest,
                    now=self.clock.now(),
                )
        except NotAllowed:
            assert not allowed
            return
        assert allowed
        assert model is not None
        assert used.decided_by not in (None, used.requested_by)
        self.begun[used.id] += 1
        self.asked[used.id] = replace(model, state="used")

    @rule(hours=st.sampled_from([1, 12, 30]))
    def let_time_pass(self, hours: int) -> None:
        self.clock.sleep(hours * 3600)

    @rule()
    def close_what_is_late(self) -> None:
        now = self.clock.now().timestamp()
        late = {
            number
            for number, model in self.asked.items()
            if model.state in ("waiting", "approved") and model.expires_at <= now
        }
        assert set(expire(self.record, self.clock)) == late
        for number in late:
            self.asked[number] = replace(self.asked[number], state="expired")

    @rule(subject_id=subjects)
    def forge_and_try(self, subject_id: int) -> None:
        """By SQL, a request that is not approved is made to look so; beginning it is refused."""
        mine = [n for n, model in self.asked.items() if model.subject_id == subject_id]
        if not mine or self.asked[max(mine)].state == "approved":
            return
        number, model = max(mine), self.asked[max(mine)]
        someone = "max" if model.requester == "mia" else "mia"
        before = self._set(number, "approved", lambda decided_by: decided_by or someone)
        with pytest.raises(NotAllowed), self.record.write() as connection:
            require_approved(
                connection,
                subject=SUBJECTS[subject_id],
                subject_id=subject_id,
                digest=model.digest,
                now=self.clock.now(),
            )
        self._set(number, model.state, lambda _: before)

    def _set(
        self, number: int, state: str, decider: Callable[[str | None], str | None]
    ) -> str | None:
        """Write an approval's state and decider past the program; who had decided before."""
        with contextlib.closing(library().connect(self.folder / "record.db")) as database:
            (before,) = database.execute(
                "SELECT decided_by FROM approval WHERE id = ?", (number,)
            ).fetchone()
            database.execute(
                "UPDATE approval SET state = ?, decided_by = ? WHERE id = ?",
                (state, decider(before), number),
            )
            database.commit()
        return cast("str | None", before)

    @invariant()
    def nothing_is_used_twice(self) -> None:
        assert all(count == 1 for count in self.begun.values())

    def teardown(self) -> None:
        open_ones = {asked.id for asked in waiting(self.record, self.clock.now())}
        now = self.clock.now().timestamp()
        assert open_ones == {number for number, model in self.asked.items() if model.waits(now)}
        assert verify(self.record, None).holds
        self.record.close()
        shutil.rmtree(self.folder)


def test_no_approval_is_used_twice_or_by_its_requester_nor_a_campaign_nobody_confirmed(
    migrated_sqlite: Path,
) -> None:
    """NEW-1, ALC-33: any sequence of asking, confirming, deciding, beginning, waiting and forging."""
    machine = type("Machine", (Approvals,), {"template": migrated_sqlite})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(max_examples=40, stateful_step_count=25, deadline=None, derandomize=True),
    )

"""
Any history of operations, edits, partial failures and undos, and what stays true of it.

The trail (audit items, and the journal of others' edits) replayed from the beginning is today's record;
undoing an operation that nobody touched since restores what was before it; a patient is in one running
operation at most; nobody approves what they asked for, and an approval serves once.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from clinic.change.core.states import RUNNING
from clinic.change.operations import get_operation
from clinic.change.review.approve import ask
from clinic.change.review.checklist import require_ready
from clinic.change.review.deciding import decide
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.change.run.plan import make_plan
from clinic.change.run.undo import request_undo
from clinic.errors import CohortError, NotAllowed, OperationRefused
from clinic.govern.audit.rows import audit_item
from clinic.govern.audit.verify import verify
from clinic.record.database import Record
from clinic.record.schema.change import field_edit, operation_chunk, operation_item
from clinic.record.schema.govern import approval
from tests.clinic.change.practice import (
    ASKER,
    MANAGER,
    SETTINGS,
    asked,
    column,
    practice,
    tags_of,
    update,
)
from tests.fakes import FakeClock
from tests.servers.postgres_copies import Copies

PATIENTS = 4
STATUSES = ("active", "on_hold", "discharged")
KINDS = st.one_of(
    st.tuples(st.just("status"), st.sampled_from(STATUSES).map(lambda to: {"to": to})),
    st.tuples(st.just("provider"), st.sampled_from([["P2"], ["P3"]]).map(lambda to: {"to": to})),
    st.tuples(st.just("facility"), st.just({"to": "F2", "provider": "default"})),
    st.tuples(
        st.just("tag"), st.sampled_from([{"add": ["a"]}, {"remove": ["a"]}, {"add": ["a", "b"]}])
    ),
)
WHO = st.sets(st.integers(1, PATIENTS), min_size=1)


def today(record: Record) -> dict[tuple[int, str], str]:
    """(patient, field) → value of everything that these operations change; tags as tag:ID."""
    now: dict[tuple[int, str], str] = {}
    for field, name in (
        ("status", "status"), ("provider", "provider_id"), ("facility", "facility_id"),
    ):  # fmt: skip
        now |= {(n, field): str(value) for n, value in column(record, name).items()}
    tags = tags_of(record)
    return now | {(n, f"tag:{t}"): str(int((n, t) in tags)) for n in range(1, 5) for t in (1, 2)}


# Makes an empty, migrated record for one history, and gives its URL
Place = Callable[[], AbstractContextManager[str]]


class Histories(RuleBasedStateMachine):
    """Ann asks, Mia approves, somebody edits by hand, runs stop half way."""

    place: Place

    @initialize()
    def open(self) -> None:
        self.ending = contextlib.ExitStack()
        self.record = Record.open(self.ending.enter_context(self.place()))
        self.ending.callback(self.record.close)
        practice(self.record, PATIENTS)
        self.clock = FakeClock()
        self.first = today(self.record)
        self.waiting: list[int] = []
        self.running: list[int] = []
        self.ended: list[int] = []
        self.untouched: dict[int, dict[tuple[int, str], str]] = {}
        self.keys = itertools.count()
        self.log: list[tuple[int, str, str | None, str | None]] = []

    def teardown(self) -> None:
        if hasattr(self, "record"):
            self.ending.close()

    @rule(what=KINDS, who=WHO)
    def ask_for(self, what: tuple[str, dict[str, Any]], who: set[int]) -> None:
        self._review(asked(self.record, self.clock, *what, sorted(who), key=f"k{next(self.keys)}"))

    @rule(data=st.data())
    @precondition(lambda self: self.ended)
    def ask_to_undo(self, data: st.DataObject) -> None:
        of = data.draw(st.sampled_from(self.ended[::-1]))  # the newest is the simplest
        try:
            undo_id = request_undo(
                self.record, self.clock, SETTINGS, of=of, requested_by="ann", reason="r",
                request_key=f"k{next(self.keys)}", partly=data.draw(st.booleans()),
            )  # fmt: skip
        except OperationRefused as refused:
            assert refused.code in ("undo-open", "undo-not-ended")  # noqa: PT017
            return
        self._review(undo_id)

    @rule(what=KINDS, who=WHO)
    def do_at_once(self, what: tuple[str, dict[str, Any]], who: set[int]) -> None:
        self.ask_for(what=what, who=who)
        self._straight_through()

    @rule(data=st.data())
    @precondition(lambda self: self.ended)
    def undo_at_once(self, data: st.DataObject) -> None:
        self.ask_to_undo(data=data)
        self._straight_through()

    def _straight_through(self) -> None:
        """The newest request, if there is one, to its end."""
        if self.waiting:
            self._decide(self.waiting.pop(), "approved")
            self._carry_out(self.running[-1])

    def _review(self, operation_id: int) -> None:
        make_plan(self.record, self.clock, SETTINGS, operation_id)
        try:
            require_ready(self.record, self.clock, SETTINGS, operation_id)
        except OperationRefused as refused:
            assert refused.code in ("nothing-to-change", "undo-later-operation")  # noqa: PT017
            return
        ask(self.record, self.clock, SETTINGS, operation_id, flow_run_id=None)
        self.waiting.append(operation_id)

    @rule(data=st.data(), decision=st.sampled_from(["approved", "approved", "rejected"]))
    @precondition(lambda self: self.waiting)
    def decide(self, data: st.DataObject, decision: Any) -> None:
        self._decide(self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1))), decision)

    def _decide(self, operation_id: int, decision: Any) -> None:
        number = get_operation(self.record, operation_id).approval_id or 0
        with pytest.raises(NotAllowed):
            decide(self.record, self.clock, number, operator=ASKER, decision="approved", note="")
        decide(
            self.record, self.clock, number, operator=MANAGER, decision=decision, note="",
            override="wanted",
        )  # fmt: skip
        if decision == "rejected":
            with pytest.raises(NotAllowed):
                begin(self.record, self.clock, operation_id)
            return
        begin(self.record, self.clock, operation_id)
        self.running.append(operation_id)

    @rule(data=st.data())
    @precondition(lambda self: self.running)
    def apply_one_chunk(self, data: st.DataObject) -> None:
        operation_id = data.draw(st.sampled_from(self.running))
        left = chunks_left(self.record, operation_id)
        if left:
            number = data.draw(st.sampled_from(left))
            for _ in range(data.draw(st.integers(1, 2))):  # Prefect may run a task twice
                apply_chunk(self.record, self.clock, operation_id, number)
            self.untouched.clear()
            self._note_changes(operation_id, number)

    def _note_changes(self, operation_id: int, number: int) -> None:
        with self.record.read() as connection:
            items = connection.execute(
                sa.select(audit_item).where(
                    audit_item.c.stream == f"operation-{operation_id}",
                    audit_item.c.chunk == number,
                )
            ).all()
        for item in items:
            old, new = orjson.loads(item.old_values), orjson.loads(item.new_values)
            self.log += [(item.patient_id, key, old[key], new[key]) for key in new]

    @rule(data=st.data())
    @precondition(lambda self: self.running)
    def carry_out(self, data: st.DataObject) -> None:
        self._carry_out(data.draw(st.sampled_from(self.running)))

    def _carry_out(self, operation_id: int) -> None:
        before = today(self.record)
        whole = len(chunks_left(self.record, operation_id))
        for number in chunks_left(self.record, operation_id):
            apply_chunk(self.record, self.clock, operation_id, number)
            self._note_changes(operation_id, number)
        finish(self.record, self.clock, SETTINGS, operation_id)
        self.running.remove(operation_id)
        self.ended.append(operation_id)
        self.untouched.clear()
        if whole == self._chunks(operation_id):
            self.untouched[operation_id] = before

    def _chunks(self, operation_id: int) -> int:
        with self.record.read() as connection:
            count = connection.scalar(
                sa.select(sa.func.count()).where(operation_chunk.c.operation_id == operation_id)
            )
        return int(count or 0)

    @rule()
    @precondition(lambda self: self.untouched and not self.running)
    def undo_what_nobody_touched(self) -> None:
        (operation_id, before), *_ = self.untouched.items()
        if any(get_operation(self.record, key).undo_of == operation_id for key in self.waiting):
            return  # somebody asked for it already
        undo_id = request_undo(
            self.record, self.clock, SETTINGS, of=operation_id, requested_by="ann", reason="r",
            request_key=f"k{next(self.keys)}",
        )  # fmt: skip
        make_plan(self.record, self.clock, SETTINGS, undo_id)
        try:
            require_ready(self.record, self.clock, SETTINGS, undo_id)
        except OperationRefused as refused:
            assert refused.code == "nothing-to-change"  # noqa: PT017  it had changed nobody
            assert today(self.record) == before
            return
        ask(self.record, self.clock, SETTINGS, undo_id, flow_run_id=None)
        self.waiting.append(undo_id)
        number = get_operation(self.record, undo_id).approval_id or 0
        decide(
            self.record, self.clock, number, operator=MANAGER, decision="approved", note="",
            override="wanted",
        )  # fmt: skip
        self.waiting.remove(undo_id)
        begin(self.record, self.clock, undo_id)
        for chunk in chunks_left(self.record, undo_id):
            apply_chunk(self.record, self.clock, undo_id, chunk)
            self._note_changes(undo_id, chunk)
        assert finish(self.record, self.clock, SETTINGS, undo_id).state == "done"
        assert today(self.record) == before
        self.ended.append(undo_id)
        self.untouched.clear()

    @rule(who=st.integers(1, PATIENTS), status=st.sampled_from(STATUSES))
    def edit_status(self, who: int, status: str) -> None:
        self._edit(who, "status", "status", status)

    @rule(who=st.integers(1, PATIENTS), provider=st.integers(1, 4))
    def edit_provider(self, who: int, provider: int) -> None:
        self._edit(who, "provider", "provider_id", provider)

    def _edit(self, who: int, field: str, name: str, value: Any) -> None:
        old = column(self.record, name)[who]
        update(self.record, who, **{name: value})
        if old != value:
            self.log.append((who, field, str(old), str(value)))
            self.untouched.clear()

    @rule(data=st.data())
    @precondition(lambda self: self.ended or self.running)
    def use_an_approval_again(self, data: st.DataObject) -> None:
        operation_id = data.draw(st.sampled_from(self.ended + self.running))
        before = today(self.record)
        begin(self.record, self.clock, operation_id)  # it has begun: nothing happens
        with pytest.raises(CohortError):
            decide(
                self.record, self.clock,
                get_operation(self.record, operation_id).approval_id or 0,
                operator=MANAGER, decision="approved", note="",
            )  # fmt: skip
        assert today(self.record) == before

    @invariant()
    def the_trail_replayed_is_the_record(self) -> None:
        if not hasattr(self, "record"):
            return
        replayed = dict(self.first)
        for patient, field, old, new in self.log:
            assert replayed[patient, field] == old
            replayed[patient, field] = str(new)
        assert replayed == today(self.record)

    @invariant()
    def the_journal_holds_the_edits_of_others_and_no_more(self) -> None:
        if not hasattr(self, "record"):
            return
        with self.record.read() as connection:
            edits = connection.execute(sa.select(field_edit)).all()
            named = set(connection.execute(sa.select(operation_item.c.patient_id)).scalars())
        assert {edit.patient_id for edit in edits} <= named
        logged = {(patient, field) for patient, field, *_ in self.log}
        assert {(edit.patient_id, edit.field) for edit in edits} <= logged

    @invariant()
    def approvals_are_used_once_and_by_another(self) -> None:
        if not hasattr(self, "record"):
            return
        with self.record.read() as connection:
            used = connection.execute(sa.select(approval).where(approval.c.state == "used")).all()
        assert all(each.decided_by != each.requested_by for each in used)
        subjects = [each.subject_id for each in used]
        assert len(subjects) == len(set(subjects))
        assert set(subjects) == set(self.running) | set(self.ended)
        assert all(get_operation(self.record, key).state == RUNNING for key in self.running)

    @invariant()
    def the_trail_is_whole(self) -> None:
        if hasattr(self, "record"):
            assert verify(self.record, None).holds


def _run(place: Place, *, examples: int, steps: int) -> None:
    machine = type("Machine", (Histories,), {"place": staticmethod(place)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            # A failing history is told as it was found: to shorten one takes minutes
            phases=(Phase.explicit, Phase.generate),
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _on_sqlite(template: Path) -> Place:
    @contextlib.contextmanager
    def place() -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(template, Path(folder) / "record.db")
            yield f"sqlite:///{folder}/record.db"

    return place


def test_any_history_keeps_the_record_and_its_trail_together(migrated_sqlite: Path) -> None:
    _run(_on_sqlite(migrated_sqlite), examples=5, steps=25)


@pytest.mark.slow
def test_many_histories_keep_the_record_and_its_trail_together(migrated_sqlite: Path) -> None:
    _run(_on_sqlite(migrated_sqlite), examples=100, steps=40)


@pytest.mark.slow
def test_many_histories_keep_them_together_on_postgresql_too(postgres_copies: Copies) -> None:
    _run(postgres_copies.empty, examples=40, steps=40)

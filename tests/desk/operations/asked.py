"""Operations as somebody of the desk's staff asks for them: planned, or waiting for approval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from clinic.change.asking.asking import ask, confirm
from clinic.change.operations import get_operation
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.govern.people.operators import get_operator
from clinic.settings import Settings
from tasks.wiring import Wiring
from tests.clinic.change.practice import patients, places
from tests.selections import select_ids


def furnish(parts: Wiring, count: int = 5) -> None:
    """Facilities, providers, tags, and patients L1 … at F1."""
    places(parts.record)
    patients(parts.record, count)


def selected(parts: Wiring, ids: Iterable[int], *, by: str = "olwen") -> int:
    """A selection of these patients."""
    given = [f"L{n}" for n in ids]
    return select_ids(
        parts.record, parts.clock, parts.settings, given, source="ids", taken_by=by
    ).id


def planned(
    parts: Wiring, ids: Iterable[int] = (1, 2, 3), *, by: str = "olwen", kind: str = "status",
    parameters: Mapping[str, Any] | None = None, settings: Settings | None = None,
) -> int:  # fmt: skip
    """Asked for and planned; nobody is asked to approve it yet."""
    selection = selected(parts, ids, by=by)
    return ask(
        parts.record, parts.clock, settings or parts.settings, get_operator(parts.record, by), kind=kind,
        selection_id=selection, parameters=parameters or {"to": "on_hold"}, reason="closing the branch",
        request_key=f"test-{kind}-{selection}",
    )  # fmt: skip


def waiting(parts: Wiring, ids: Iterable[int] = (1, 2, 3), **more: Any) -> tuple[int, int]:
    """Its number, and that of the approval that it waits for."""
    number = planned(parts, ids, **more)
    person = get_operator(parts.record, more.get("by", "olwen"))
    confirm(parts.record, parts.clock, parts.settings, number, by=person)
    return number, get_operation(parts.record, number).approval_id or 0


def carried_out(parts: Wiring, number: int) -> None:
    """What its run does once it is approved."""
    begin(parts.record, parts.clock, number)
    for chunk in chunks_left(parts.record, number):
        apply_chunk(parts.record, parts.clock, number, chunk)
    finish(parts.record, parts.clock, parts.settings, number)

"""NEW-36, NEW-39: whom a practice names for its data decides what takes data away, and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from clinic.errors import NotAllowed
from clinic.govern.approvals.approvals import request_approval, require_approved
from clinic.govern.approvals.deciding import Judged, decide
from clinic.govern.approvals.queue import deciders, waiting
from clinic.govern.people.operators import Operator, add_operator
from clinic.govern.rules.governed import take_first_values
from clinic.record.database import Record
from clinic.settings import Settings
from clinic.settings.operations import People
from tests.clinic.govern.conftest import SECRET
from tests.fakes import FakeClock

NAMED = Settings(people=People(privacy_deciders=("Mia", "max")))


def asked(record: Record, clock: FakeClock, kind: str) -> int:
    with record.write() as connection:
        return request_approval(
            connection, clock, subject=kind, subject_id=1, kind=kind, digest="d" * 64,
            requested_by="mia", summary={}, reason="time is over", flow_run_id=None,
            expires_in=timedelta(days=1),
        )  # fmt: skip


def decided(record: Record, clock: FakeClock, number: int, by: Operator) -> str:
    checked = decide(
        record,
        clock,
        number,
        operator=by,
        decision="approved",
        note="",
        checklist=lambda *_: Judged(),
    )
    return checked.state


@pytest.mark.parametrize("kind", ["erasure", "restriction", "retention"])
def test_only_whom_the_practice_names_decides_what_takes_data_away(
    governed: Record, clock: FakeClock, people: dict[str, Operator], kind: str
) -> None:
    """A manager who is not named is told whose it is, and nobody chases them for it."""
    add_operator(governed, clock, name="una", role="manager", secret=SECRET, by="root")
    take_first_values(governed, clock, NAMED, by="installer")
    number = asked(governed, clock, kind)
    una = Operator("una", "manager", active=True)
    with pytest.raises(NotAllowed, match=r"max or mia \(people.privacy_deciders\)"):
        decided(governed, clock, number, una)
    assert deciders(governed, waiting(governed, clock.now())[0]) == ["max"]
    assert decided(governed, clock, number, people["max"]) == "approved"


def test_other_requests_and_a_practice_that_names_nobody_are_as_before(
    governed: Record, clock: FakeClock, people: dict[str, Operator]
) -> None:
    take_first_values(governed, clock, Settings(), by="installer")
    assert (
        decided(governed, clock, asked(governed, clock, "retention"), people["max"]) == "approved"
    )
    with governed.write() as connection:
        used = require_approved(
            connection, subject="retention", subject_id=1, digest="d" * 64, now=clock.now()
        )
    assert used.decided_by == "max"
    assert decided(governed, clock, asked(governed, clock, "status"), people["max"]) == "approved"


def test_one_name_alone_is_refused() -> None:
    """Who asks does not decide: with one name nobody could, when they ask."""
    with pytest.raises(ValidationError, match="name two people at least"):
        People(privacy_deciders=("mia", " MIA"))

"""NEW-23: what is asked of a run that failed in part: what was refused, what it cost, what stands still."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from clinic.errors import Incomplete
from clinic.gateway.protocol import Answer, Outgoing, Taken, Turned
from clinic.message.outcomes.summary import read_summary
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.settings import Phones, Settings
from tasks.show.campaign import page_of
from tasks.story.whole import story
from tests.fakes import FakeClock, FakeGateway
from tests.main_job import Practice

PEOPLE = 12


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Twelve patients in three batches, at 5 pence a segment."""
    settings = Settings(
        home=tmp_path, record_url=sqlite_record.engine.url.render_as_string(), operator="nia",
        batch_size=4, phones=Phones(test_range=True),
    )  # fmt: skip
    prices = {"segment_cost": 0.05}
    settings = settings.model_copy(update={"sms": settings.sms.model_copy(update=prices)})
    made = Practice(sqlite_record, clock, tmp_path, settings=settings)
    made.patients(PEOPLE)
    return made


class Refuses(FakeGateway):
    """Turns messages down with these codes, in their order; takes the others."""

    def __init__(self, *codes: str) -> None:
        super().__init__()
        self._codes = list(codes)

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        results: dict[int, Taken | Turned] = {}
        for one in messages:
            code = self._codes.pop() if self._codes else ""
            results[one.reference] = Turned(code, code) if code else Taken(f"g{one.reference}")
        return Answer(results)


class Doubts(FakeGateway):
    """Takes one of each call, and stops the campaign."""

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        first, *others = messages
        rest = frozenset(one.reference for one in others)
        return Answer({first.reference: Taken("g1")}, not_sent=rest, halt="gateway-credentials")


def lines(practice: Practice, step: str) -> str:
    timing = timing_of(practice.settings)
    told = story(practice.record, practice.settings, timing, 1, practice.clock.now())
    return "\n".join(one.line.says for one in told if one.step == step)


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        (["barred"], "the gateway refused 1: service_suspended 1."),
        (["quota_of_sender"] * 3, "the gateway refused 3: quota_of_sender 3."),
        (["llwyd", "llwyd"], "the gateway refused 2: another code of the gateway's own 2."),
    ],
)
def test_what_the_gateway_refused_is_told_by_its_code_unless_that_may_be_a_name(
    practice: Practice, codes: list[str], says: str
) -> None:
    """Issue 17: "a code of the gateway's own 15" answers nobody; what three messages have is nobody's name."""
    practice.gateway = Refuses(*codes)
    practice.run(practice.everybody(PEOPLE))
    assert says in lines(practice, "send-batch")


def test_what_it_cost_is_told_of_what_the_gateway_took(practice: Practice) -> None:
    """Issue 17: what was written is no bill: of what was refused nothing is."""
    practice.gateway = Refuses("barred", "barred")
    practice.run(practice.everybody(PEOPLE))
    assert "12 messages written (12 segments, 0.60 at 0.05 a segment)" in lines(practice, "render")
    assert "Cost so far: 0.50 for 10 segments that the gateway took." in lines(
        practice, "summarize"
    )


def test_what_stands_still_is_not_said_to_be_tried_again(practice: Practice) -> None:
    """Issue 17: of a halted campaign it was told that the gateway took nothing, and when it is tried again."""
    practice.gateway = Doubts()
    practice.finish(practice.begin(practice.everybody(PEOPLE)))
    batch = lines(practice, "send-batch")
    assert "Batch 1: 4 messages: 1 accepted, 3 wait until it is resumed" in batch
    assert "tried again" not in batch
    assert "Batch 2: not saved to the record yet" in lines(practice, "save-to-record")

    summary = read_summary(practice.record, 1, practice.clock.now(), timing_of(practice.settings))
    with pytest.raises(Incomplete, match=r"11 not sent yet \(gateway-credentials: .*\), 0 unknown"):
        summary.raise_if_incomplete()
    page = page_of(summary)
    assert "**11 messages not sent, and it stands still.** gateway-credentials: " in page
    assert "tried again" not in page

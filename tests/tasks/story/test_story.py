"""A run's story: a line a step that somebody can act on, adding up, without anybody's values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused
from clinic.gateway.protocol import Answer, Outgoing
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, check_result
from clinic.settings import Phones, Settings
from data_checks.gate.verdict import Check, Verdict
from tasks.story.lines import Line, by_count
from tasks.story.sending import sent
from tasks.story.spans import Span
from tasks.story.whole import Told, story
from tests.fakes import FakeClock, FakeGateway
from tests.main_job import Practice, nhs


class Dead(FakeGateway):
    """Takes nothing, and says why."""

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        return Answer(not_sent=only, trouble="the gateway answers 503", retry_after=600)


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Twelve patients, batches of four, a price; open at every hour."""
    settings = Settings(
        home=tmp_path,
        record_url=sqlite_record.engine.url.render_as_string(),
        operator="nia",
        batch_size=4,
        phones=Phones(test_range=True),
    )
    sms = settings.sms.model_copy(update={"segment_cost": 0.02})
    made = Practice(
        sqlite_record, clock, tmp_path, settings=settings.model_copy(update={"sms": sms})
    )
    made.patients(12)
    return made


def told_of(practice: Practice, number: int = 1) -> list[Told]:
    settings = practice.settings
    return story(practice.record, settings, timing_of(settings), number, practice.clock.now())


def says(told: Sequence[Told], step: str) -> str:
    return "\n".join(one.line.says for one in told if one.step == step)


def test_each_step_says_what_it_did_and_what_comes_next(practice: Practice) -> None:
    """Issue 17: loaded, refused by code, checked against its threshold, cost, sent, saved, next command."""
    practice.patient(13, mobile="020 7946 0000")
    practice.run(practice.file(*(nhs(n) for n in range(1, 14)), "9990000019"))
    told = told_of(practice)

    assert says(told, "load-cohort").startswith("Campaign 1: 14 rows of list 1, from a file (")
    assert "template plain, version 1, by sms; asked for by nia." in says(told, "load-cohort")
    checks = says(told, "check-cohort")
    assert "unidentified 7.14% (at most 100%)" in checks
    assert (
        "12 of 14 rows may be messaged, 2 not: nhs_number_invalid 1, phone_not_mobile 1." in checks
    )
    assert says(told, "render") == (
        "12 messages written (12 segments, 0.24 at 0.02 a segment), in 3 batches."
    )
    assert says(told, "wait-for-approval") == "No second approver is needed."
    assert "Batch 2: 4 messages: 4 accepted; 1 attempt." in says(told, "send-batch")
    assert "Batch 3: saved to the record: 4 accepted." in says(told, "save-to-record")
    end = says(told, "summarize")
    assert "Campaign 1: OK, 2 not accepted, 12 messages, 12 segments" in end
    assert "All 14 rows: sent 12, nhs_number_invalid 1, phone_not_mobile 1." in end
    assert "Next: cohort show 1 --errors-only" in end


def test_a_list_that_is_refused_says_by_which_check_and_no_more(practice: Practice) -> None:
    wrong = [nhs(n)[:-1] + str((int(nhs(n)[-1]) + 1) % 10) for n in range(50, 70)]
    number = practice.begin(practice.file(nhs(1), *wrong))
    with pytest.raises(CohortRefused):
        practice.check(number)
    told = told_of(practice)
    stopped = [one.line for one in told if one.line.level == "error"]
    assert "Check unidentified 95.2% (at most " in stopped[0].says
    assert stopped[-1].says.startswith("Nothing is sent. list-refused: ")
    assert {one.step for one in told} == {"load-cohort", "check-cohort"}


@pytest.mark.parametrize(
    ("share", "allowed", "told"),
    [
        (1.0, 0.2, "100% (at most 20%)"),  # was 1e+02%
        (0.996, 1 / 3, "99.6% (at most 33.3%)"),
        (1 / 3, 0.02, "33.3% (at most 2%)"),
        (0.00001, 0.0, "0.001% (none may)"),
    ],
)
def test_a_share_is_told_in_three_figures(
    practice: Practice, share: float, allowed: float, told: str
) -> None:
    """Whole lists are refused: a hundred per cent is no power of ten, and a third has no ten digits."""
    practice.run(practice.everybody(12))
    found = Check("unidentified", "…", "warning", True, broken=1, share=share, allowed=allowed)
    with practice.record.write() as connection:
        connection.execute(sa.update(check_result).values(checks=Verdict.of((found,)).to_json()))
    assert f"Checks passed: unidentified {told}" in says(told_of(practice), "check-cohort")


def test_a_dead_gateway_is_said_with_its_words_and_when_it_is_tried_again(
    practice: Practice, clock: FakeClock
) -> None:
    """Issue 17: 282 messages waited and nobody was told why."""
    practice.gateway = Dead()
    practice.finish(practice.begin(practice.everybody(12)))
    told = told_of(practice)
    warned = [one.line.says for one in told if one.line.level == "warning"]
    again = clock.now() + timedelta(minutes=10)
    assert warned[0] == (
        f"Batch 1: 4 messages could not leave: the gateway answers 503; tried again at {again:%Y-%m-%d %H:%M} "
        "GMT. Nobody is messaged twice."
    )
    assert "the gateway takes nothing (the gateway answers 503)" in says(told, "release")
    assert "12 messages not sent yet: the gateway answers 503." in says(told, "summarize")


def test_attempts_of_earlier_runs_are_not_timed_as_this_ones(
    practice: Practice, clock: FakeClock
) -> None:
    """A night between two attempts is no speed."""
    practice.gateway = Dead()
    practice.finish(practice.begin(practice.everybody(4)))
    clock.sleep(43_200)
    practice.gateway, began = FakeGateway(), clock.now()
    practice.send(1, 1)
    with practice.record.read() as connection:
        both = sent(connection, practice.settings, Span(1, 1, 1))
        own = sent(connection, practice.settings, Span(1, 1, 1), since=began)
    assert own == [Line("Batch 1: 4 messages: 4 accepted; 1 attempt.")]
    assert both[0].says.endswith("2 attempts, 1 of them in vain.")


def test_what_was_tried_in_vain_has_no_speed(practice: Practice, clock: FakeClock) -> None:
    """A dead gateway was shown with nine messages a second, counted at each attempt."""
    practice.gateway = Dead()
    practice.finish(practice.begin(practice.everybody(4)))
    clock.sleep(700)
    practice.send(1, 1)
    with practice.record.read() as connection:
        told = sent(connection, practice.settings, Span(1, 1, 1))
    assert told[0].says == (
        "Batch 1: 4 messages: 0 accepted, 4 wait; 700.0 s, 2 attempts, 2 of them in vain."
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {"state": "paused", "state_reason": "paused-by-person"},
            "It is paused: paused-by-person: ",
        ),
        ({"state": "scheduled", "start_at": timedelta(days=1)}, "so it was asked for."),
    ],
)
def test_what_keeps_it_from_leaving_is_said(
    practice: Practice, clock: FakeClock, change: dict[str, object], why: str
) -> None:
    practice.gateway = Dead()
    practice.finish(practice.begin(practice.everybody(4)))
    values = {
        key: clock.now() + value if isinstance(value, timedelta) else value
        for key, value in change.items()
    }
    with practice.record.write() as connection:
        connection.execute(sa.update(campaign).values(**values))
    assert why in says(told_of(practice), "release")


def test_codes_are_told_the_largest_first_and_the_rest_together() -> None:
    assert by_count({"a": 1, "b": 2_000, "c": 0}) == "b 2,000, a 1"
    many = {f"code_{n:02}": 40 - n for n in range(27)}
    assert by_count(many).endswith("code_23 17, 3 more codes 45")

"""What the list of campaigns and one campaign say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.cohort.outcomes import BEFORE, OUTCOMES
from clinic.errors import NotFound
from clinic.message import states, summary
from clinic.message.outcome_rows import outcome_rows
from clinic.message.report import (
    count_outcomes,
    list_campaigns,
    show_campaign,
    verdict,
)
from clinic.record.database import Record
from tests.campaigns import Fate, put_campaign
from tests.fakes import FakeClock

_MESSAGE_STATES = [
    states.PENDING, states.ACCEPTED, states.DELIVERED, states.UNDELIVERED, states.REJECTED,
    states.UNKNOWN, states.SUPPRESSED, states.CANCELLED, states.EXPIRED, states.EXHAUSTED,
]  # fmt: skip


def test_campaigns_are_listed_newest_first_with_everything_the_list_shows(
    record: Record, clock: FakeClock
) -> None:
    """PAT-4, PAT-19: date, sender, first line, channel, list name, delivery status; newest first."""
    put_campaign(record, clock, [Fate(state=states.DELIVERED)])
    clock.sleep(3600)
    put_campaign(record, clock, [Fate(state=states.ACCEPTED)], channel="email", requested_by="ceri")
    newest, oldest = list_campaigns(record)
    assert newest.at - oldest.at == timedelta(hours=1)
    assert (newest.sender, newest.channel, newest.list_name) == ("ceri", "email", "Flu 2026")
    assert newest.first_line == "Your flu jab is due."
    assert (newest.verdict, oldest.verdict) == ("OK", "OK")


@pytest.mark.parametrize(
    ("fate", "expected"),
    [
        (Fate(state=states.DELIVERED), "OK"),
        (Fate(state=states.ACCEPTED), "OK"),
        (Fate("patient_dead"), "OK"),  # ARC-10: left out on purpose, not an error
        (Fate("opted_out"), "OK"),  # ARC-11
        (Fate("duplicate"), "OK"),
        (Fate(state=states.SUPPRESSED), "OK"),
        (Fate("phone_missing"), "Error"),  # ARC-12
        (Fate("phone_invalid"), "Error"),  # ARC-13
        (Fate("variable_missing"), "Error"),  # ARC-9
        (Fate(state=states.REJECTED), "Error"),
        (Fate(state=states.UNDELIVERED), "Error"),
        (Fate(state=states.EXPIRED), "Error"),
        (Fate(state=states.EXHAUSTED), "Error"),
        (Fate(state=states.UNKNOWN), "Error"),
    ],
)
def test_the_verdict_is_error_when_one_row_ended_in_error(
    record: Record, clock: FakeClock, fate: Fate, expected: str
) -> None:
    """PAT-20: OK = sent to all without errors; Error = errors for one or more recipients."""
    put_campaign(record, clock, [Fate(state=states.DELIVERED), fate])
    put_campaign(record, clock, [Fate(state=states.DELIVERED)])  # another's faults are not ours
    assert [line.verdict for line in list_campaigns(record)] == ["OK", expected]


@pytest.mark.parametrize("state", [states.CHECKING, states.RUNNING, states.PAUSED, states.REFUSED])
def test_a_campaign_that_was_not_tried_whole_shows_its_state(state: str) -> None:
    assert verdict(state, has_errors=True) == state


def test_one_campaign_shows_its_text_segments_and_counts(record: Record, clock: FakeClock) -> None:
    """PAT-21: the details, what was delivered and what had errors."""
    fates = [Fate(state=states.DELIVERED), Fate(state=states.REJECTED), Fate("phone_missing")]
    shown = show_campaign(
        record, put_campaign(record, clock, fates, snomed_codes="1326181000000106")
    )
    assert shown.counts == {"phone_missing": 1, "delivered": 1, "rejected": 1}
    assert (shown.segments, shown.template, shown.version) == (4, "flu-1", 1)
    assert shown.text.startswith("Your flu jab")
    assert (shown.save_when, shown.snomed_codes) == ("sent", "1326181000000106")


@pytest.mark.parametrize(
    ("fate", "state", "open_submission", "expected"),
    [
        (Fate(None), states.CHECKING, False, "waiting"),
        (Fate(), states.CHECKING, False, "waiting"),
        (Fate(), states.REFUSED, False, "cancelled"),
        (Fate(None), states.REFUSED, False, "cancelled"),
        (Fate(state=states.PENDING), states.RUNNING, False, "waiting"),
        (Fate(state=states.PENDING), states.RUNNING, True, "in_flight"),
        (Fate(state=states.ACCEPTED), states.RUNNING, True, "sent"),
        (Fate(state=states.PENDING), states.CANCELLED_CAMPAIGN, False, "cancelled"),
    ],
)
def test_a_row_that_is_not_settled_says_where_it_is(
    record: Record, clock: FakeClock, fate: Fate, state: str, open_submission: bool, expected: str
) -> None:
    """NEW-6: every row has exactly one outcome, at every moment."""
    made = put_campaign(record, clock, [fate], state=state, open_submission=open_submission)
    assert count_outcomes(record, made) == {expected: 1}


@pytest.mark.parametrize("state", sorted(states.LEFT))
def test_of_a_rehearsal_no_message_is_said_to_have_left(
    record: Record, clock: FakeClock, state: str
) -> None:
    """NEW-13: what a rehearsal's way out took would be sent; the two ways to count agree."""
    made = put_campaign(record, clock, [Fate(state=state)], dry_run=True)
    with record.read() as connection:
        counted = summary.count_outcomes(connection, made)
    assert counted == count_outcomes(record, made) == {"would_be_sent": 1}
    assert [row.code for row in outcome_rows(record, made)] == ["would_be_sent"]


_fates = st.one_of(
    st.sampled_from([None, *BEFORE]).map(Fate), st.sampled_from(_MESSAGE_STATES).map(lambda s: Fate(state=s))
)  # fmt: skip


@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(fates=st.lists(_fates, min_size=1, max_size=30), ended=st.booleans())
def test_counts_always_add_up_to_the_rows(
    sqlite_record: Record, clock: FakeClock, fates: list[Fate], ended: bool
) -> None:
    """NEW-6: counts by outcome add up to the input rows, in the words of the one vocabulary."""
    state = states.COMPLETED if ended else states.RUNNING
    counts = count_outcomes(sqlite_record, put_campaign(sqlite_record, clock, fates, state=state))
    assert sum(counts.values()) == len(fates)
    assert set(counts) <= set(OUTCOMES)


def test_an_unknown_campaign_is_told_with_the_command_that_lists_them(record: Record) -> None:
    with pytest.raises(NotFound, match="cohort campaigns"):
        show_campaign(record, 7)

"""What the list of campaigns and one campaign say."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.cohort.outcomes import BEFORE, OUTCOMES
from clinic.errors import NotFound
from clinic.message import states
from clinic.message.campaign import counting
from clinic.message.outcomes.outcome_rows import outcome_rows
from clinic.message.outcomes.report import list_campaigns, show_campaign
from clinic.message.outcomes.summary import summarize
from clinic.message.outcomes.verdict import verdict
from clinic.message.prepare.review import review_campaign
from clinic.record.database import Record
from tests.campaigns import Fate, put_campaign
from tests.fakes import FakeClock

_MESSAGE_STATES = [
    states.PENDING, states.ACCEPTED, states.DELIVERED, states.UNDELIVERED, states.REJECTED,
    states.UNKNOWN, states.SUPPRESSED, states.CANCELLED, states.EXPIRED, states.EXHAUSTED,
]  # fmt: skip


def count_outcomes(record: Record, number: int) -> dict[str, int]:
    with record.read() as connection:
        return counting.count_outcomes(connection, number)


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
        (Fate("phone_missing"), "Error"),  # ARC-12; half of this list is more than a third
        (Fate("phone_invalid"), "Error"),  # ARC-13
        (Fate("variable_missing"), "Error"),  # ARC-9
        (Fate(state=states.REJECTED), "Error"),
        (Fate(state=states.UNDELIVERED), "Error"),
        (Fate(state=states.EXPIRED), "Error"),
        (Fate(state=states.EXHAUSTED), "Error"),
        (Fate(state=states.UNKNOWN), "Error"),
    ],
)
def test_the_verdict_is_error_when_a_message_failed_or_too_much_of_the_list_is_wrong(
    record: Record, clock: FakeClock, fate: Fate, expected: str
) -> None:
    """PAT-20: OK = everyone who was to be messaged was reached."""
    put_campaign(record, clock, [Fate(state=states.DELIVERED), fate])
    put_campaign(record, clock, [Fate(state=states.DELIVERED)])  # another's faults are not ours
    assert [line.verdict for line in list_campaigns(record)] == ["OK", expected]


@pytest.mark.parametrize("state", [states.CHECKING, states.RUNNING, states.PAUSED, states.REFUSED])
def test_a_campaign_that_was_not_tried_whole_shows_its_state(state: str) -> None:
    assert verdict(state, {"rejected": 1}) == state


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
        (Fate(state=states.PENDING), states.MISSED, False, "waiting"),  # a person may let it go on
        (Fate(state=states.PENDING), states.PAUSED, True, "in_flight"),
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
    """NEW-13: what a dry run's gateway took would be sent."""
    made = put_campaign(record, clock, [Fate(state=state)], dry_run=True)
    assert count_outcomes(record, made) == {"would_be_sent": 1}
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
@given(
    fates=st.lists(_fates, min_size=1, max_size=30),
    state=st.sampled_from(
        [states.COMPLETED, states.RUNNING, states.MISSED, states.CANCELLED_CAMPAIGN]
    ),
    open_submission=st.booleans(),
)
def test_counts_add_up_to_the_rows_and_every_place_counts_alike(
    sqlite_record: Record, clock: FakeClock, fates: list[Fate], state: str, open_submission: bool
) -> None:
    """NEW-6: in the words of the one vocabulary, the same in `show`, the review, the summary and the file."""
    made = put_campaign(sqlite_record, clock, fates, state=state, open_submission=open_submission)
    counts = count_outcomes(sqlite_record, made)
    assert sum(counts.values()) == len(fates)
    assert set(counts) <= set(OUTCOMES)
    assert Counter(row.code for row in outcome_rows(sqlite_record, made)) == counts
    assert show_campaign(sqlite_record, made).counts == counts
    seen = review_campaign(sqlite_record, made, segment_cost=0)
    assert seen.became | seen.not_accepted == counts
    if state != states.RUNNING:  # the summary may close one that runs
        assert summarize(sqlite_record, clock, made).outcomes == counts


def test_an_unknown_campaign_is_told_with_the_command_that_lists_them(record: Record) -> None:
    with pytest.raises(NotFound, match="cohort campaigns"):
        show_campaign(record, 7)

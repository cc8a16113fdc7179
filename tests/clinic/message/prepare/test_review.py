"""The review before anything is sent, and how a campaign is taken up again."""

from __future__ import annotations

import pytest

from clinic.errors import NotAllowed, NotFound
from clinic.message import states
from clinic.message.prepare.review import read_previews, request_of, review_campaign
from clinic.record.database import Record
from tests.campaigns import Fate, put_campaign
from tests.fakes import FakeClock

STAGED = [
    Fate(state=states.PENDING, body="Dear Ned, come.", segments=1),
    Fate("phone_missing"),
    Fate(state=states.PENDING, body="Annwyl Gŵyr, dewch." * 5, segments=2),
    Fate("phone_missing"),
    Fate("patient_dead"),
]


def put(record: Record, clock: FakeClock, **values: object) -> int:
    return put_campaign(record, clock, STAGED, state=states.CHECKING, **values)


def test_the_review_counts_accepted_not_accepted_segments_and_cost(
    record: Record, clock: FakeClock
) -> None:
    """ACX-25, ACX-26, PAT-13: who is accepted, who is not and why, how many segments."""
    review = review_campaign(record, put(record, clock), segment_cost=0.02)
    assert (review.rows, review.accepted) == (5, 2)
    assert review.not_accepted == {"phone_missing": 2, "patient_dead": 1}
    assert (review.letters.segments, review.letters.messages) == (3, 1)
    assert review.letters.without == 2, "what a Gŵyr costs"
    assert review.cost == pytest.approx(0.06)


def test_an_e_mail_has_no_segments(record: Record, clock: FakeClock) -> None:
    review = review_campaign(record, put(record, clock, channel="email"), segment_cost=0.02)
    assert (review.letters.segments, review.cost) == (0, 0)


def test_previews_show_the_longest_message_first_then_the_first_of_the_list(
    record: Record, clock: FakeClock
) -> None:
    """ACX-31: the message can be looked at before it is sent."""
    longest, first = read_previews(record, put(record, clock), limit=3)
    assert (longest.row_number, longest.segments, longest.encoding) == (4, 2, "UCS-2")
    assert (first.row_number, first.body, first.encoding) == (2, "Dear Ned, come.", "GSM-7")


def test_any_row_can_be_previewed_or_says_why_not(record: Record, clock: FakeClock) -> None:
    made = put(record, clock)
    assert [one.row_number for one in read_previews(record, made, row=2)] == [2]
    with pytest.raises(NotFound, match="its outcome is phone_missing"):
        read_previews(record, made, row=3)
    with pytest.raises(NotFound, match="no such row"):
        read_previews(record, made, row=99)


def test_a_campaign_is_taken_up_by_the_request_that_made_it(
    record: Record, clock: FakeClock
) -> None:
    """NEW-3: the same request key finds the same campaign."""
    made = put(record, clock, snomed_codes="1326181000000106 699237001", save_when="delivered")
    request = request_of(record, made)
    assert request.request_key == "campaign-1"
    assert (request.cohort.list_id, request.template, request.template_version) == (1, "flu-1", 1)
    assert request.snomed_codes == ["1326181000000106", "699237001"]
    assert (request.save_when, request.save_to_record, request.dry_run) == (
        "delivered",
        True,
        False,
    )


@pytest.mark.parametrize("state", sorted(states.ENDED))
def test_what_has_ended_cannot_be_taken_up(record: Record, clock: FakeClock, state: str) -> None:
    made = put_campaign(record, clock, STAGED, state=state)
    with pytest.raises(NotAllowed, match="campaign-ended"):
        request_of(record, made)

"""What a person decides of a campaign below any terminal: looked at, answered for, confirmed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import CohortError, CohortRefused, NotAllowed
from clinic.govern.people.operators import Operator
from clinic.message import states
from clinic.message.asking.answering import accept
from clinic.message.asking.carrying_on import resend, resume, stale_reason
from clinic.message.asking.confirming import confirm
from clinic.message.asking.going import is_released, require_going
from clinic.message.asking.to_decide import to_decide
from clinic.message.campaign.campaign import get_campaign
from clinic.message.prepare.control import pause
from clinic.message.safety.accepted import acceptances_of
from clinic.message.words.classes import CODE, SHORTENER, SIZE
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.messages import campaign, check_result, message
from clinic.record.schema.safety import content_finding
from clinic.settings import Release, Settings
from tests.campaigns import Fate, put_campaign
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients

FREE = Settings()
ALL = Settings(release=Release(approval_above=0))
NIA = Operator("nia", "operator", active=True)
MIA = Operator("mia", "manager", active=True)
VIC = Operator("vic", "auditor", active=True)
LAST_ROW = 30
CHECKED = '{"outcome": "pass", "checks": []}'
STAGED = [
    Fate(state=states.PENDING, body="Dear Ned, come.", segments=1),
    Fate("phone_missing"),
    Fate(state=states.PENDING, body="Annwyl Gŵyr, dewch." * 5, segments=2),
]


@pytest.fixture
def staged(record: Record, clock: FakeClock) -> int:
    """A campaign that nobody has confirmed."""
    return stage(record, clock)


def stage(record: Record, clock: FakeClock) -> int:
    """Nia's, to thirty people."""
    add_patients(record, 30)
    with record.write() as connection:
        connection.execute(
            operator.insert(),
            [
                {
                    "name": one.name, "role": one.role, "secret_hash": "-",
                    "created_at": clock.now(), "created_by": "root",
                }
                for one in (NIA, MIA, VIC)
            ],
        )  # fmt: skip
    number = add_campaign(
        record, clock, 30, state=states.CHECKING, requested_by="nia", released_at=None,
        checked_rows=30, staged_rows=LAST_ROW,
    )  # fmt: skip
    check(record, clock, number)
    return number


def check(record: Record, clock: FakeClock, campaign_id: int) -> None:
    """As if the check of its list had come to its end."""
    values = {"suite": "list", "verdict": "pass", "checks": CHECKED, "checked_at": clock.now()}
    with record.write() as connection:
        connection.execute(sa.insert(check_result).values(campaign_id=campaign_id, **values))


def find(record: Record, campaign_id: int, codes: Iterable[str]) -> None:
    """As if the content gate had found these in all thirty messages."""
    rows = [
        {"campaign_id": campaign_id, "check_code": code, "phrase": phrase, "messages": 30, "first_rows": "1"}
        for code in codes
        for phrase in ("", "what it is")
    ]  # fmt: skip
    with record.write() as connection:
        connection.execute(sa.insert(content_finding), rows)


def state_of(record: Record, campaign_id: int) -> str:
    with record.read() as connection:
        return str(get_campaign(connection, campaign_id).state)


def test_all_that_is_decided_over_is_one_object(record: Record, clock: FakeClock) -> None:
    """ACX-25 to 31, COM-4, NEW-1: counts, messages, time, who must approve, and whose data it shows."""
    number = put_campaign(record, clock, STAGED, state=states.CHECKING)
    seen = to_decide(record, clock, ALL, number)
    assert (seen.review.accepted, seen.review.not_accepted) == (2, {"phone_missing": 1})
    assert [one.segments for one in seen.previews] == [2, 1]
    assert seen.time is not None
    assert "second approver" in seen.approval
    assert (seen.look.subject, seen.look.number) == ("campaign", number)
    assert to_decide(record, clock, FREE, number, previews=0).previews == ()
    assert to_decide(record, clock, FREE, number).approval == ""


def test_what_nobody_gets_is_closed_and_said(record: Record, clock: FakeClock) -> None:
    number = put_campaign(record, clock, [Fate("phone_missing")], state=states.CHECKING)
    check(record, clock, number)
    with pytest.raises(CohortRefused, match="nobody-accepted"):
        confirm(record, clock, FREE, number)
    assert state_of(record, number) == states.REFUSED


@pytest.mark.parametrize(
    ("found", "reasons", "code"),
    [
        ([CODE + "results"], {CODE + "results": "the letter says so"}, None),
        ([CODE + "results"], {}, "warning-not-accepted"),
        ([CODE + "results"], {CODE + "results": "  "}, "warning-not-accepted"),
        ([CODE + "results", SIZE], {CODE + "results": "why"}, "warning-not-accepted"),
        ([SIZE], {SIZE: "all of them"}, "warning-not-accepted"),
        ([SIZE], {SIZE: "30 are all of them"}, None),
        ([CODE + SHORTENER], {}, "warning-not-accepted"),
    ],
)
def test_each_finding_is_answered_for_by_name_or_none_is_kept(
    record: Record, clock: FakeClock, staged: int, found: list[str], reasons: dict[str, str],
    code: str | None,
) -> None:  # fmt: skip
    """COM-4, NEW-30: an answer that does not count keeps nobody from giving one that does."""
    find(record, staged, found)
    seen = to_decide(record, clock, FREE, staged)
    assert [one.code for one in seen.to_answer] == sorted(found)
    assert [one.may for one in seen.to_answer] == [one != CODE + SHORTENER for one in sorted(found)]
    assert {one.code: one.number for one in seen.to_answer if one.number} == dict.fromkeys(
        set(found) & {SIZE}, 30
    )
    raised = ""
    try:
        accept(record, clock, seen.review, reasons, by="nia")
    except CohortError as error:
        raised = error.code
    assert raised == (code or "")
    with record.read() as connection:
        kept = {one.code: one.by for one in acceptances_of(connection, staged)}
    assert kept == ({} if code else dict.fromkeys(found, "nia"))
    if code is None:
        assert to_decide(record, clock, FREE, staged).to_answer == ()
        assert confirm(record, clock, FREE, staged, by=NIA).state in (
            states.RUNNING, states.AWAITING_APPROVAL,
        )  # fmt: skip


@pytest.mark.parametrize("left", ["to be checked", "to be written"])
def test_nobody_says_yes_to_half_a_campaign(
    record: Record, clock: FakeClock, staged: int, left: str
) -> None:
    """ARC-6: whoever prepares it may be at it still, or was killed: the rest would never be sent."""
    undone = {
        "to be checked": sa.delete(check_result),
        "to be written": sa.update(campaign).values(staged_rows=LAST_ROW - 1),
    }
    with record.write() as connection:
        connection.execute(undone[left])
    with pytest.raises(NotAllowed, match="campaign-state"):
        confirm(record, clock, FREE, staged, by=NIA)
    assert state_of(record, staged) == states.CHECKING, "and it can be prepared to its end"


def test_a_yes_lets_it_go_or_leaves_that_to_the_run_that_follows(
    record: Record, clock: FakeClock, staged: int
) -> None:
    """ARC-6: nothing can leave before somebody said yes; a yes twice is one."""
    assert not is_released(record, staged)
    assert confirm(record, clock, FREE, staged, release=False).state == states.CHECKING
    done = confirm(record, clock, FREE, staged, by=NIA)
    assert (done.state, done.waits) == (states.RUNNING, False)
    assert confirm(record, clock, FREE, staged, by=NIA).state == states.RUNNING
    assert is_released(record, staged)
    require_going(record, staged)


@pytest.mark.parametrize(("by", "proven"), [(NIA, True), (MIA, False), (None, False)])
def test_a_yes_asks_for_the_approval_and_confirms_ones_own_request(
    record: Record, clock: FakeClock, staged: int, by: Operator | None, proven: bool
) -> None:
    """NEW-1: the request counts as its sender's only where they, proven, said yes themselves."""
    done = confirm(record, clock, ALL, staged, by=by)
    assert (done.state, done.waits, done.proven) == (states.AWAITING_APPROVAL, True, proven)
    assert done.asked is not None
    assert done.asked.requested_by == "nia"
    again = confirm(record, clock, ALL, staged, by=by)
    assert again.asked == done.asked


def test_who_may_not_send_says_yes_to_nothing(
    record: Record, clock: FakeClock, staged: int
) -> None:
    """NEW-38: the right is asked for here too, whatever page or command called."""
    with pytest.raises(NotAllowed, match="right-missing"):
        confirm(record, clock, FREE, staged, by=VIC)
    assert state_of(record, staged) == states.CHECKING


@pytest.mark.parametrize(
    ("state", "code"),
    [(states.PAUSED, "campaign-stopped"), (states.MISSED, "campaign-stopped"), (states.CHECKING, "")],
)  # fmt: skip
def test_what_stands_still_is_not_carried_on_with(
    record: Record, clock: FakeClock, state: str, code: str
) -> None:
    add_patients(record, 3)
    number = add_campaign(record, clock, 3, state=state)
    raised = ""
    try:
        require_going(record, number)
    except NotAllowed as error:
        raised = error.code
    assert raised == code


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ({}, ""),
        ({"stale_sources": "the clinic is closed"}, ""),
        ({"stale_sources": " x "}, "override-unnamed"),
        ({"stale_list": "it is right"}, "acceptance-unknown"),
    ],
)
def test_a_campaign_under_way_has_one_thing_that_can_be_accepted(
    accepted: dict[str, str], code: str
) -> None:
    raised = ""
    try:
        assert stale_reason(accepted) == accepted.get("stale_sources", "")
    except CohortRefused as error:
        raised = error.code
    assert raised == code


def test_a_named_person_lets_it_go_on_and_has_its_failures_sent_again(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-9, PAT-22: in whose name is on the campaign; the same key makes one."""
    record, staged = sqlite_record, stage(sqlite_record, clock)
    sms = {"url": "https://sms.example/v1", "token": "t", "gateway_class": "I"}
    settings = Settings(home=tmp_path, sms=sms)  # type: ignore[arg-type]
    confirm(record, clock, settings, staged)
    pause(record, clock, staged, by="nia", reason="")
    done = resume(record, clock, settings, staged, by="mia", reason="all is well")
    assert done.state == states.RUNNING
    with record.write() as connection:
        connection.execute(sa.update(message).values(state=states.UNDELIVERED))
    made = {
        resend(
            record, clock, settings, staged, by="mia", rows=[1, 2], accept={}, request_key="again"
        )
        for _ in range(2)
    }
    (number,) = made
    with record.read() as connection:
        again = get_campaign(connection, number)
    assert (again.requested_by, again.rows, again.resend_of) == ("mia", 2, staged)

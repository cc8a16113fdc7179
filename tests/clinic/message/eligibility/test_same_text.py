"""NEW-30: the same template or text to the same patients within days, from a list changed a little."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from clinic.errors import CohortRefused
from clinic.message.campaign.campaign import refuse
from clinic.message.prepare.resend import begin_resend
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign, message
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs, tally

HAD = "had_this_lately"
MANY = 40
OTHER = "We would like to see you."


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(sqlite_record, clock, tmp_path)
    made.patients(MANY + 60)
    made.template("Hello, your review is due.", key="twin")
    made.template(OTHER, key="other")
    return made


def listed(practice: Practice, first: int, last: int) -> Path:
    return practice.file(*(nhs(n) for n in range(first, last + 1)), name=f"{first}-{last}.csv")


def second(practice: Practice, first: int, last: int, **values: object) -> int:
    """A campaign over these patients, beside the first one's."""
    return practice.begin(listed(practice, first, last), **({"request_key": "second"} | values))


def test_one_row_more_is_not_another_list(practice: Practice) -> None:
    """The first forty had it a minute ago; the forty-first is new."""
    practice.run(practice.everybody(MANY))
    practice.clock.sleep(60)
    number = second(practice, 1, MANY + 1)
    with pytest.raises(CohortRefused, match=r"same_days.*--accept had_this_lately=REASON"):
        practice.check(number)
    assert tally(practice.outcomes(number)) == {HAD: MANY, "list_refused": 1}


def test_with_an_acceptance_only_the_new_ones_are_sent(practice: Practice) -> None:
    practice.run(practice.everybody(MANY))
    accept = {HAD: "The list of last week with the ones who joined since"}
    number = second(practice, 11, MANY + 5, accept=accept, requested_by="nia")
    practice.finish(number)
    assert tally(practice.outcomes(number)) == {HAD: MANY - 10, "accepted": 5}
    with practice.record.read() as connection:
        query = sa.select(message.c.patient_id).where(message.c.campaign_id == number)
        assert set(connection.scalars(query)) == set(range(MANY + 1, MANY + 6))


def test_a_few_are_left_out_without_a_question(practice: Practice) -> None:
    """4 of 40 are 10%, which is not more; the fifth is one too many."""
    practice.run(practice.everybody(MANY))
    number = second(practice, MANY - 3, 2 * MANY - 4)
    practice.check(number)
    assert tally(practice.outcomes(number)) == {HAD: 4, "accepted": MANY - 4}
    refuse(practice.record, number, "not-confirmed")
    with pytest.raises(CohortRefused):
        practice.check(second(practice, MANY - 4, 2 * MANY - 5, request_key="third"))


@pytest.mark.parametrize(
    ("values", "had"),
    [
        ({}, True),
        ({"template": "twin"}, True),
        ({"template": "other"}, False),
        ({"channel": "email"}, False),
        ({"again": True}, False),
    ],
)
def test_what_is_the_same(practice: Practice, values: dict[str, object], had: bool) -> None:
    practice.run(practice.everybody(2))
    number = second(practice, 2, 3, **values)
    practice.check(number)
    assert tally(practice.outcomes(number)) == ({HAD: 1, "accepted": 1} if had else {"accepted": 2})


def test_another_version_of_a_template_is_the_same_template(practice: Practice) -> None:
    practice.run(practice.everybody(1))
    practice.template("Hello, your yearly review is due.")
    number = second(practice, 1, 2)
    practice.check(number)
    assert practice.outcomes(number) == {2: HAD, 3: "accepted"}


@pytest.mark.parametrize(("days", "had"), [(13, True), (15, False), (365, False)])
def test_what_was_long_ago_does_not_count(practice: Practice, days: int, had: bool) -> None:
    """A yearly flu campaign asks nothing."""
    practice.run(practice.everybody(1))
    practice.clock.sleep(days * 86400)
    number = second(practice, 1, 2)
    practice.check(number)
    assert practice.outcomes(number)[2] == (HAD if had else "accepted")


@pytest.mark.parametrize(
    ("campaigns", "messages", "had"),
    [
        ({"dry_run": True}, {}, False),
        ({"gateway": "outbox"}, {}, False),
        ({}, {"state": "undelivered"}, False),
        ({}, {"state": "rejected"}, False),
        ({}, {"state": "cancelled"}, False),
        ({}, {"state": "unknown"}, True),
        ({"state": "running"}, {"state": "pending", "sent_at": None}, True),
        ({"state": "paused"}, {"state": "pending", "sent_at": None}, True),
        ({"state": "checking"}, {"state": "pending", "sent_at": None}, False),
        ({"state": "refused"}, {"state": "pending", "sent_at": None}, False),
    ],
)
def test_what_left_or_is_about_to_counts(
    practice: Practice, campaigns: dict[str, object], messages: dict[str, object], had: bool
) -> None:
    practice.run(practice.everybody(1))
    with practice.record.write() as connection:
        connection.execute(sa.update(campaign).values(campaigns or {"list_name": "First"}))
        connection.execute(sa.update(message).values(messages or {"attempts": 1}))
    number = second(practice, 1, 2)
    practice.check(number)
    assert practice.outcomes(number)[2] == (HAD if had else "accepted")


def test_what_failed_is_sent_again(practice: Practice) -> None:
    practice.run(practice.everybody(5))
    with practice.record.write() as connection:
        connection.execute(sa.update(message).values(state="undelivered"))
    number = begin_resend(
        practice.record, practice.clock, practice.settings, 1, request_key="resend",
        gateway=practice.gateway.name, batch_limit=practice.gateway.batch_limit,
    )  # fmt: skip
    with practice.record.write() as connection:  # a receipt that comes late
        connection.execute(sa.update(message).values(state="delivered"))
    practice.check(number)
    assert tally(practice.outcomes(number)) == {"accepted": 5}


@pytest.mark.parametrize(("source", "outcome"), [("report", "accepted"), ("filter", HAD)])
def test_reminders_recur(practice: Practice, source: str, outcome: str) -> None:
    practice.run(practice.everybody(1))
    number = second(practice, 1, 2)
    with practice.record.write() as connection:
        which = sa.select(campaign.c.list_id).where(campaign.c.id == number).scalar_subquery()
        connection.execute(
            sa.update(cohort_list).where(cohort_list.c.id == which).values(source=source)
        )
    practice.check(number)
    assert practice.outcomes(number)[2] == outcome


def test_a_block_of_rows_is_at_most_one_question(practice: Practice) -> None:
    """By the index of campaign and patient; none of a block of which nobody has a message."""
    practice.run(practice.everybody(MANY))
    number = second(practice, MANY - 1, MANY + 58)
    asked: list[tuple[str, object]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        if "FROM message JOIN campaign" in statement and "message.campaign_id IN" in statement:
            asked.append((statement, parameters))

    event.listen(practice.record.engine, "before_cursor_execute", note)
    practice.check(number, block_rows=30)
    event.remove(practice.record.engine, "before_cursor_execute", note)
    assert len(asked) == 1
    with practice.record.read() as connection:
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + asked[0][0], asked[0][1])  # type: ignore[arg-type]
        assert not [row for row in plan if "SCAN message" in row[3]]


@pytest.mark.parametrize(
    ("values", "sent"),
    [({}, 0), ({"again": True}, 5), ({"template": "other"}, 5), ({"channel": "email"}, 5)],
)
def test_of_two_campaigns_at_once_one_sends_it(
    practice: Practice, values: dict[str, object], sent: int
) -> None:
    """NEW-30: both were checked while neither was let go; asked again in the intent."""
    first, other = practice.begin(listed(practice, 1, 5)), second(practice, 1, 6, **values)
    batches = {}
    for number in (first, other):
        practice.check(number)
        batches[number] = practice.stage(number)
    for number in (first, other):
        practice.send(number, batches[number])
    assert tally(practice.outcomes(number)) == {"accepted": 6}
    with practice.record.read() as connection:
        left = sa.select(message.c.state, message.c.reason, sa.func.count())
        found = connection.execute(
            left.where(message.c.campaign_id == other).group_by(message.c.state, message.c.reason)
        )
        became = {(row[0], row[1]): row[2] for row in found}
    held = {("suppressed", HAD): 5 - sent} if sent < 5 else {}
    assert became == {("accepted", None): 1 + sent} | held


@pytest.mark.parametrize(
    ("first", "then", "had"),
    [("outbox", "outbox", True), ("outbox", "fake", False), ("fake", "outbox", False)],
)
def test_the_outbox_counts_for_the_outbox_alone(
    practice: Practice, first: str, then: str, had: bool
) -> None:
    """Whoever tries the program with it sees what would be stopped; nobody had any of it."""
    practice.run(practice.everybody(1))
    with practice.record.write() as connection:
        connection.execute(sa.update(campaign).values(gateway=first))
    number = second(practice, 1, 2)
    with practice.record.write() as connection:
        of_this = campaign.c.id == number
        connection.execute(sa.update(campaign).where(of_this).values(gateway=then))
    practice.check(number)
    assert practice.outcomes(number)[2] == (HAD if had else "accepted")


def test_a_trial_is_asked_for_again_too(practice: Practice) -> None:
    """A dry run with --again is judged as what it stands for."""
    practice.run(practice.everybody(1))
    for key, again in (("a", False), ("b", True)):
        number = second(practice, 1, 2, request_key=key, again=again, dry_run=True)
        practice.check(number)
        assert practice.outcomes(number)[2] == ("accepted" if again else HAD)

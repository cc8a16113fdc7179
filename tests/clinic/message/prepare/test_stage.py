"""Each accepted row becomes one message, frozen, in a batch; again and at once, nobody gets two."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.message.prepare.review import review_campaign
from clinic.message.template.typography import say_rewritten
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, message
from clinic.record.schema.people import patient
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(record, clock, tmp_path)
    practice.settings = practice.settings.model_copy(update={"batch_size": 3})
    return practice


def checked(practice: Practice, count: int, **request: object) -> int:
    number = practice.begin(practice.everybody(count), **request)
    practice.check(number)
    return number


def staged(practice: Practice) -> list[tuple[int, int, str]]:
    with practice.record.read() as connection:
        rows = connection.execute(
            sa.select(message.c.row_number, message.c.batch_id, message.c.body).order_by(
                message.c.id
            )
        ).all()
    return [(row[0], row[1] & 0xFFFFF, row[2]) for row in rows]


def sizes(practice: Practice) -> list[int]:
    with practice.record.read() as connection:
        return list(connection.scalars(sa.select(batch.c.size).order_by(batch.c.number)))


def test_every_accepted_row_is_staged_in_batches_of_the_size_asked_for(practice: Practice) -> None:
    """ARC-6, ARC-14: all eligible messages are queued, cut into batches."""
    practice.patients(8)
    number = checked(practice, 8)
    assert practice.stage(number) == 3
    assert sizes(practice) == [3, 3, 2]
    assert [row[0] for row in staged(practice)] == list(range(2, 10))


@pytest.mark.parametrize("block_rows", [1, 3, 4, 7, 100])
def test_the_blocks_that_rows_are_rendered_in_make_no_difference(
    practice: Practice, block_rows: int
) -> None:
    practice.patients(8)
    number = checked(practice, 8)
    practice.stage(number, block_rows=block_rows)
    assert sizes(practice) == [3, 3, 2]


def test_staging_again_stages_nobody_twice_and_changes_no_text(practice: Practice) -> None:
    practice.template("Dear {{ patient.given_name }}", key="dear")
    practice.patients(5)
    number = checked(practice, 5, template="dear")
    practice.stage(number)
    before = staged(practice)
    with practice.record.write() as connection:
        connection.execute(sa.update(patient).values(given_name="Somebody else"))
    assert practice.stage(number) == 2
    assert staged(practice) == before


def test_staging_that_was_killed_goes_on_at_the_next_row(practice: Practice) -> None:
    """A block of rows and the row it came to are one transaction."""
    practice.patients(7)
    number = checked(practice, 7)
    practice.stage(number, block_rows=3)
    with practice.record.write() as connection:  # as a kill after the first block leaves it
        connection.execute(sa.delete(message).where(message.c.row_number > 4))
        connection.execute(sa.delete(batch).where(batch.c.number > 1))
        connection.execute(sa.update(campaign).values(staged_rows=4))
    assert practice.stage(number) == 3
    assert [row[:2] for row in staged(practice)] == [
        (2, 1), (3, 1), (4, 1), (5, 2), (6, 2), (7, 2), (8, 3),
    ]  # fmt: skip


def test_two_runs_at_once_stage_everybody_once(practice: Practice) -> None:
    practice.patients(30)
    number = checked(practice, 30)
    together = threading.Barrier(3)
    batches: list[int] = []

    def run() -> None:
        together.wait()
        batches.append(practice.stage(number, block_rows=3))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert batches == [10, 10, 10]
    assert sizes(practice) == [3] * 10
    assert [row[0] for row in staged(practice)] == list(range(2, 32))


def test_a_message_holds_what_will_leave(practice: Practice) -> None:
    """PAT-13: address, text and segments are frozen; the id is the gateway's reference."""
    practice.template("Dear {{ patient.given_name }}" + "!" * 160, key="long")
    practice.patient(1, given_name="Siân")
    practice.stage(checked(practice, 1, template="long"))
    with practice.record.read() as connection:
        row = connection.execute(sa.select(message)).one()
    assert row.id == practice.message_base(1) + 2
    assert (row.address, row.channel, row.state) == ("+447700900001", "sms", "pending")
    assert (row.body, row.segments) == ("Dear Siân" + "!" * 160, 3)  # "â" costs: 70 a segment


def test_an_email_has_a_subject_and_no_segments(practice: Practice) -> None:
    """PAT-1, PAT-12."""
    practice.template("Hello " * 200, key="mail", subject="For {{ patient.given_name }}")
    practice.patient(1)
    practice.stage(checked(practice, 1, template="mail", channel="email"))
    with practice.record.read() as connection:
        row = connection.execute(sa.select(message)).one()
    assert (row.subject, row.address, row.segments) == ("For Given1", "p1@example.org", 0)


def test_a_text_has_no_subject_and_nobody_is_left_out_for_want_of_one(practice: Practice) -> None:
    """PAT-13, ARC-9: the review shows what leaves; a template with a subject may be sent as a text."""
    practice.template("Please call.", key="both", subject="For {{ patient.title }}")
    practice.patient(1, title=None)
    practice.stage(checked(practice, 1, template="both"))
    assert practice.outcomes() == {2: "accepted"}
    with practice.record.read() as connection:
        assert connection.execute(sa.select(message.c.subject)).scalar_one() is None


def test_a_text_that_is_too_long_is_not_sent_and_the_others_are(practice: Practice) -> None:
    practice.template("Dear {{ patient.given_name }}", key="dear")
    practice.patient(1)
    practice.patient(2, given_name="a" * 300)
    own = practice.settings.organisation.model_copy(
        update={"most_segments": 1, "longest_value": 300}
    )
    practice.settings = practice.settings.model_copy(update={"organisation": own})
    practice.stage(checked(practice, 2, template="dear"))
    long = "message_too_long (2 segments; at most 1 may be sent)"
    assert practice.outcomes() == {2: "accepted", 3: long}
    assert [row[0] for row in staged(practice)] == [2]


def test_a_value_that_is_too_long_is_an_error_of_its_row_and_the_others_are_whole(
    practice: Practice,
) -> None:
    """ARC-9: in a value that is only sometimes printed too; at the limit it is printed to its end."""
    practice.template("Hi{% if patient.title %} {{ patient.family_name }}{% endif %}.", key="dear")
    for n, length in ((1, 200), (2, 201)):
        practice.patient(n, title="Dr", family_name="b" * length)
    practice.stage(checked(practice, 2, template="dear"))
    assert practice.outcomes() == {
        2: "accepted",
        3: "value_too_long (patient.family_name: 201 characters, 200 allowed)",
    }
    assert [row[2] for row in staged(practice)] == [f"Hi {'b' * 200}."]


def test_a_text_of_which_nothing_is_left_is_not_sent(practice: Practice) -> None:
    """A template that is all `if` may render blank: nobody is sent an empty message."""
    practice.template("{% if patient.title %}Dear {{ patient.title }}{% endif %} ", key="title")
    practice.patient(1, title="Dr")
    practice.patient(2)
    number = checked(practice, 2, template="title")
    practice.stage(number)
    assert practice.outcomes() == {2: "accepted", 3: "message_blank"}
    assert [row[0] for row in staged(practice)] == [2]
    practice.send(number, 1)
    assert len(practice.gateway.received) == 1  # type: ignore[attr-defined]


def test_where_all_are_left_out_there_is_no_batch(practice: Practice) -> None:
    practice.patient(1, mobile=None)
    number = checked(practice, 1)
    assert practice.stage(number) == 0
    assert practice.finish(number).outcomes == {"phone_missing": 1}


def test_values_of_the_lists_own_columns_come_from_the_right_row(practice: Practice) -> None:
    practice.patients(3)
    practice.template("At {{ list.Slot_time }}", key="slot")
    path = practice.file(
        f"{nhs(3)},9:00,Family",
        f"{nhs(1)},10:00,Family",
        f"{nhs(2)},11:00,Family",
        heading="NHS Number,Slot time,Surname",
    )
    number = practice.begin(path, template="slot")
    practice.check(number)
    practice.stage(number)
    assert [row[2] for row in staged(practice)] == ["At 9:00", "At 10:00", "At 11:00"]


@pytest.mark.parametrize(
    ("switched_on", "expected"),
    [(True, "Don't wait - Siân, Gŵyr"), (False, "Don’t wait – Siân, Gŵyr")],
)
def test_typographic_characters_are_written_plainly_where_the_practice_wants_it(
    record: Record, clock: FakeClock, tmp_path: Path, switched_on: bool, expected: str
) -> None:
    """A curly quote more than halves what a segment holds; Welsh letters stay as they are."""
    practice = Practice(record, clock, tmp_path, plain_typography=switched_on)
    practice.template("Don’t wait – Siân, Gŵyr")
    practice.patients(1)
    practice.stage(checked(practice, 1))
    assert [row[2] for row in staged(practice)] == [expected]


def test_what_is_written_plainly_is_counted_once_for_each_message(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """PAT-13: the review says what was changed; staging again, or in blocks, counts nothing twice."""
    practice = Practice(record, clock, tmp_path, plain_typography=True)
    practice.template("Take 1½ – don’t take 3½")
    practice.patients(4)
    number = checked(practice, 4)
    practice.stage(number, block_rows=3)
    practice.stage(number, block_rows=1)
    assert {row[2] for row in staged(practice)} == {"Take 1 1/2 - don't take 3 1/2"}
    rewritten = review_campaign(record, number, segment_cost=0).rewritten
    assert rewritten == {"½": 4, "–": 4, "’": 4}
    assert "½ is written 1/2 in 4 messages" in list(say_rewritten(rewritten))

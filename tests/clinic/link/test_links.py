"""Links: made as they are sent, the same again, and opened by a date of birth alone (ACX-14, ACX-15)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused, NotFound, SettingsWrong
from clinic.gateway.segments import count_segments
from clinic.govern.audit.key import unlock as unlock_trail
from clinic.link.entry import Tried, is_open, try_birth_date
from clinic.link.standing import links_of, revoke, unlock
from clinic.link.token import PLACEHOLDER, address, token
from clinic.message.outcomes.report import show_campaign
from clinic.message.prepare.review import read_previews, review_campaign
from clinic.record.database import Record
from clinic.record.schema.door.links import link_use, patient_link
from clinic.record.schema.messages import message
from tests.documents import BORN, LINK, Keeping, attach, pdf_of, send_document, with_door
from tests.fakes import FakeClock
from tests.main_job import Practice

WRONG = date(1984, 3, 16)


@pytest.fixture
def practice(record_url: str, clock: FakeClock, tmp_path: Path) -> Iterator[Practice]:
    record = Record.open(record_url)
    unlock_trail(record, tmp_path)
    made = Practice(record, clock, tmp_path)
    with_door(made)
    yield made
    record.close()


def uses(practice: Practice) -> list[str]:
    with practice.record.read() as connection:
        return list(connection.scalars(sa.select(link_use.c.what).order_by(link_use.c.id)))


def test_a_link_is_made_as_the_message_leaves_and_the_record_has_none(practice: Practice) -> None:
    """Previews and the record show a placeholder of the same length; the record has a digest."""
    tokens = send_document(practice)
    with practice.record.read() as connection:
        bodies = list(connection.scalars(sa.select(message.c.body)))
        kept = connection.execute(sa.select(patient_link)).mappings().all()
    shown = [one.body for one in read_previews(practice.record, 1)]
    assert all(f"https://msg.example.org/p/{PLACEHOLDER}" in body for body in bodies + shown)
    assert len(set(tokens)) == len(kept) == 2
    said = repr(kept) + "".join(bodies + shown)
    assert not any(one in said for one in tokens)
    assert is_open(practice.record, practice.clock, tokens[0])
    assert not is_open(practice.record, practice.clock, PLACEHOLDER)


def test_the_placeholder_costs_what_the_link_costs() -> None:
    text = address("https://msg.example.org")
    for n in range(200):
        made = text.replace(PLACEHOLDER, token(b"k" * 32, "document", n))
        assert count_segments(made) == count_segments(text)
        assert len(made) == len(text)


def test_a_replay_sends_the_same_bytes_and_makes_no_second_link(practice: Practice) -> None:
    gateway = Keeping(plan=["cut"], window=timedelta(hours=1))
    tokens = send_document(practice, gateway=gateway)
    assert len(gateway.given) == 2
    assert gateway.given[0] == gateway.given[1]
    assert practice.count(patient_link) == len(tokens)


def test_a_message_that_surely_did_not_leave_has_the_same_link_the_next_time(
    practice: Practice,
) -> None:
    gateway = Keeping(plan=["busy"])
    send_document(practice, gateway=gateway)
    assert gateway.given[0] == gateway.given[1]


def test_a_dry_run_and_the_outbox_make_no_link(practice: Practice) -> None:
    practice.patient(1, birth_date=BORN)
    for name in ("rehearsal", "outbox"):
        practice.gateway = kept = Keeping(name=name)
        key = {"request_key": name, "dry_run": name == "rehearsal", "again": True}
        practice.run(practice.everybody(1), attachment_sha256=attach(practice, pdf_of()), **key)
        assert all(PLACEHOLDER in one for given in kept.given for one in given.values())
    assert practice.count(patient_link) == 0


def test_the_document_is_part_of_what_is_approved_and_shown(practice: Practice) -> None:
    """PAT-26, ACX-11, ACX-12, ACX-16: the notice; another document is another manifest."""
    practice.patient(1)
    made = {}
    for key, pages in (("a", 1), ("b", 2)):
        number = practice.begin(
            practice.everybody(1), request_key=key, again=True,
            attachment_sha256=attach(practice, pdf_of(pages)),
        )  # fmt: skip
        practice.check(number)
        practice.stage(number)
        made[key] = review_campaign(practice.record, number)
    assert made["a"].document[0] == "Document: Flu leaflet.pdf (PDF, 1 page, 1 kB)"
    assert "must be generic" in made["a"].document[1]
    assert "as the controller of the data, is responsible" in made["a"].document[1]
    assert "same name" in made["a"].document[1]
    assert "1 of them have no date of birth" in made["a"].document[2]


@pytest.mark.parametrize(
    ("values", "address", "error", "code"),
    [
        ({"channel": "voice"}, "https://m.example.org", CohortRefused, "attachment-channel"),
        ({}, "", SettingsWrong, "door-address"),
        ({"attachment_sha256": "0" * 64}, "https://m.example.org", NotFound, "attachment-unknown"),
    ],
)
def test_a_campaign_that_could_lead_nobody_anywhere_is_refused(
    practice: Practice, values: dict[str, str], address: str, error: type[Exception], code: str
) -> None:
    with_door(practice, address)
    own = practice.settings.organisation.model_copy(update={"channels": ["sms", "email", "voice"]})
    practice.settings = practice.settings.model_copy(update={"organisation": own})
    practice.patient(1)
    given = {"attachment_sha256": attach(practice, pdf_of())} | values
    with pytest.raises(error, match=code):
        practice.begin(practice.everybody(1), **given)


def test_five_wrong_tries_wait_and_ten_lock(practice: Practice) -> None:
    """ACX-14: 5 wrong wait a quarter of an hour, 10 are locked until staff unlock."""
    given = send_document(practice)[0]
    record, clock = practice.record, practice.clock
    tried = [try_birth_date(record, clock, given, WRONG) for _ in range(6)]
    assert tried == [Tried.WRONG] * 4 + [Tried.WAIT] * 2
    assert try_birth_date(record, clock, given, BORN) is Tried.WAIT
    practice.clock.sleep((timedelta(minutes=15)).total_seconds())
    tried = [try_birth_date(record, clock, given, WRONG) for _ in range(5)]
    assert tried == [Tried.WRONG] * 4 + [Tried.DEAD]
    assert try_birth_date(record, clock, given, BORN) is Tried.DEAD
    assert not is_open(record, clock, given)
    with record.read() as connection:
        assert links_of(connection, 1, clock.now()).says == "2 sent, 0 opened, 1 locked"
    assert unlock(record, clock, 1, 2, by="nia") == 1
    assert unlock(record, clock, 1, 2, by="nia") == 0
    assert try_birth_date(record, clock, given, BORN) is Tried.RIGHT
    assert uses(practice) == ["wrong"] * 9 + ["locked", "unlocked", "proven"]
    with pytest.raises(NotFound, match="link-unknown"):
        unlock(record, clock, 1, 99, by="nia")


def test_a_right_try_forgets_the_wrong_ones(practice: Practice) -> None:
    given = send_document(practice)[0]
    for _ in range(3):
        for _ in range(4):
            assert try_birth_date(practice.record, practice.clock, given, WRONG) is Tried.WRONG
        assert try_birth_date(practice.record, practice.clock, given, BORN) is Tried.RIGHT


def test_the_tenth_try_may_be_the_right_one(practice: Practice) -> None:
    given = send_document(practice)[0]
    for n in range(9):
        try_birth_date(practice.record, practice.clock, given, WRONG)
        if n == 4:
            practice.clock.sleep((timedelta(minutes=15)).total_seconds())
    assert try_birth_date(practice.record, practice.clock, given, BORN) is Tried.RIGHT
    assert is_open(practice.record, practice.clock, given)


def test_forty_at_once_have_no_try_more(practice: Practice) -> None:
    given = send_document(practice)[0]
    with ThreadPoolExecutor(20) as pool:
        found = list(
            pool.map(
                lambda n: try_birth_date(
                    practice.record, practice.clock, given, BORN + timedelta(n)
                ),
                range(1, 41),
            )
        )
    assert Tried.RIGHT not in found
    assert found.count(Tried.WRONG) == 4
    assert uses(practice).count("wrong") == 5


def test_a_link_ends_after_28_days_and_when_it_is_revoked(practice: Practice) -> None:
    """ACX-15; a campaign's links are taken back together."""
    first = send_document(practice)[0]
    practice.clock.sleep((timedelta(days=28) - timedelta(seconds=1)).total_seconds())
    assert try_birth_date(practice.record, practice.clock, first, BORN) is Tried.RIGHT
    practice.clock.sleep((timedelta(seconds=1)).total_seconds())
    assert try_birth_date(practice.record, practice.clock, first, BORN) is Tried.DEAD
    with practice.record.read() as connection:
        assert links_of(connection, 1, practice.clock.now()).expired == 2
    assert revoke(practice.record, practice.clock, 1, by="nia", reason="wrong leaflet") == 2
    assert revoke(practice.record, practice.clock, 1, by="nia", reason="wrong leaflet") == 0
    shown = show_campaign(practice.record, 1, now=practice.clock.now())
    assert shown.document.endswith("links 2 sent, 0 opened, 2 revoked")


def test_revoked_links_lead_nowhere(practice: Practice) -> None:
    given = send_document(practice)[0]
    revoke(practice.record, practice.clock, 1, by="nia", reason="wrong leaflet")
    assert try_birth_date(practice.record, practice.clock, given, BORN) is Tried.DEAD


def test_ten_thousand_guessed_tokens_and_dates_of_birth_open_nothing(
    sqlite_record_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    record = Record.open(sqlite_record_url)
    unlock_trail(record, tmp_path)
    practice = Practice(record, clock, tmp_path)
    with_door(practice)
    given = send_document(practice)[0]
    assert not any(is_open(record, clock, secrets.token_urlsafe(16)) for _ in range(10_000))
    days = [date(1930, 1, 1) + timedelta(n * 3) for n in range(10_000)]
    found = [try_birth_date(record, clock, given, day) for day in days if day != BORN]
    assert Tried.RIGHT not in found
    assert practice.count(link_use) == 5  # the others were not even compared
    record.close()


def test_who_is_told_by_the_message_of_another_opens_it_too(practice: Practice) -> None:
    tokens = send_document(practice)
    with practice.record.write() as connection:
        base = practice.message_base(1)
        connection.execute(
            sa.update(message).where(message.c.id == base + 3).values(told_by=base + 2)
        )
        other = sa.text("UPDATE patient SET birth_date = '1990-01-02' WHERE id = 2")
        connection.execute(other)
    assert (
        try_birth_date(practice.record, practice.clock, tokens[0], date(1990, 1, 2)) is Tried.RIGHT
    )
    assert try_birth_date(practice.record, practice.clock, tokens[1], BORN) is Tried.WRONG


def test_the_link_is_found_in_the_message_and_nothing_else_is() -> None:
    assert LINK.findall("https://msg.example.org/p/" + token(b"k", "document", 1) + " (you") != []

"""People are told without anything set up beside two settings; once, and when it is over."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

import pytest

from clinic.clock import SystemClock
from clinic.health.findings import KINDS, UNSURE, Finding
from clinic.health.letter import addresses, letter, send_letter, write_to_people
from clinic.health.mailed import RecordAway, mail_findings
from clinic.health.noted import News, note_findings, note_told
from clinic.record.database import Record
from clinic.settings import Settings
from tests.fakes import FakeClock, FakeGateway
from tests.servers.relay import running_relay

FULL = Finding("disk-nearly-full", "1 GB left")
GONE = Finding("worker-gone", "since 10:00")
UNREACHABLE = Finding("prefect-unreachable", "no server answers")
AWAY = Finding("record-unusable", "record-away: no database answers")


class Post:
    """Takes letters, or not; what each told: codes that began, and `-code` for what is over."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.works = True

    def __call__(self, news: News) -> bool:
        if self.works:
            self.sent += [one.code for one in news.begun] + [f"-{code}" for code in news.ended]
        return self.works

    def taken(self) -> list[str]:
        told, self.sent = self.sent, []
        return told


class Hill:
    """An installation that is looked at; `events`: whether Prefect is there to be told too."""

    def __init__(self, record: Record, clock: FakeClock) -> None:
        self.record, self.clock, self.post, self.events = record, clock, Post(), True

    def look(self, *found: Finding, minutes: float = 1) -> list[str]:
        """What is written of after so many minutes more."""
        self.clock.sleep(minutes * 60)
        news = note_findings(self.record, self.clock, found)
        if self.events:
            note_told(self.record, news)
        mail_findings(self.record, self.clock, found, self.post)
        return self.post.taken()


@pytest.fixture(params=[True, False], ids=["with events", "Prefect is away"])
def hill(record: Record, clock: FakeClock, request: pytest.FixtureRequest) -> Hill:
    hill = Hill(record, clock)
    hill.events = request.param
    return hill


def test_what_is_wrong_is_written_once_again_after_a_day_and_when_it_is_over(hill: Hill) -> None:
    assert hill.look(FULL) == ["disk-nearly-full"]
    assert hill.look(FULL) == []
    assert hill.look(FULL, GONE) == ["worker-gone"]
    assert hill.look(FULL, minutes=20) == ["-worker-gone"]
    assert hill.look(FULL, minutes=24 * 60) == ["disk-nearly-full"]
    assert hill.look(minutes=20) == ["-disk-nearly-full"]
    assert hill.look() == []
    assert hill.look(FULL) == ["disk-nearly-full"]


def test_what_comes_and_goes_each_minute_is_one_letter_and_its_end_another(hill: Hill) -> None:
    told = [hill.look(*([GONE] if minute % 2 else [])) for minute in range(1, 12)]
    assert [one for look in told for one in look] == ["worker-gone"]
    assert hill.look(minutes=15) == ["-worker-gone"]


@pytest.mark.parametrize("code", sorted(UNSURE))
def test_what_one_busy_moment_may_feign_is_written_at_the_second_look(
    hill: Hill, code: str
) -> None:
    once = Finding(code, "did not answer in time")
    assert hill.look(once) == []
    assert hill.look() == []
    assert hill.look(once) == []
    assert hill.look(once) == [code]


def test_a_letter_that_did_not_leave_is_written_at_the_next_look(hill: Hill) -> None:
    hill.post.works = False
    assert hill.look(FULL) == []
    assert hill.look(FULL) == []
    hill.post.works = True
    assert hill.look(FULL, GONE) == ["disk-nearly-full", "worker-gone"]


def test_while_the_record_is_away_that_is_written_at_the_second_look_once_and_its_end() -> None:
    post, away = Post(), RecordAway()
    away.away([AWAY], post)
    away.back(post)
    assert post.taken() == []
    for _ in range(3):
        away.away([UNREACHABLE, AWAY], post)
    assert post.taken() == ["record-unusable"]
    post.works = False
    away.back(post)
    post.works = True
    away.back(post)
    away.back(post)
    assert post.taken() == ["-record-unusable"]


TWO = ("boss@hill.example", "it@hill.example")


def test_each_address_gets_what_is_wrong_what_to_do_and_the_runbooks_heading(
    tmp_path: Path,
) -> None:
    """A real relay; also while all sending to patients is stopped, which this letter tells."""
    with running_relay() as relay:
        settings = Settings(
            home=tmp_path,
            email={
                "host": "127.0.0.1",
                "port": relay.port,
                "tls": "none",
                "sender": "c@hill.example",
            },  # type: ignore[arg-type]
            health={"tell": TWO},  # type: ignore[arg-type]
            organisation={"name": "Hill Surgery"},  # type: ignore[arg-type]
        )
        stopped = Finding("sending-stopped", "nothing is sent: a person stopped it")
        assert write_to_people(settings, SystemClock(), News((stopped,), ("worker-gone",)))
    assert sorted(to for one in relay.envelopes for to in one.rcpt_tos) == list(TWO)
    parsed = message_from_bytes(relay.texts()[0], policy=policy.default)
    text = f"{parsed['Subject']}\n{parsed.get_content()}"
    for word in (
        "sending-stopped",
        "Hill Surgery",
        KINDS["sending-stopped"].do,
        "Over: worker-gone",
    ):
        assert word in text


@pytest.mark.parametrize("code", KINDS)
def test_every_finding_makes_a_letter_with_its_heading(clock: FakeClock, code: str) -> None:
    subject, body = letter(Settings(), clock.now(), News((Finding(code, "so it is"),), ()))
    assert subject == f"Cohort: {code} (The Practice)"
    assert f"More: cohort help {code}" in body
    assert KINDS[code].do in body


@pytest.mark.parametrize(
    ("word", "left"),
    [("ok", True), ("half", True), ("cut", True), ("busy", False), ("reject", False)],
)
def test_a_letter_has_left_if_one_address_got_it_or_may_have(word: str, left: bool) -> None:
    assert send_letter(FakeGateway(plan=[word]), TWO, "s", "b") is left


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"health": {"tell": TWO}}, ()),
        ({"email": {"host": "relay"}}, ()),
        ({"email": {"host": "relay"}, "health": {"tell": TWO}}, TWO),
        ({"email": {"host": "relay"}, "notices": {"internal": ["team@hill.example"]}},
         ("team@hill.example",)),
    ],
)  # fmt: skip
def test_who_is_written_to(
    settings: dict[str, object], told: tuple[str, ...], clock: FakeClock
) -> None:
    made = Settings(**settings)  # type: ignore[arg-type]
    assert addresses(made) == told
    if not told:
        assert not write_to_people(made, clock, News((FULL,), ()))

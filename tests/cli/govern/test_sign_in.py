"""`cohort sign-in`, and acts that take a registered name only when it is proven."""

from __future__ import annotations

import os
import pwd
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act, operator, sign_in
from clinic.record.schema.messages import campaign, installation
from tests.cli.office import SECRET, Office, hire
from tests.ledgers import add_campaign, add_patients

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path) -> Office:
    add_patients(sqlite_record, 3)
    add_campaign(sqlite_record, SystemClock(), 3)
    return Office(tmp_path / "home", sqlite_record)


def who_did(office: Office, what: str) -> list[str]:
    record = office.open()
    with record.read() as connection:
        c = audit_act.c
        found = sa.select(c.operator).where(c.operation_type == what).order_by(c.number)
        names = list(connection.scalars(found))
    record.close()
    return names


def enter(office: Office, name: str = "max") -> None:
    done = office.run("sign-in", name, secret=SECRET)
    assert done.exit_code == 0, done.output


def test_a_registered_name_is_proven_by_its_own_secret_alone(office: Office) -> None:
    """NEW-2: of every command that acts: test_acting.py."""
    hire(office)
    for given in ((), ("--operator", "max")):
        refused = office.run("pause", "1", *given)
        name = "max" if given else "mia"
        assert (refused.exit_code, f"cohort sign-in {name}" in refused.output) == (3, True)
    wrong = office.run("pause", "1", me="max", secret="not the secret at all")
    assert (wrong.exit_code, "operator-unproven" in wrong.output) == (3, True)
    enter(office)
    assert office.run("pause", "1", "--operator", "mia").exit_code == 3  # signed in as max alone
    done = office.run("pause", "1")
    assert done.exit_code == 0, done.output


SENDING = {
    ("message", "nowhere.csv", "--name", "Flu", "--template", "flu-invite", "--yes"): "nowhere.csv",
    ("remind", "--yes"): "template-unknown",
    ("resend", "1", "--yes"): "resend-nothing",
}


@pytest.mark.parametrize("words", SENDING, ids=lambda words: words[0])
def test_nobody_sends_in_anothers_name(office: Office, words: tuple[str, ...]) -> None:
    """NEW-2: refused before anything is read or made; who is proven gets as far as there is something to do."""
    hire(office)
    for given in ((), ("--operator", "max")):
        refused = office.run(*words, *given)
        name = "max" if given else "mia"
        assert (refused.exit_code, f"cohort sign-in {name}" in refused.output) == (3, True)
    enter(office)
    assert SENDING[words] in office.run(*words).output.replace("\n", "")


IGNORED = [
    ("--dry-run",), ("--outbox",), ("--start", "2030-01-01 09:00"), ("--days", "3"), ("--again",),
    ("--text", "other words"), ("--channel", "email"), ("--no-save",), ("--group", "young-mothers"),
    ("--override-gate", "it is right"),
]  # fmt: skip


@pytest.mark.parametrize("words", IGNORED, ids=lambda words: words[0])
def test_what_resume_would_ignore_is_refused_and_nothing_is_sent(
    office: Office, words: tuple[str, ...]
) -> None:
    """A campaign that was made to be sent would be sent all the same, and in a name that nobody proved."""
    told = office.run("message", "--resume", "1", "--yes", *words)
    assert (told.exit_code, "resume-options" in told.output) == (2, True), told.output
    hire(office)
    enter(office)
    told = office.run("message", "--resume", "1", "--yes", *words)
    assert (told.exit_code, "resume-options" in told.output) == (2, True), told.output


def test_a_campaign_is_its_proven_sender_s(office: Office, tmp_path: Path) -> None:
    hire(office)
    enter(office)
    path = tmp_path / "list.csv"
    path.write_text("NHS Number,Mobile\n9990000018,07700900123\n")
    office.run("message", str(path), "--name", "Flu", "--template", "plain", "--outbox", "--yes")
    record = office.open()
    with record.read() as connection:
        newest = sa.select(campaign.c.requested_by).order_by(campaign.c.id.desc()).limit(1)
        assert connection.scalar(newest) == "max"
    record.close()


@pytest.mark.parametrize(
    "words",
    [
        ("pause", "1"),
        ("cancel", "1", "--yes"),
        ("templates", "add", "come", "--purpose", "care", "--text", "Please come to the practice."),
        ("groups", "add", "carers", "--name", "Carers", "--ids-from", "-"),
        ("operations", "select", "--status", "active"),
    ],
    ids=lambda words: words[0],
)
def test_before_anybody_was_added_everything_works(office: Office, words: tuple[str, ...]) -> None:
    before = office.run(*words, typed="9990000018")
    assert before.exit_code == 0, before.output


def test_the_account_s_own_name_is_nobody_s_once_somebody_was_added(office: Office) -> None:
    """NEW-38: before, whoever had the account acted in its name."""
    hire(office, but=ACCOUNT)  # who may be called as one of them
    refused = office.run("pause", "1", "--operator", ACCOUNT)
    assert (refused.exit_code, "operator-nobody" in refused.output) == (3, True)
    assert office.run("pause", "1", me="mia").exit_code == 0
    assert who_did(office, "campaign.pause") == ["mia"]


@pytest.mark.parametrize("signed", [True, False])
def test_sending_is_stopped_at_once_in_a_proven_name_or_the_account_s(
    office: Office, signed: bool
) -> None:
    hire(office, but=ACCOUNT)
    if signed:
        enter(office)
    assert office.run("sending", "stop", "--operator", "max", "--reason", "wrong").exit_code == 0
    record = office.open()
    with record.read() as connection:
        by = connection.scalar(sa.select(installation.c.stopped_by))
    record.close()
    assert by == ("max" if signed else ACCOUNT)


def test_patients_are_taken_in_by_a_proven_person(office: Office, tmp_path: Path) -> None:
    hire(office)
    file = tmp_path / "export.csv"
    file.write_text("NHS Number,Given Name,Family Name\n9990000018,Mary,Okafor\n")
    refused = office.run("patients", "import", str(file))
    assert (refused.exit_code, "sign-in mia" in refused.output) == (3, True), refused.output
    assert "sign-in-needed" not in office.run("patients", "import", str(file), me="mia").output


def test_the_token_is_the_account_s_alone_and_on_the_trail(office: Office) -> None:
    hire(office)
    enter(office)
    (file,) = office.home.glob("signed-in-*")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = file.read_text().split("\n")[1]
    record = office.open()
    with record.read() as connection:
        row = connection.execute(sa.select(sign_in)).one()
    record.close()
    assert token not in str(row)
    assert office.run("sign-out").exit_code == 0
    assert office.run("pause", "1", "--operator", "max").exit_code == 3
    assert who_did(office, "operator.signed-in") == ["max"]
    assert who_did(office, "operator.signed-out") == ["max"]
    assert "Nobody" in office.run("sign-out").output


@pytest.mark.parametrize("how", ["hour", "disabled", "secret", "longer", "copied", "open"])
def test_what_ends_a_sign_in(office: Office, how: str) -> None:
    hire(office)
    enter(office)
    (file,) = office.home.glob("signed-in-*")
    now = datetime.now(UTC).replace(microsecond=0)
    edits = {
        "hour": sa.update(sign_in).values(ends_at=now - timedelta(seconds=1)),
        "disabled": sa.update(operator).where(operator.c.name == "max").values(active=False),
        "secret": sa.update(operator).where(operator.c.name == "max").values(secret_hash="other"),
        "longer": sa.update(sign_in).values(ends_at=now + timedelta(days=9)),
        "copied": sa.update(sign_in).values(operator="mia"),
    }
    if how in edits:
        record = office.open()
        with record.write() as connection:
            connection.execute(edits[how])
        record.close()
    if how == "copied":
        file.write_text(file.read_text().replace("max", "mia"))
    if how == "open":
        file.chmod(0o644)
    name = "mia" if how == "copied" else "max"
    assert office.run("pause", "1", "--operator", name).exit_code == 3


def test_a_token_stands_for_the_secret_but_not_where_somebody_approves(office: Office) -> None:
    hire(office)
    enter(office)
    assert office.run("tags", "add", "recall").exit_code == 0
    for words in (
        ("approve", "1"),
        ("reject", "1", "--note", "no"),
        ("operators", "unlock", "mia"),
    ):
        asked = office.run(*words, typed="not the secret at all\n")
        assert (asked.exit_code, "Password of max" in asked.output) == (3, True), asked.output


def test_before_anybody_was_added_it_says_how_to_begin(office: Office) -> None:
    for words in (("sign-in", "mia"), ("tags", "add", "recall")):
        refused = office.run(*words)
        told = " ".join(refused.output.split())
        assert (refused.exit_code, "cohort operators add" in told) == (3, True)

"""`cohort operators`: a second step, the review, a service, and who leaves, as they are typed (NEW-38)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from pyotp import TOTP

from clinic.clock import SystemClock
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act, operator_use
from clinic.record.schema.settings import governed_setting
from tests.cli.office import SECRET, Office, hire
from tests.ledgers import add_campaign, add_patients
from tests.ports import free_port


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path) -> Office:
    add_patients(sqlite_record, 3)
    add_campaign(sqlite_record, SystemClock(), 3, state="scheduled", requested_by="ann")
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    office.looks = False
    return office


def device_of(told: str) -> TOTP:
    address = re.search(r"otpauth://\S+", told)
    assert address, told
    return TOTP(parse_qs(urlsplit(address.group()).query)["secret"][0])


def enrolled(office: Office, name: str) -> TOTP:
    """Begun, and confirmed by a second command, as where nobody can type a code."""
    begun = office.run("operators", "mfa", name, secret=SECRET)
    device = device_of(begun.stderr)
    assert "Aborted" in begun.output
    done = office.run("operators", "mfa", name, "--code", device.now(), secret=SECRET)
    assert done.exit_code == 0, done.output
    return device


def later(device: TOTP) -> str:
    return device.at(datetime.now(UTC) + timedelta(seconds=30))


def test_who_has_a_second_step_signs_in_with_it_and_then_approves_by_password(
    office: Office,
) -> None:
    """NEW-38: a password alone neither signs in, acts nor approves; the code is asked for once an hour."""
    device = enrolled(office, "mia")
    for words in (("pause", "1"), ("tags", "add", "x"), ("approve", "1")):
        refused = office.run(*words, me="mia")
        assert (refused.exit_code, "sign-in-needed" in refused.output) == (3, True), words
    wrong = office.run("sign-in", "mia", "--code", "000000", secret=SECRET)
    assert (wrong.exit_code, "operator-unproven" in wrong.output) == (3, True)
    asked = office.run("sign-in", "mia", secret=SECRET, typed=f"{later(device)}\n")
    assert asked.exit_code == 0, asked.output
    assert office.run("show", "1").exit_code == 0
    assert office.run("pause", "1").exit_code == 0
    assert "approval-unknown" in office.run("approve", "1", secret=SECRET).output


def test_a_lost_device_is_reset_by_an_admin_alone(office: Office) -> None:
    """NEW-38: not by its owner, who may be somebody with their password."""
    enrolled(office, "mia")
    own = office.run("operators", "mfa", "mia", "--reset", me="mia")
    assert own.exit_code == 3
    for who in ("ann", "max"):
        assert office.run("operators", "mfa", "mia", "--reset", me=who).exit_code == 3
    other = office.run("operators", "mfa", "mia", me="root")
    assert (other.exit_code, "mfa-own" in other.output) == (3, True)
    done = office.run("operators", "mfa", "mia", "--reset", me="root")
    assert done.exit_code == 0, done.output
    assert office.run("sign-in", "mia", secret=SECRET).exit_code == 0
    assert ("root", "operator.mfa-reset") in acts(office)


def test_where_it_is_required_managers_and_admins_enrol_first_and_nobody_is_locked_out(
    office: Office,
) -> None:
    """NEW-38: the password alone still enrols; who is neither manager nor admin needs none."""
    record = office.open()
    with record.write() as connection:
        row = {"name": "people.mfa", "value": '"required"', "set_at": SystemClock().now()}
        connection.execute(sa.insert(governed_setting).values(**row, set_by="x"))
    record.close()
    easy = {"COHORT_PEOPLE__MFA": "enrolled"}  # the environment is one's own, and says nothing
    for words in (("sign-in", "mia"), ("approve", "1", "--operator", "mia")):
        refused = office.run(*words, secret=SECRET, environment=easy)
        assert (refused.exit_code, "cohort operators mfa mia" in flat(refused.output)) == (3, True)
    assert office.run("sign-in", "ann", secret=SECRET).exit_code == 0
    device = enrolled(office, "mia")
    done = office.run("sign-in", "mia", "--code", later(device), secret=SECRET)
    assert done.exit_code == 0, done.output


def test_the_review_shows_everybody_and_is_on_the_trail_once_it_is_done(office: Office) -> None:
    """NEW-38: role, rights, last sign-in, last use, second step, when dormant."""
    office.run("sign-in", "mia", secret=SECRET)
    found = {each["name"]: each for each in office.rows("operators", "review")}
    assert set(found) == {"root", "ann", "mia", "max"}
    assert found["mia"]["signed_in_at"] is not None
    assert (found["ann"]["signed_in_at"], found["ann"]["rights"]) == (
        None,
        ["export", "send", "view"],
    )
    assert (found["max"]["second_step"], found["ann"]["second_step"]) == (False, None)
    assert (found["root"]["dormant_at"], found["max"]["dormant_at"] is None) == (None, False)
    assert "operators.reviewed" not in dict(map(reversed, acts(office)))
    assert office.run("operators", "review", "--done").exit_code == 0
    assert ("mia", "operators.reviewed") in acts(office)
    assert office.run("operators", "review", me="ann").exit_code == 3


def test_who_was_away_too_long_is_disabled_when_they_come_and_it_was_said_before(
    office: Office,
) -> None:
    """NEW-38: also where no recurring run has done it."""
    gone = {"max": timedelta(days=91), "ann": timedelta(days=80)}
    record = office.open()
    with record.write() as connection:
        rows = [{"operator": n, "used_at": SystemClock().now() - ago} for n, ago in gone.items()]
        connection.execute(sa.insert(operator_use), rows)
    record.close()
    # A Prefect server of somebody else may listen where one listens usually
    nobody = {"COHORT_PREFECT_PORT": str(free_port())}
    told = flat(office.run("health", environment=nobody).output)
    assert "people-due" in told
    assert "ann is disabled on" in told
    refused = office.run("sign-in", "max", secret=SECRET)
    assert (refused.exit_code, "operator-dormant" in refused.output) == (3, True)
    active = {each["name"]: each["active"] for each in office.rows("operators", "list")}
    assert active == {"ann": True, "max": False, "mia": True, "root": True}
    office.run("sign-in", "ann", secret=SECRET)
    office.run("sign-in", "mia", secret=SECRET)
    assert office.rows("today")["people"] == []


def test_a_service_has_no_password_and_signs_in_nowhere(office: Office) -> None:
    """NEW-38: schedules act as it, and nobody else does."""
    added = office.run("operators", "add", "nightly", "--service", me="root")
    assert added.exit_code == 0, added.output
    for words in (("sign-in", "nightly"), ("pause", "1", "--operator", "nightly")):
        for secret in ("none", "", SECRET):
            assert office.run(*words, secret=secret).exit_code == 3, words
    set_one = office.run("operators", "secret", "nightly", me="root", new_secret=SECRET)
    assert (set_one.exit_code, "operator-service" in set_one.output) == (3, True)
    both = office.run("operators", "add", "x", "--service", "--role", "manager", me="root")
    assert (both.exit_code, "operator-role" in both.output) == (3, True)


def test_disabling_says_what_ended_and_what_waits_for_another_person(office: Office) -> None:
    """NEW-38: and the campaign says why it stands still, and who lets it go on."""
    done = office.run("operators", "disable", "ann", me="root")
    assert "until another person takes them over (cohort resume): 1" in flat(done.output)
    office.run("sign-in", "mia", secret=SECRET)
    assert "Its requester is disabled" in flat(office.run("show", "1").output)
    assert office.run("resume", "1").exit_code == 0
    assert ("mia", "campaign.resume") in acts(office)


def flat(text: str) -> str:
    return " ".join(text.split())


def acts(office: Office) -> list[tuple[str, str]]:
    record, c = office.open(), audit_act.c
    with record.read() as connection:
        found = connection.execute(sa.select(c.operator, c.operation_type)).all()
    record.close()
    return [tuple(row) for row in found]

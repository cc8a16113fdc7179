"""`cohort operators` as an admin types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clinic.record.database import Record
from tests.cli.office import SECRET, Office, ask, hire


@pytest.fixture
def office(tmp_path: Path, sqlite_record: Record) -> Office:
    return Office(tmp_path / "home", sqlite_record)


def test_the_first_operator_must_be_an_admin(office: Office) -> None:
    refused = office.run("operators", "add", "mia", "--role", "manager", new_secret=SECRET)
    assert (refused.exit_code, "operator-first" in refused.output) == (3, True)
    assert (
        office.run("operators", "add", "root", "--role", "admin", new_secret=SECRET).exit_code == 0
    )
    root = {"name": "root", "role": "admin", "active": True, "clinician": None, "facilities": []}
    assert office.rows("operators", "list") == [root]


def test_an_admin_adds_and_disables_others(office: Office) -> None:
    hire(office)
    adding = ("operators", "add", "Zoe", "--role", "team_lead")
    assert office.run(*adding, me="root", new_secret=SECRET).exit_code == 0
    assert office.run("operators", "disable", "max", me="root").exit_code == 0
    active = {person["name"]: person["active"] for person in office.rows("operators", "list")}
    assert active == {"ann": True, "max": False, "mia": True, "root": True, "zoe": True}


def test_who_is_no_admin_or_not_proven_adds_nobody(office: Office) -> None:
    hire(office)
    adding = ("operators", "add", "eve", "--role", "manager")
    by_manager = office.run(*adding, me="mia", new_secret=SECRET)
    assert (by_manager.exit_code, "right-missing" in by_manager.output) == (3, True)
    unproven = office.run(*adding, me="root", secret="guessed", new_secret=SECRET)
    assert (unproven.exit_code, "operator-unproven" in unproven.output) == (3, True)
    assert "eve" not in office.run("operators", "list").stdout


def test_secrets_are_asked_for_unseen_and_twice_when_new(office: Office) -> None:
    typed = f"{SECRET}\n{SECRET}\n"
    added = office.run("operators", "add", "root", "--role", "admin", typed=typed)
    assert added.exit_code == 0
    assert SECRET not in added.output
    typed = f"{SECRET}\nother secret 1\nother secret 2\n"
    differs = office.run(
        "operators", "add", "ann", "--role", "operator", "--operator", "root", typed=typed
    )
    assert differs.exit_code != 0
    assert [person["name"] for person in office.rows("operators", "list")] == ["root"]


def test_no_option_or_variable_takes_a_secret(office: Office) -> None:
    hire(office)
    as_argument = office.run("operators", "disable", "max", "--secret", SECRET)
    assert as_argument.exit_code == 2
    in_environment = office.run(
        "operators", "disable", "max", "--operator", "root", environment={"COHORT_SECRET": SECRET}
    )
    assert in_environment.exit_code != 0
    closed = office.run("operators", "disable", "max", "--operator", "root", "--secret-fd", "99")
    assert (closed.exit_code, "secret-unread" in closed.output) == (3, True)


def test_disabling_the_only_approver_of_a_request_is_said(office: Office) -> None:
    """ALC-45: an approver without access to the queue is detectable."""
    hire(office)
    number = ask(office, requested_by="mia")
    said = office.run("operators", "disable", "max", me="root").output
    assert f"Nobody can decide these requests now: {number}" in said


OTHER = "another long secret"


def acts(office: Office) -> list[tuple[str, str]]:
    """Who did what, the newest first."""
    return [(act["operator"], act["operation_type"]) for act in office.rows("audit", "list")]


def test_who_knows_the_old_secret_sets_a_new_one(office: Office) -> None:
    """NEW-10: that it was changed is in the trail, the secret is nowhere."""
    hire(office)
    guessed = office.run("operators", "secret", "ann", secret="guessed", new_secret=OTHER)
    assert (guessed.exit_code, "operator-unproven" in guessed.output) == (3, True)
    changed = office.run("operators", "secret", "ann", secret=SECRET, new_secret=OTHER)
    assert changed.exit_code == 0, changed.output
    assert acts(office)[0] == ("ann", "operator.secret")
    for secret, code in ((SECRET, 3), (OTHER, 0)):
        again = office.run("operators", "secret", "ann", secret=secret, new_secret=OTHER)
        assert again.exit_code == code


def test_only_an_admin_resets_anothers_secret_and_a_disabled_operator_gets_none(
    office: Office,
) -> None:
    """NEW-10: the trail says that another person set it."""
    hire(office)
    by_manager = office.run("operators", "secret", "ann", me="mia", new_secret=OTHER)
    assert (by_manager.exit_code, "operator-not-admin" in by_manager.output) == (3, True)
    reset = office.run("operators", "secret", "ann", me="root", new_secret=OTHER)
    assert reset.exit_code == 0, reset.output
    assert acts(office)[0] == ("root", "operator.secret-reset")
    short = office.run("operators", "secret", "ann", secret=OTHER, new_secret="short")
    assert (short.exit_code, "secret-too-short" in short.output) == (3, True)
    office.run("operators", "disable", "max", me="root")
    disabled = office.run("operators", "secret", "max", me="root", new_secret=OTHER)
    assert (disabled.exit_code, "operator-disabled" in disabled.output) == (3, True)


def test_without_a_terminal_a_secret_is_asked_for_in_vain_and_the_way_is_told(
    office: Office,
) -> None:
    """Cron and CI: no warning of Python's, no bare "Aborted", nothing read that others could see."""
    done = subprocess.run(
        [Path(sys.executable).with_name("cohort"), "operators", "add", "root", "--role", "admin"],
        env={**os.environ, **office.environment}, input=f"{SECRET}\n", capture_output=True,
        text=True, check=False, start_new_session=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, "")
    assert "--password-fd" in done.stderr
    assert "Warning" not in done.stderr
    assert office.rows("operators", "list") == []


def test_an_admin_says_who_is_a_clinician_and_only_they_approve_what_is_clinical(
    office: Office,
) -> None:
    """NEW-28: with a registration; the list says what each may approve."""
    hire(office)
    registered = ("--registration", "GMC 7654321")
    refused = office.run("operators", "clinician", "ann", *registered, me="mia", secret=SECRET)
    assert (refused.exit_code, "right-missing" in refused.output) == (3, True)
    for words, number in ((registered, "GMC 7654321"), (("--no-more",), None)):
        office.run("operators", "clinician", "ann", *words, me="root", secret=SECRET)
        people = {one["name"]: one["clinician"] for one in office.rows("operators", "list")}
        assert people["ann"] == number
        assert ("clinical" in office.run("operators", "list").output) == (number is not None)

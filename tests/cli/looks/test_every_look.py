"""Every command that shows patients logs that first: made from the program's own definition (cli/looks)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import Result

from cli.acting import ACTING, leaves
from cli.looks.guard import declare
from cli.looks.showing import SHOWING, Shows
from cli.program import COMMANDS
from clinic.record.schema.govern import access_log, access_patient, audit_act
from tests.cli.looks.conftest import NUMBER, OTHER
from tests.cli.office import Office
from tests.cli.test_acting import WORDS as OF_ACTING

OF_THE_PATIENT = ("Zebedee", "Quartermain", "7700900123")
# What is typed after each; ("…", "typed"): and at its question
WORDS: dict[str, tuple[str, ...]] = {
    "patient": (NUMBER, "--reason", "care"),
    "patients safe-contact show": (NUMBER, "--reason", "care"),
    "patients needs": (NUMBER, "--proxy-role", "daughter", "--proxy-name", "Zebedee Hay"),
    "audit who-saw": (NUMBER, "--reason", "audit"),
    "subject-access": (NUMBER, "--reason", "asked", "--to", "asked-for"),
    "outcomes": ("1", "--csv", "-"),
    "incident": ("1", "--csv", "got.csv"),
    "replies": (),
    "reply shared": (),
    "holds": (),
    "report": (),
    "review": ("1",),
    "groups show": ("carers",),
    "templates exceptions": ("flu-1",),
    "follow-ups": (),
    "operations show": ("1",),
    "operations selection": ("1",),
    "operations visits": ("1",),
    "audit show": ("1",),
    "audit export": ("trail.csv",),
    "receipts unread": (),
    "show": ("1", "--errors-only"),
    "message": (
        "--status", "active", "--name", "N", "--text", "Dear {{ patient.given_name }}", "--purpose", "care",
        "--preview", "1",
    ),
    "remind": ("--days", "1", "--preview"),
    "resend": ("1", "--yes"),
    "correct": ("1", "--text", "Please take no notice.", "--yes"),
    "list take-over": ("1", "--yes"),
    "list missing": ("1", "--status", "active", "--csv", "missing.csv"),
    "approvals show": ("1",),
    "operations select": ("--search", "Zebedee"),
    "operations status": ("1", "--to", "on_hold", "--reason", "r", "--yes", "--no-run"),
    "operations provider": ("1", "--reason", "r", "--yes", "--no-run"),
    "operations facility": ("1", "--to", "F1", "--reason", "r", "--yes", "--no-run"),
    "operations tag": ("1", "--add", "recall", "--reason", "r", "--yes", "--no-run"),
    "operations attribute": (
        "1", "--field", "postcode", "--clear", "--reason", "r", "--yes", "--no-run",
    ),
    "operations export": (
        "1", "--purpose", "care", "--recipient", "ICB", "--reason", "r", "--yes", "--no-run",
    ),
    "operations visit": (
        "1", "--type", "flu", "--from", "2031-03-03", "--to", "2031-03-07", "--reason", "r", "--yes",
        "--no-run",
    ),
    "operations undo": ("1", "--reason", "r", "--yes", "--no-run"),
    "operations rerun": ("1", "--yes", "--no-run"),
    "audit list": ("--patient", NUMBER, "--reason", "audit"),
}  # fmt: skip
# Where nobody is to be shown of what there is here, or a rule refuses it before
QUIET = {
    "audit who-saw", "audit list", "audit show", "audit export", "operations visits", "remind", "resend",
    "correct", "list take-over", "operations provider", "operations facility", "operations undo",
    "operations rerun",
}  # fmt: skip
# Start processes, write whole installations, or are not about a record
APART = (
    "server", "deploy", "receipts serve", "desk serve", "door serve", "health", "backup", "restore", "demo",
    "init",
    "practice", "settings check",
)  # fmt: skip
MAY_SHOW = sorted(path for path, shows in SHOWING.items() if shows is not Shows.NOBODY)


def type_it(office: Office, path: str) -> Result:
    me = "mia" if path in ACTING else None
    return office.run(*path.split(), *WORDS[path], me=me, typed="all\n")


def written() -> Iterator[str]:
    """The files that commands wrote."""
    for path in (*Path().glob("*.csv"), *Path().glob("asked-for/*")):
        yield path.read_text("utf-8-sig")


def shown(office: Office, result: Result) -> bool:
    """Whether something of the patient is on the screen or in a file that was written."""
    texts = [result.output, *written()]
    return any(one in text for text in texts for one in (*OF_THE_PATIENT, NUMBER))


def looks(office: Office) -> list[Any]:
    record = office.open()
    with record.read() as connection:
        found = list(connection.execute(sa.select(access_log).order_by(access_log.c.id)))
    record.close()
    return found


def every_command() -> Iterator[tuple[str, Any]]:
    for name, each in COMMANDS.items():
        yield from leaves(name, each.load(name))


def test_every_command_says_whom_it_shows() -> None:
    """NEW-37: and nothing is declared that is not there; a new command is refused until it is."""
    assert sorted(path for path, _ in every_command()) == sorted(SHOWING)
    assert sorted(WORDS) == MAY_SHOW
    tags = COMMANDS["tags"].load("tags")
    with pytest.raises(LookupError, match="does not say whom it shows: cohort labels"):
        declare("labels", tags, acts=False)
    with pytest.raises(LookupError, match="has no --reason"):
        declare("patient", COMMANDS["campaigns"].load("campaigns"), acts=False)


@pytest.mark.parametrize("path", MAY_SHOW)
def test_what_shows_a_patient_logs_it_first(office: Office, path: str) -> None:
    """NEW-37: who, by which command and why; the patient is found by it."""
    before = len(looks(office))
    result = type_it(office, path)
    new = looks(office)[before:]
    if path in QUIET:
        assert new or not shown(office, result), (path, result.output)
        return
    assert shown(office, result), (path, result.output)
    assert [look.command for look in new] == [path] * len(new), new
    assert new, path
    assert {look.person for look in new} == {"mia"}
    if path != "receipts unread":  # nobody knows of whom that is
        of = OTHER if path == "message" else NUMBER  # a hold keeps the first from messages
        told = office.rows("audit", "who-saw", of, "--reason", "audit", me="mia")
        assert path in {look["command"] for look in told}, told


@pytest.mark.parametrize("path", MAY_SHOW)
def test_without_a_log_nothing_is_shown(office: Office, path: str) -> None:
    """NEW-37: a database that takes no look: refused, and neither screen nor file has anything."""
    record = office.open()
    with record.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no_look BEFORE INSERT ON access_log BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    record.close()
    result = type_it(office, path)
    if path not in QUIET:
        assert (result.exit_code, "access-not-logged" in result.output) == (5, True), result.output
    typed = {word for word in WORDS[path] if word in (NUMBER, "Zebedee")}
    texts = [result.output, *written()]
    for one in {*OF_THE_PATIENT, NUMBER} - typed:
        assert not any(one in text for text in texts), (path, one, result.output)


def test_what_is_said_to_show_nobody_does_not(office: Office) -> None:
    """NEW-37: a command cannot be declared past the log."""
    for path, shows in SHOWING.items():
        if shows is not Shows.NOBODY or path.startswith(APART):
            continue
        words = OF_ACTING.get(path, "1" if path.endswith((" show", "show")) else "").replace(
            "77", "1"
        )
        me = "mia" if path in ACTING else None
        result = office.run(*path.split(), *words.split(), me=me, typed="\n")
        assert not any(one in result.output for one in OF_THE_PATIENT), (path, result.output)


def test_a_look_that_is_refused_is_logged(office: Office) -> None:
    """NEW-37: and found by the patient whom it was at."""
    refused = office.run("audit", "who-saw", NUMBER, "--reason", "audit", me="ann")
    assert refused.exit_code == 3
    look = looks(office)[-1]
    assert (look.person, look.command, look.subject_id) == ("ann", "audit who-saw", 5)
    assert (look.refused, look.proven) == ("right-missing", True)
    nobody = office.run(
        "audit", "who-saw", NUMBER, "--reason", "audit", me="mia", secret="a wrong one"
    )
    assert nobody.exit_code != 0
    unproven = looks(office)[-1]
    assert (unproven.person, unproven.proven, bool(unproven.refused)) == ("mia", False, True)
    told = office.rows("audit", "who-saw", NUMBER, "--reason", "audit", me="mia")
    assert [one["refused"] for one in told[:2]] == [unproven.refused, look.refused]


def test_a_single_patient_needs_a_reason(office: Office) -> None:
    """NEW-37: asked for at a terminal, typed by a script; never one that names them."""
    for words in (("patient", NUMBER), ("report", "--patient", NUMBER)):
        for reason, code in (
            ((), "access-reason"),
            (
                ("--reason", "asked: Mr Quartermain rang"),
                "access-reason-names",
            ),
        ):
            before = len(looks(office))
            refused = office.run(*words, *reason)
            assert (refused.exit_code, code in refused.output) == (3, True), refused.output
            assert not any(one in refused.stdout for one in OF_THE_PATIENT)
            assert len(looks(office)) == before


def test_a_preview_that_nobody_proved_is_refused_and_on_the_trail(office: Office) -> None:
    """NEW-37, NEW-38: it shows nothing, and no look is logged that was none."""
    before = len(looks(office))
    done = office.run("message", *WORDS["message"])
    assert done.exit_code == 3, done.output
    assert not shown(office, done)
    assert [look.command for look in looks(office)[before:] if not look.refused] == []
    record = office.open()
    with record.read() as connection:
        told = connection.scalars(
            sa.select(audit_act.c.new_values).where(
                audit_act.c.operation_type == "operator.refused"
            )
        ).all()
    record.close()
    assert [json.loads(each)["command"] for each in told] == ["message"]


def test_the_trail_never_gets_a_number_by_a_look_up(office: Office) -> None:
    """NEW-37: what is asked of the trail goes into it by key alone."""
    for words in (("list", "--patient"), ("who-saw",)):
        done = office.run("audit", *words, NUMBER, "--reason", "audit", me="mia")
        assert done.exit_code == 0, done.output
    record = office.open()
    with record.read() as connection:
        acts = connection.exec_driver_sql("SELECT * FROM audit_act").all()
        reads = [act for act in acts if "audit.read" in act]
    record.close()
    assert reads
    assert NUMBER not in str(reads)


def test_killed_between_log_and_view_the_log_is_there(office: Office) -> None:
    """NEW-37: it tells of a look that showed nothing; never the other way round."""
    script = (
        "import os, signal\n"
        "from clinic.clock import SystemClock\n"
        "from clinic.govern.access.log import Looker, note_look\n"
        "from clinic.govern.access.look import at_patient\n"
        "from clinic.record.database import Record\n"
        f"record = Record.open({office.url!r})\n"
        "note_look(record, SystemClock(), Looker('mia', 'patient', proven=True), at_patient(5))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
        "print('Zebedee')\n"
    )
    died = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (died.returncode, died.stdout) == (-9, b"")
    assert looks(office)[-1].subject_id == 5
    record = office.open()
    with record.read() as connection:
        seen = connection.scalars(sa.select(access_patient.c.patient_id)).all()
    record.close()
    assert seen[-1] == 5

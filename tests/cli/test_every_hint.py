"""
Every hint that the code can print is printed here by some command, and typed as it stands.

A new hint fails the last test until a place below prints it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from cli.begin.settings_file import settings_file
from cli.begin.start import set_up
from clinic.change.run.apply import begin
from clinic.clock import SystemClock
from clinic.gateway.received import Inbound, Unread
from clinic.govern.approvals.approvals import request_approval
from clinic.govern.audit.key import unlock
from clinic.health.findings import KINDS
from clinic.message import states
from clinic.message.incoming.replies import apply_replies, keep_replies
from clinic.message.incoming.unread import keep_unread
from clinic.notify.asking import ask_for
from clinic.notify.request import NoticeRequest
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.messages import message
from clinic.record.schema.people import appointment, facility, patient
from clinic.record.schema.systems.outside_record import outside_item
from clinic.settings import Phones, Settings
from tasks.processes.environment import prefect_environment
from tests.campaigns import Fate, put_campaign
from tests.cli.hint_walk import Walk, hints_of_the_code, people_of
from tests.cli.office import Office, hire
from tests.clinic.ask.forms import choice, raw
from tests.clinic.change.practice import (
    MANAGER,
    applied,
    approved,
    asked,
    done,
    places,
    reviewed,
    update,
)
from tests.fakes import FakeClock
from tests.ledgers import add_campaign
from tests.main_job import nhs

pytestmark = pytest.mark.xdist_group("hints")  # one walk for both tests
CLOCK = SystemClock()
NOWHERE = "http://127.0.0.1:9/api"
LIST = "NHS Number,Surname,Clinic\n" + "".join(f"{nhs(n)},Family,North\n" for n in range(1, 5))
FILES = {
    "own.json": json.dumps(raw(choice("q", 0, 1), id="sleep")),
    "sleep.json": '{"q": "b"}',
    "gad-7.json": json.dumps({f"item-{n}": "LA6568-5" for n in range(1, 8)}),
    "list.csv": LIST,
    "sites.csv": "Facility Code,Facility Name\nF7,North\n",
    "doctors.csv": "Provider Code,Provider Name\nP7,Dr North\n",
    "newcomers.csv": f"NHS Number,Given Name,Family Name,Mobile\n{nhs(170)},Ann,Lee,07700900170\n",
    "walkers.csv": f"NHS Number,Group Code,Group Name\n{nhs(1)},walkers,Walkers\n",
    "stopped.csv": "Colour,Shape\nred,round\n",
    "nothing.csv": "NHS Number\n",
    "unknown.csv": f"NHS Number\n{nhs(99)}\n",
    "visits.csv": f"NHS Number,Start,Status\n{nhs(4)},2030-01-07 09:00,booked\n",
    "optouts.csv": f"NHS Number,Decision\n{nhs(4)},opted out\n",
    "ids.txt": f"{nhs(1)}\n",
    "strangers.txt": f"{nhs(1)}\n{nhs(99)}\n",
    "patients.csv": f"NHS Number,Given Name,Family Name,Mobile\n{nhs(9)},Given,Family,07700900009\n",
}
USUAL: Mapping[str, Any] = {
    "operator": "ann", "prefect_api_url": NOWHERE, "outbox": True, "phones": {"test_range": True},
    "organisation": {"name": "The practice", "phone": "029 2018 0123", "id_scheme": "generic"},
    "hours": {"text": {}, "voice": {}},
}  # fmt: skip


def everybody(record: Record) -> None:
    """Four patients at two facilities, with a mobile each and a visit tomorrow."""
    places(record)
    people = [
        {
            "id": n, "nhs_number": nhs(n), "local_id": f"L{n}", "given_name": "Given", "family_name": "Family",
            "mobile": f"+44770090000{n}", "status": "active", "facility_id": 1, "provider_id": 1,
            "birth_date": date(1980, 1, n),
        }
        for n in range(1, 5)
    ]  # fmt: skip
    with record.write() as connection:
        connection.execute(sa.insert(patient), people)
        connection.execute(
            sa.insert(appointment),
            [
                {
                    "id": n, "patient_id": n, "facility_id": 1, "provider_id": 1,
                    "starts_at": CLOCK.now() + timedelta(days=1, hours=n), "place": "Room 1",
                }
                for n in range(1, 5)
            ],
        )  # fmt: skip


def campaign_in(
    state: str, fate: str = states.PENDING, *, ago: timedelta = timedelta(0), **values: object
) -> Callable[[Record], None]:
    """Campaign 1, to those four, as it stands then; what was sent, so long ago."""

    def prepare(record: Record) -> None:
        everybody(record)
        released = CLOCK.now() if state != states.CHECKING else None
        fates = [Fate(state=fate, patient_id=n) for n in range(1, 5)]
        put_campaign(record, CLOCK, fates, state=state, released_at=released, **values)  # type: ignore[arg-type]
        with record.write() as connection:
            sent = sa.update(message).where(message.c.state != states.PENDING)
            connection.execute(sent.values(sent_at=CLOCK.now() - ago))

    return prepare


def operation_in(state: str, kind: str = "status", **parameters: Any) -> Callable[[Record], None]:
    """Operation 1, of all four, as it stands then. Ann asks, Mia approves."""

    def prepare(record: Record) -> None:
        everybody(record)
        hire_past(record)
        number = asked(record, CLOCK, kind, parameters or {"to": "discharged"}, [1, 2, 3, 4])  # type: ignore[arg-type]
        if state == "waiting":
            reviewed(record, CLOCK, number)  # type: ignore[arg-type]
        if state in ("approved", "running", "conflicts", "done"):
            approved(record, CLOCK, number)  # type: ignore[arg-type]
        if state == "running":
            begin(record, CLOCK, number)
        if state == "conflicts":
            update(record, 1, status="on_hold")
        if state in ("conflicts", "done"):
            applied(record, CLOCK, number)  # type: ignore[arg-type]

    return prepare


def waits_for_its_hour(record: Record) -> None:
    """Campaign 1 runs, and nothing of it has left yet."""
    everybody(record)
    add_campaign(record, CLOCK, 4)  # type: ignore[arg-type]


def changed_again(record: Record) -> None:
    """Whom operation 1 changed, operation 2 has changed since, but for one."""
    operation_in("done", to="on_hold")(record)
    later = asked(record, CLOCK, "status", {"to": "discharged"}, [1, 2, 3], key="again")  # type: ignore[arg-type]
    done(record, CLOCK, later)  # type: ignore[arg-type]


def untold(record: Record) -> None:
    """The notice of operation 1 was asked for an hour ago, and nobody sent it."""
    operation_in("done")(record)
    with record.write() as connection:
        connection.execute(sa.update(facility).values(email="f@example.org"))
    request = NoticeRequest(
        operation_id=1, audience="facility", reason="moved", requested_by="mia", request_key="n1"
    )
    earlier = FakeClock(CLOCK.now() - timedelta(hours=1))
    ask_for(record, earlier, Settings(outbox=True), request, by=MANAGER)


def waits_in_prefect(record: Record) -> None:
    """Ann asked for a campaign's approval on a page of Prefect's; its run waits there."""
    campaign_in(states.AWAITING_APPROVAL)(record)
    hire_past(record)
    with record.write() as connection:
        request_approval(
            connection, CLOCK, subject="campaign", subject_id=1, kind="campaign", digest="a" * 64,
            requested_by="ann", summary={"messages": 4}, reason="message Autumn",
            flow_run_id="11111111-1111-4111-8111-111111111111", expires_in=timedelta(days=1),
        )  # fmt: skip


def hire_past(record: Record) -> None:
    """The people of `hire`."""
    hire(Past(record))  # type: ignore[arg-type]


def dormant_soon(record: Record) -> None:
    """Max was last here 85 days ago."""
    everybody(record)
    hire_past(record)
    with record.write() as connection:
        old = CLOCK.now() - timedelta(days=85)
        own = sa.update(operator).where(operator.c.name == "max")
        connection.execute(own.values(created_at=old))


@dataclass
class Past:
    """An office whose record is open already."""

    record: Record

    def open(self) -> Any:
        """The same, which stays open."""
        return SimpleNamespace(write=self.record.write, close=lambda: None)


def refused_outside(record: Record) -> None:
    """The record on another system has no patient 1."""
    everybody(record)
    with record.write() as connection:
        connection.execute(
            sa.insert(outside_item).values(
                kind="message", item_id=1, patient_id=1, state="refused", wanted="sent",
                problem="patient-not-there", changed_at=CLOCK.now(),
            )
        )  # fmt: skip


def nothing(record: Record) -> None:
    """An installation on its first day."""


def with_answers(record: Record) -> None:
    """A patient answered, and a gateway said what nobody understands."""
    everybody(record)
    texts = ("Is it on Friday?", "Wrong number")
    said = [
        Inbound("outbox", f"{n}", "sms", f"+44770090000{n}", text)
        for n, text in enumerate(texts, 1)
    ]
    keep_replies(record, CLOCK, said, Phones(test_range=True))
    keep_unread(record, CLOCK, [Unread("outbox", "d1", "a word that nobody knows", "{}")])
    with record.write() as connection:  # two adults, of whom nobody can say which one said it
        both = [
            {"id": n, "nhs_number": nhs(n), "mobile": "07700 900555", "address": "1 The Green"}
            for n in (180, 181)
        ]
        connection.execute(sa.insert(patient), both)
    stop = Inbound("outbox", "9", "sms", "+447700900555", "STOP")
    keep_replies(record, CLOCK, [stop], Phones(test_range=True))
    apply_replies(record, CLOCK, Phones(test_range=True))


def remove_home(place: Path) -> None:
    """The machine is lost."""
    shutil.rmtree(place / "home")
    (place / "cohort.toml").unlink()


def keep(place: Path) -> None:
    """Somebody copies the database."""
    shutil.copy(place / "home" / "record.db", place / "old.db")


def export_slots(place: Path) -> None:
    """Another system exports its appointments; they stay there, so that each hint finds them."""
    (place / "in").mkdir(exist_ok=True)
    path = place / "in" / "slots.csv"
    path.write_text(f"Slot ID,NHS Number,Start,Status\nS1,{nhs(4)},2031-03-03 09:00,booked\n")
    os.utime(path, (path.stat().st_mtime - 120,) * 2)


def make_overdue(place: Path) -> None:
    """A year goes by after a recall."""
    with contextlib.closing(sqlite3.connect(place / "home" / "record.db")) as database:
        database.execute("UPDATE recall_task SET due_on = '2025-01-31'")
        database.commit()


def set_back(place: Path) -> None:
    """Somebody puts the copy back."""
    for path in (place / "home").glob("record.db*"):
        path.unlink()
    shutil.copy(place / "old.db", place / "home" / "record.db")


@dataclass(frozen=True)
class Scene:
    """
    What is in the record, and what somebody types first, one after the other, or does.

    first: "!" before a command: it is refused, and what the refusal names is typed
    people: whether operators were added
    chosen: settings that differ
    """

    prepare: Callable[[Record], None]
    first: tuple[str | Callable[[Path], None], ...]
    people: bool = True
    chosen: Mapping[str, Any] = field(default_factory=dict)


# What `cohort health` says to do; the rest of its sentences is no command
DO = re.compile(
    r"cohort (?:server st\w+|server resume|campaigns|remind|(?:show|cancel) CAMPAIGN|receipts status"
    r"|operators review|sending status|sources status|backup FOLDER|backup check FILE|init)"
)
HEALTH = dict.fromkeys(one for kind in KINDS.values() for one in DO.findall(kind.do))
OF_A_CAMPAIGN = tuple(one for one in HEALTH if "CAMPAIGN" in one)
OF_ALL = tuple(one for one in HEALTH if "CAMPAIGN" not in one)
FLU = "cohort message list.csv --name Autumn --template flu-invite"
TO_P2 = {"to": ["P2"], "visits": "cancel"}
MONDAY = {"hours": {"text": {f"{CLOCK.now() + timedelta(days=3):%a}".lower(): ["00:00-00:01"]}}}
SCENES = {
    "first day": Scene(
        everybody,
        (
            "cohort init", "cohort operators list", "cohort settings", "cohort help", "cohort help operator",
            "cohort sources list", "cohort sources check", "cohort gateways list",
            "cohort settings ask operations.cap 400 --reason why", "cohort today",
        ),
        people=False,
    ),
    "lists and texts": Scene(
        everybody,
        (
            "cohort campaigns", "cohort list ls", "cohort patient L1 --reason care", "cohort templates list",
            "cohort templates variables", "cohort templates list nothingness", "cohort report",
            "cohort templates exceptions flu-invite", "cohort templates for annual-review --age 40+",
            "cohort list check list.csv", "!cohort list check stopped.csv", "!cohort list check nothing.csv",
            "!cohort list check unknown.csv",
            "cohort remind --days 2 --preview", "cohort remind --days 0 --preview",
            f"{FLU} --no-save --preview 1",
        ),
    ),
    "questionnaires": Scene(
        everybody,
        (
            "cohort questionnaires list nothingness", "cohort questionnaires add own.json",
            "cohort questionnaires list", "cohort questionnaires show sleep",
            "cohort questionnaires preview sleep", "cohort questionnaires retire sleep",
        ),
    ),
    "the practice": Scene(
        everybody,
        (
            "cohort groups list", "cohort groups add walkers --name Walkers --ids-from ids.txt",
            "cohort groups list", "cohort groups delete walkers", "cohort places facility F9 --name N",
            "cohort operations select --status active", "cohort tags list", "cohort sign-in ann",
            "cohort backup saved", *OF_ALL, "cohort server status",
            "cohort settings ask operations.cap 400 --reason why",
            "cohort operators secret ann --operator root", "cohort tags add walks",
            "cohort import consents optouts.csv --check", "cohort import appointments visits.csv",
        ),
    ),
    "what other systems have": Scene(
        everybody,
        (
            "cohort import patients newcomers.csv", "cohort import facilities sites.csv",
            "cohort import providers doctors.csv", "cohort import groups walkers.csv",
            "cohort imports list",
        ),
        people=False,
    ),
    "sources": Scene(
        everybody,
        (
            "cohort today", export_slots, "cohort sources check", "cohort sources sync",
            "cohort sources status",
        ),
        people=False,
        chosen={"sources": {"emis": {
            "type": "files", "folder": "in", "done": ".", "patterns": {"appointments": "*.csv"}}}},
    ),
    "nobody there": Scene(nothing, ("cohort places list", "cohort tags list"), people=False),
    "selections": Scene(
        everybody,
        (
            "cohort operations select --status active",
            "cohort operations select --ids-from strangers.txt",
            "cohort operations select --selection 1 --selection 2", "cohort operations selection 3",
            "cohort operations selection 3 --limit 1",
            "cohort operations status 1 --to on_hold --reason why --no-run",
        ),
    ),
    "too many": Scene(
        everybody,
        (
            "cohort operations select --status active",
            "cohort settings ask operations.cap 2 --reason why", "cohort approve 1",
            "!cohort operations status 1 --to on_hold --reason why", "cohort operations show 1",
        ),
    ),
    "answers": Scene(
        with_answers,
        (
            "cohort replies 1", "cohort replies", "cohort receipts status", "cohort today",
            f"cohort patients confirm-number {nhs(180)}",
            f"cohort objection {nhs(180)} --purpose feedback", "cohort purposes --mapped", "!cohort doctor",
        ),
    ),
    "answered": Scene(with_answers, ("!cohort reply done 1 --note rung", "cohort replies 1")),
    "got": Scene(
        campaign_in(states.COMPLETED, states.DELIVERED, gateway="outbox"),
        ("cohort incident 1 --csv incident.csv", 'cohort correct 1 --text "Ignore our text. The practice"'),
    ),
    "a second person": Scene(
        everybody,
        (
            FLU, "cohort show 1", "cohort review 1", "cohort approvals", "cohort today",
            "cohort list ls",
        ),
        chosen={"release": {"approval_above": 2}},
    ),
    "who decides": Scene(
        operation_in("waiting"), ("cohort approvals", "cohort today"), chosen={"operator": "max"}
    ),
    "who works here": Scene(
        dormant_soon, ("cohort today", "cohort operators review"), chosen={"operator": "mia"}
    ),
    "a run that waits": Scene(
        waits_in_prefect, ("cohort approvals show 1", "cohort confirm 1", "cohort approve 1")
    ),
    "not confirmed": Scene(
        everybody,
        (
            FLU, "cohort list take-over 1 --yes", "cohort show 1", "cohort today",
            "cohort list missing 1 --status active", "cohort retention plan", "cohort retention run",
            'cohort retention hold list 1 --reason "an inquiry"',
        ),
    ),
    "scheduled": Scene(
        campaign_in(states.SCHEDULED, start_at=CLOCK.now() + timedelta(days=2)),
        ("cohort campaigns",),
    ),
    "running": Scene(
        campaign_in(states.RUNNING),
        ("cohort campaigns", "cohort report", "cohort patient L1 --reason care", "cohort sending stop"),
    ),
    "waits for its hour": Scene(waits_for_its_hour, ("cohort show 1", "cohort today"), chosen=MONDAY),
    "halted": Scene(
        campaign_in(states.PAUSED, state_reason="gateway-credentials"),
        ("cohort today", "cohort show 1", "!cohort message --resume 1", *OF_A_CAMPAIGN),
    ),
    "all stopped": Scene(
        campaign_in(states.HELD_CAMPAIGN, state_reason="database-restored"),
        (
            "cohort sending stop --reason text", "!cohort resume 1", "!cohort message --resume 1",
            "cohort today",
        ),
    ),
    "a recall": Scene(
        everybody,
        (
            "!cohort message unknown.csv --name Autumn --template flu-invite --recall-by 2099-01-31 --yes "
            "--override-gate checked",
            "cohort show 1", make_overdue, "cohort today",
            f"cohort patients needs {nhs(1)} --language Polish",
        ),
    ),
    "set back": Scene(
        everybody,
        (
            keep, "cohort tags add walks", "cohort sign-in ann", set_back,
            "cohort init --restored", "cohort sending status",
            "cohort sending allow --reason asked --no-reminders-lost",
        ),
    ),
    "restored": Scene(everybody, (FLU, "cohort backup saved", remove_home, "cohort restore saved")),
    "moved": Scene(everybody, ("cohort practice move saved", remove_home, "cohort restore saved")),
    "unknown": Scene(
        campaign_in(states.RECONCILING, states.UNKNOWN, ago=timedelta(days=4)),
        ("cohort show 1", "cohort unknown ask 1 --as not-sent --reason asked"),
    ),
    "refused outside": Scene(
        refused_outside, ("cohort record status", "cohort record save"),
        chosen={"outside_record": {"fhir_url": "http://127.0.0.1:9/fhir", "save_from": "2026-01-01"}},
    ),
    "failed": Scene(campaign_in(states.COMPLETED, states.REJECTED), ("cohort show 1",)),
    "delivered": Scene(campaign_in(states.COMPLETED, states.DELIVERED), ("cohort show 1",)),
    "an operation": Scene(
        operation_in("requested"), ("cohort operations show 1", "!cohort operations rerun 1")
    ),
    "an approved one": Scene(operation_in("approved"), ("cohort operations show 1",)),
    "a running one": Scene(operation_in("running"), ("cohort operations show 1", "cohort today")),
    "one with conflicts": Scene(
        operation_in("conflicts"), ("cohort operations show 1", "cohort today")
    ),
    "one that is done": Scene(
        operation_in("done", "provider", **TO_P2),
        (
            "cohort audit show 1", "cohort audit who-saw L1 --reason audit", "cohort operations show 1",
            "cohort operations list", "cohort follow-ups", "cohort today",
        ),
    ),
    "one that was changed again": Scene(
        changed_again,
        (
            "!cohort operations undo 1 --reason slip", "cohort operations show 3",
            "!cohort operations status 2 --to discharged --reason why", "cohort operations show 4",
        ),
    ),
    "untold": Scene(untold, ("cohort operations list", "cohort today")),
}  # fmt: skip
# What is no hint though it looks like one; and what only a running Prefect server lets be printed
ELSEWHERE = {
    # tests/clinic/retention: years later
    'cli/govern/retention.py: cohort retention ask § --reason "…"': "replies of long ago",
    "cli/govern/retention.py: cohort retention run": "lists of long ago",
    "cli/govern/retention.py: cohort approvals show §": "replies of long ago",
    "cli/govern/retention.py: cohort approve §": "replies of long ago",
    "tasks/asking/at_once.py: cohort retention stubs": "replies of long ago",
    "tasks/asking/following.py: cohort approvals resume §": "a notification that Prefect was not told of",
    "cli/acting.py: cohort § acts and has no --operator": "an error of the program's own",
    "cli/looks/guard.py: cohort § shows one patient and has no --reason": "as that",
    "cli/send/campaign_control.py: cohort review §": "what was typed, which is left out of its own hints",
    "cli/operations/session.py: cohort operations list": "where nothing else could be typed: no state is so",
    "clinic/govern/audit_read/read.py: cohort operations list": "a part of a sentence: see below",
    # tests/data_checks/sync, tests/clinic/outside_record: a check stopped one, or the other side is away
    "cli/sources/importing.py: cohort sources sync §": "an import that a check stopped",
    "cli/look/today.py: cohort record status": "what is not saved outside",
    # tests/clinic/health/test_gateways.py
    "cli/look/gateways.py: cohort gateways check §": "a gateway that is set",
    "cli/look/today.py: cohort sources status": "a source of which nothing came of late",
    # tests/cli/begin/test_demo.py and tests/cli/begin/test_server_command.py
    "cli/begin/demo.py: cohort message --group young-mothers --name 'Baby clinic' --template flu-invite": "too",
    "cli/begin/demo.py: cohort server stop": "its server",
    "cli/begin/prefect/deploy.py: cohort server start": "a server that runs",
    "cli/begin/prefect/deploy.py: cohort server status": "a server that runs",
    "cli/begin/server.py: cohort message --help": "a server that runs",
    "cli/begin/server.py: cohort server stop": "a server that runs",
    "cli/begin/server.py: cohort campaigns": "a queue that is paused",
    "cli/begin/server.py: cohort server status": "a queue that is paused",
    "cli/begin/server.py: cohort server resume": "a queue that is paused",
    "cli/look/today.py: cohort server resume": "a queue that is paused",
    "cli/look/today.py: cohort server status": "a server that runs without a worker",
}


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Walk:
    """All of them, walked."""
    walk, before = Walk(), Path.cwd()
    for scene in SCENES.values():
        place = tmp_path_factory.mktemp("place") / "here"
        office = at(place, migrated_sqlite, scene)
        os.chdir(place)
        walk.begin(office, place, reader=str(scene.chosen.get("operator", "ann")))
        try:
            for step in scene.first:
                if callable(step):
                    step(place)
                else:
                    walk.start(step.lstrip("!"), refused=step.startswith("!"))
        finally:
            os.chdir(before)
    return walk


def at(place: Path, migrated: Path, scene: Scene) -> Office:
    """An installation in a folder, with the files that a person has."""
    home, config = place / "home", place / "cohort.toml"
    place.mkdir()
    home.mkdir(mode=0o700)
    for name, text in FILES.items():
        (place / name).write_text(text)
    chosen = USUAL | {"home": str(home), "notes_folder": str(place / "notes")} | dict(scene.chosen)
    config.write_text(settings_file(dict(flat(chosen))), encoding="utf-8")
    settings = Settings(**chosen)  # type: ignore[arg-type]
    shutil.copy(migrated, settings.database_url.removeprefix("sqlite:///"))
    set_up(settings)
    record = unlock(Record.open(settings.database_url), home)
    office = Office(home, record)
    # What `apply_environment` would set, had Prefect not been imported long before
    office.environment = prefect_environment(settings) | {
        "COHORT_CONFIG": str(config),
        "NO_COLOR": "1",
    }
    scene.prepare(record)
    record.close()
    if scene.people and not people_of(home):
        hire(office)
    return office


def flat(chosen: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """ "release.approval_above", and its value."""
    for name, value in chosen.items():
        if isinstance(value, dict) and name in (
            "release",
            "hours",
            "phones",
            "organisation",
            "operations",
            "outside_record",
        ):
            yield from flat(value, f"{name}.")
        else:
            yield above + name, value


def test_what_is_printed_gets_further(walked: Walk) -> None:
    assert walked.wrong == [], "\n\n".join(walked.wrong)


def test_every_hint_of_the_code_was_typed(walked: Walk) -> None:
    untyped = [one for one in walked.untyped(hints_of_the_code()) if one not in ELSEWHERE]
    assert untyped == [], "\n".join(untyped)

"""
Messages saved to a real FHIR server: what it costs us, how long it takes, and how often each is there.

    python -m benchmarks.apart.outside                      1,000 messages, saved once and with their status
    python -m benchmarks.apart.outside --kills 30 --seed 1  our process and the server killed at random instants

Counted by the server's own count. A message that is there twice, or not at all, ends it with exit code 1.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.message import states
from clinic.message.outcomes.save import save_messages
from clinic.outside_record.running import save_outside
from clinic.outside_record.side import ask_at_once
from clinic.outside_record.standing import standing
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.migrate import migrate
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import clinical_item, patient
from clinic.record.schema.systems.outside_record import outside_side
from clinic.settings import OutsideRecord, Settings
from tests.campaigns import Fate, put_campaign
from tests.main_job import nhs
from tests.servers.fhir import FhirServer, running_fhir

PATIENTS = 200
PEER_SECONDS = 2.0  # ACX-32: a patient
_TIMEOUT = 5.0
_DRAINS = 600.0  # until all is saved after the last kill


def main() -> int:
    """Save, or save under kills; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--save", help=argparse.SUPPRESS
    )  # the process that is killed: url and home
    asked = parser.parse_args()
    if asked.save:
        url, _, home = asked.save.partition(" ")
        return _save_for_ever(url, Path(home))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        record = Record.open(f"sqlite:///{home / 'record.db'}")
        migrate(record)
        _fill(record, asked.messages)
        with running_fhir(home / "fhir") as server:
            server.patients({n: nhs(n) for n in range(1, PATIENTS + 1)})
            if asked.kills:
                _under_kills(record, home, server, asked.kills, asked.seed)
            else:
                _once(record, home, server, asked.messages)
            wrong = _judge(record, server, asked.messages)
        record.close()
    print(*wrong, sep="\n")
    return 1 if wrong else 0


def _settings(url: str, home: Path, seconds: float = _TIMEOUT) -> Settings:
    own = OutsideRecord(fhir_url=url, save_from=date(2026, 1, 1), timeout_seconds=seconds)
    return Settings(home=home, record_url=f"sqlite:///{home / 'record.db'}", outside_record=own)


def _fill(record: Record, count: int) -> None:
    """Campaigns of one message a patient each, on the record here."""
    clock = SystemClock()
    install(record, clock)
    with record.write() as connection:
        people = [{"id": n, "nhs_number": nhs(n)} for n in range(1, PATIENTS + 1)]
        connection.execute(sa.insert(patient), people)
    while count > 0:
        fates = [
            Fate(state=states.ACCEPTED, patient_id=n) for n in range(1, min(count, PATIENTS) + 1)
        ]
        number = put_campaign(
            record, clock, fates, released_at=clock.now(), snomed_codes="699237001"
        )
        with record.write() as connection:
            job = connection.execute(sa.select(campaign).where(campaign.c.id == number)).one()
            save_messages(connection, job, message.c.campaign_id == number, clock.now())  # type: ignore[arg-type]
        count -= len(fates)


def _once(record: Record, home: Path, server: FhirServer, count: int) -> None:
    for what in ("created", "with another status"):
        begun, used = time.perf_counter(), time.process_time()
        # A busy machine is no outage: that is what the kills are for
        done = save_outside(record, SystemClock(), _settings(server.url, home, 60.0))
        seconds, cpu = time.perf_counter() - begun, time.process_time() - used
        faster = PEER_SECONDS * count / seconds
        print(
            f"{what}: {done.saved:,} saved in {seconds:.1f} s, {faster:,.0f} times better than 2 s a patient; "
            f"{1000 * cpu / count:.2f} ms of our CPU a message"
        )
        with record.write() as connection:
            connection.execute(sa.update(clinical_item).values(status="sent"))


def _under_kills(record: Record, home: Path, server: FhirServer, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    words = [sys.executable, "-m", "benchmarks.apart.outside", "--save", f"{server.url} {home}"]
    done: Counter[str] = Counter()
    while done.total() < kills:
        ours = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert ours.stdout is not None
        ours.stdout.readline()  # it is about to ask: before that nothing could be doubled or lost
        time.sleep(chance.uniform(0.0, 3.0))
        which = chance.choice(["ours", "theirs", "both"])
        if which != "ours":
            server.kill()
        if which != "theirs":
            ours.kill()
        done[which] += 1
        _tell(f"kill {done.total()} of {kills}: {which}")
        if server.process is None:
            server.start()
        if ours.poll() is None:
            time.sleep(chance.uniform(0.0, 2.0))
            ours.kill()
        ours.wait()
        with record.write() as connection:  # statuses go on changing meanwhile
            some = clinical_item.c.patient_id % 7 == chance.randrange(7)
            connection.execute(sa.update(clinical_item).where(some).values(status="sent"))
    print(f"{done.total()} kills: {dict(done)}")
    until = time.monotonic() + _DRAINS
    while standing(record).counts.get("message", Counter())["waiting"] and time.monotonic() < until:
        _save(record, server.url, home)
        _tell(f"waiting: {standing(record).counts['message']['waiting']}")
        time.sleep(1)
    _save(record, server.url, home)


def _tell(what: str) -> None:
    """How far it is: a kill takes as long as both programs need to start, some ten seconds."""
    print(what, file=sys.stderr, flush=True)


def _save(record: Record, url: str, home: Path) -> None:
    ask_at_once(record, "fhir")
    save_outside(record, SystemClock(), _settings(url, home))


def _save_for_ever(url: str, home: Path) -> int:
    record = Record.open(f"sqlite:///{home / 'record.db'}")
    print("ready", flush=True)
    while True:
        with record.write() as connection:  # no test waits for an hour
            soon = SystemClock().now() + timedelta(seconds=_TIMEOUT)
            late = sa.update(outside_side).where(outside_side.c.not_before > soon)
            connection.execute(late.values(not_before=soon))
        save_outside(record, SystemClock(), _settings(url, home))
        time.sleep(0.2)


def _judge(record: Record, server: FhirServer, count: int) -> list[str]:
    """What is wrong, by what the server itself has."""
    system = f"urn:uuid:{install(record, SystemClock())}"
    with record.read() as connection:
        own = {row.id: row.status for row in connection.execute(sa.select(clinical_item))}
    times: Counter[str] = Counter()
    wrong_status = 0
    page = server.ask("Communication", identifier=f"{system}|", _count="500", _sort="_id")
    while True:
        for entry in page.get("entry", ()):
            one = entry["resource"]
            value = one["identifier"][0]["value"]
            times[value] += 1
            wanted = {"pending": "in-progress", "sent": "completed"}[own[int(value[8:])]]
            wrong_status += one["status"] != wanted
        following = [link["url"] for link in page.get("link", ()) if link["relation"] == "next"]
        if not following:
            break
        page = server.ask(following[0].removeprefix(f"{server.url}/"))
    doubled = sum(n - 1 for n in times.values())
    lost = count - len(times)
    states_now = dict(standing(record).counts["message"])
    print(
        f"there: {times.total():,}; doubled {doubled}, lost {lost}, wrong status {wrong_status}; "
        f"here: {states_now}"
    )
    return [
        f"{n} {what}"
        for n, what in ((doubled, "doubled"), (lost, "lost"), (wrong_status, "wrong"))
        if n
    ]


if __name__ == "__main__":
    sys.exit(main())

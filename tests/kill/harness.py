"""
Kills the main job and says what became of everybody, from the gateway's own book.

A campaign's verdict after any number of kills: nobody has it twice; nobody is lost silently (not
with the gateway, and not listed as unknown, rejected or left out); what the ledger calls accepted
the gateway has; the counts add up to the rows; every message that was tried is on the record.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.message import states
from clinic.message.campaign.counting import count_outcomes
from clinic.practice.people import nhs_numbers
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.lists import template, template_version
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import clinical_item, patient
from tests.fakes import mobile_of
from tests.kill.job import Job, run
from tests.processes import processes

# Every point that the ledger passes (clinic/message/{ledger,submissions,deliver}.py)
POINTS = (
    "claim.begin", "claim.precommit", "claim.done", "payload.read", "intent.begin",
    "intent.precommit", "intent.done", "send.returned", "record.begin", "record.mid",
    "record.precommit", "record.done",
)  # fmt: skip


@dataclass(frozen=True)
class Fate:
    """What became of a campaign's people."""

    doubled: int
    lost: int
    falsely_accepted: int
    unknown: int
    unsaved: int
    uncounted: int
    kills: int
    outcomes: Mapping[str, int]

    @property
    def is_clean(self) -> bool:
        """Nobody twice, nobody lost, nothing claimed that is not so, all of it on the record."""
        return not (
            self.doubled or self.lost or self.falsely_accepted or self.unsaved or self.uncounted
        )


def prepare(url: str, folder: Path, people: int) -> Path:
    """Patients, a template, and a list of everybody; the list's path."""
    record, clock = Record.open(url), SystemClock()
    install(record, clock)
    ids = np.arange(1, people + 1)
    numbers = nhs_numbers(ids, people)
    with record.write() as connection:
        insert_rows(
            connection,
            patient,
            ("id", "nhs_number", "given_name", "family_name", "mobile"),
            (
                (int(n), str(number), "Given", "Family", mobile_of(int(n)))
                for n, number in zip(ids, numbers, strict=True)
            ),
        )
        connection.execute(
            sa.insert(template).values(id=1, key="plain", name="Plain", message_type="notice")
        )
        connection.execute(
            sa.insert(template_version).values(
                id=1, template_id=1, version=1, body="Hello {{ patient.given_name }}",
                variables='["patient.given_name"]', sha256="0", created_at=clock.now(),
                created_by="tests",
            )
        )  # fmt: skip
    record.close()
    path = folder / "everybody.csv"
    path.write_text("NHS Number\n" + "".join(f"{number}\n" for number in numbers))
    return path


def start(job: Job) -> BaseProcess:
    """The job in a process of its own."""
    process = processes.Process(target=run, args=(job,))
    process.start()
    return process


def end(process: BaseProcess) -> int:
    """Wait for the job; 1 if it was killed. Anything else than a kill and success is a fault."""
    process.join(600)  # a second or two of work, beside whatever else the machine does
    if process.exitcode not in (0, -signal.SIGKILL):
        process.kill()
        raise AssertionError(f"the job ended with {process.exitcode}")
    return int(process.exitcode == -signal.SIGKILL)


def finish(job: Job) -> None:
    """Run the job to its end, without a plug."""
    assert end(start(replace(job, point=""))) == 0


def kill_at(job: Job) -> int:
    """Run the job until its plug is pulled; 1 if it was."""
    return end(start(job))


def kill_within(job: Job, rng: random.Random, *, seconds: float) -> int:
    """Run the job and kill it at some instant before `seconds` have gone by; 1 if it was alive."""
    process = start(job)
    process.join(rng.uniform(0.0, seconds))
    process.kill()
    return end(process)


def judge(url: str, taken: Mapping[int, int], *, people: int, kills: int) -> Fate:
    """Compare the ledger with the gateway's book: how often it took each reference."""
    record = Record.open(url)
    with record.read() as connection:
        rows = connection.execute(sa.select(message.c.id, message.c.state)).all()
        number = connection.execute(sa.select(campaign.c.id)).scalar_one()
        outcomes = count_outcomes(connection, number)
        items = connection.execute(
            sa.select(sa.func.count()).select_from(clinical_item)
        ).scalar_one()
    record.close()
    has = Counter(taken)
    spoken_of = {states.UNKNOWN, states.REJECTED, states.SUPPRESSED, states.EXHAUSTED}
    state = {row.id: row.state for row in rows}
    tried = sum(s in (states.ACCEPTED, states.UNKNOWN, states.REJECTED) for s in state.values())
    return Fate(
        doubled=sum(times - 1 for times in has.values()),
        lost=people - len(rows) + sum(not has[m] and s not in spoken_of for m, s in state.items()),
        falsely_accepted=sum(not has[m] for m, s in state.items() if s == states.ACCEPTED),
        unknown=sum(s == states.UNKNOWN for s in state.values()),
        unsaved=tried - int(items),
        uncounted=people - sum(outcomes.values()),
        kills=kills,
        outcomes=outcomes,
    )

"""
Issue 16, NEW-14 to NEW-16, COM-12: from an empty folder to the right reminders, by the exports of four systems.

The flows are those that are deployed, through a real Prefect server, with a clock that is moved.
"""

from __future__ import annotations

import csv
import os
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from clinic.errors import CohortError
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.message.sending.worker import Worker
from clinic.message.template.catalogue import seed_catalogue
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.messages import message
from clinic.record.schema.people import patient
from clinic.record.schema.receipts import reminder
from clinic.record.systems.sync_runs import last_runs
from clinic.settings import Settings
from flows.remind import remind
from flows.sync import sync
from tasks.processes.environment import DEPLOYMENTS
from tasks.sync import SyncRequest
from tasks.wiring import Wiring, use
from tests.fakes import FakeClock, FakeGateway
from tests.main_job import nhs
from tests.servers.stand_in import Asked, Said, standing_in

GUID = "{{{}-0000-4000-8000-000000000000}}"
QUERIES = {
    "appointments": 'SELECT ref AS "Appointment ID", nhs AS "NHS Number", starts AS "Start", state AS '
    '"Status", room AS "Place" FROM visit',
    "consents": 'SELECT nhs AS "NHS Number", said AS "Decision", way AS "Channel", day AS "Date" FROM choice',
}  # fmt: skip


class Systems:
    """The other systems of a practice, as they stand on a day."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.folder, self.clock = folder, clock
        self.visits: list[dict[str, Any]] = []
        for name in ("emis", "tpp", "queries"):
            (folder / name).mkdir()
        for kind, query in QUERIES.items():
            (folder / "queries" / f"{kind}.sql").write_text(query)
        with sqlite3.connect(folder / "warehouse.db") as base:
            base.execute(
                "CREATE TABLE visit (ref TEXT, nhs TEXT, starts TEXT, state TEXT, room TEXT)"
            )
            base.execute("CREATE TABLE choice (nhs TEXT, said TEXT, way TEXT, day TEXT)")
        base.close()

    def settings(self, url: str) -> dict[str, Any]:
        """As they stand in cohort.toml."""
        emis = {
            "type": "files", "folder": str(self.folder / "emis"),
            "patterns": {"patients": "*_Admin_Patient_*.csv", "appointments": "*_Slot_*.csv",
                         "consents": "*_OptOut_*.csv"},
        }  # fmt: skip
        tpp = {
            "type": "files", "folder": str(self.folder / "tpp"),
            "patterns": {"patients": "SRPatient*.csv", "appointments": "SRAppointment*.csv"},
            "statuses": {"0": "booked", "10": "cancelled", "4": "finished"},
            "columns": {"patients": {"local_id": "RowIdentifier"}, "appointments": {"local_id": "IDPatient"}},
        }  # fmt: skip
        warehouse = {
            "type": "sql", "url": f"sqlite:///{self.folder / 'warehouse.db'}",
            "queries": str(self.folder / "queries"),
        }  # fmt: skip
        fhir = {"type": "fhir", "url": url, "kinds": ["patients", "appointments"]}
        return {"emis": emis, "tpp": tpp, "warehouse": warehouse, "hospital": fhir}

    def file(self, name: str, heading: str, *rows: tuple[str, ...], quoted: bool = False) -> None:
        path = self.folder / name
        with path.open("w", newline="", encoding="cp1252" if quoted else "utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
            writer.writerows([heading.split(","), *rows])
        written = (self.clock.now() - timedelta(hours=3)).timestamp()
        os.utime(path, (written, written))

    def emis(
        self, night: int, slots: list[tuple[str, int, str, str]], out: tuple[int, ...]
    ) -> None:
        people = [(GUID.format(f"P{n}"), nhs(n), f"1{n:03}", f"Given{n}", "Family", "1960-03-02",
                   f"07700900{n:03}") for n in range(1, 8) if n != 4]  # fmt: skip
        heading = "PatientGuid,NhsNumber,PatientNumber,GivenName,Surname,DateOfBirth,MobilePhone"
        self.file(f"emis/{night}1_Admin_Patient_x.csv", heading, *people)
        self.file(
            f"emis/{night}2_Appointment_Slot_x.csv",
            "SlotGuid,NhsNumber,AppointmentDate,AppointmentStartTime,SlotStatus,Location",
            *((GUID.format(key), nhs(n) if n else "", day, at, "Booked" if n else "Available", "Room 4")
              for key, n, day, at in slots),
        )  # fmt: skip
        self.file(f"emis/{night}3_OptOut_x.csv", "NHS Number,Decision,Date",
                  *((nhs(n), "opted out", "2025-03-01") for n in out))  # fmt: skip

    def tpp(self, *rows: tuple[str, ...]) -> None:
        heading = "RowIdentifier,NHSNumber,FirstName,Surname,DateBirth,MobileNumber"
        person = ("5004", nhs(4), "Given4", "O’Family", "02 Mar 1960 00:00:00", "07700900004")
        self.file("tpp/SRPatient.csv", heading, person, quoted=True)
        self.file("tpp/SRAppointment.csv",
                  "RowIdentifier,IDPatient,DateStart,AppointmentStatus,RotaLocation,RemovedData",
                  *rows, quoted=True)  # fmt: skip

    def warehouse(self, visits: list[tuple[str, ...]], choices: list[tuple[str, ...]]) -> None:
        with sqlite3.connect(self.folder / "warehouse.db") as base:
            base.execute("DELETE FROM visit")
            base.execute("DELETE FROM choice")
            base.executemany("INSERT INTO visit VALUES (?, ?, ?, ?, ?)", visits)
            base.executemany("INSERT INTO choice VALUES (?, ?, ?, ?)", choices)
        base.close()

    def hospital(self, *visits: tuple[str, int, str]) -> None:
        self.visits = [
            {
                "resourceType": "Appointment", "id": key, "status": "booked", "start": start,
                "participant": [
                    {"actor": {"reference": f"Patient/p{n}"}, "status": "accepted"},
                    {"actor": {"reference": "Location/l1", "display": "Ward 9"}, "status": "accepted"},
                ],
            }
            for key, n, start in visits
        ]  # fmt: skip

    def answer(self, asked: Asked) -> Said | None:
        """The hospital's FHIR server."""
        found: list[dict[str, Any]] = []
        if asked.path == "/fhir/Patient":
            identifier = {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": nhs(6)}
            found = [{"resourceType": "Patient", "id": "p6", "identifier": [identifier],
                      "name": [{"family": "Family", "given": ["Given6"]}], "birthDate": "1960-03-02",
                      "telecom": [{"system": "phone", "use": "mobile", "value": "07700900006"}]}]  # fmt: skip
        if asked.path == "/fhir/Appointment":
            found = self.visits
        if "_summary" in asked.query:
            return Said({"resourceType": "Bundle", "type": "searchset", "total": len(found)})
        entries = [{"resource": each} for each in found]
        return Said({"resourceType": "Bundle", "type": "searchset", "entry": entries})


@pytest.fixture
def systems(tmp_path: Path, clock: FakeClock) -> Systems:
    (tmp_path / "out").mkdir()
    return Systems(tmp_path / "out", clock)


@pytest.fixture
def parts(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, systems: Systems
) -> Iterator[Wiring]:
    with standing_in(systems.answer) as server:
        chosen = {"home": tmp_path / "home", "phones": {"test_range": True},
                  "sources": systems.settings(server.url), "operator": "nia"}  # fmt: skip
        parts = Wiring(
            Settings.model_validate(chosen), sqlite_record, clock, Worker(tmp_path / "w")
        )
        parts.gateways[("sms", False)] = FakeGateway()
        install(sqlite_record, clock)
        seed_catalogue(sqlite_record, clock, TEMPLATES)
        use(parts)
        yield parts
        use(None)


def reminded(parts: Wiring) -> list[tuple[int, str]]:
    """The number of each patient whose message the gateway took, and the visit that it tells of."""
    query = (
        sa.select(patient.c.nhs_number, reminder.c.starts_at)
        .join(message, message.c.id == reminder.c.message_id)
        .join(patient, patient.c.id == message.c.patient_id)
        .where(message.c.state.in_(["accepted", "delivered"]))
    )
    numbers = {nhs(n): n for n in range(1, 9)}
    with parts.record.read() as connection:
        rows = connection.execute(query).all()
    gateway = parts.gateways[("sms", False)]
    assert sum(gateway.received.values()) == len(rows)  # type: ignore[attr-defined]  # it is ours
    return sorted((numbers[row[0]], f"{row[1]:%d %b %H:%M}") for row in rows)


def states(parts: Wiring) -> set[str]:
    with parts.record.read() as connection:
        return {run.state for run in last_runs(connection)}


def first_day(systems: Systems) -> None:
    slots = [("S1", 1, "2026-03-03", "09:30:00"), ("S2", 2, "2026-03-03", "10:00:00"),
             ("S3", 3, "2026-03-04", "10:00:00"), ("S4", 5, "2026-03-03", "15:00:00"),
             ("S5", 0, "2026-03-04", "16:00:00")]  # fmt: skip
    systems.emis(1, slots, out=(2,))
    systems.tpp(("900", "5004", "04 Mar 2026 11:00:00", "0", "Clinic B", "0"))
    systems.warehouse(
        [("w7", nhs(7), "2026-03-05 09:00:00", "booked", "Room 1")],
        [(nhs(5), "opted out", "sms", "2025-01-01")],
    )
    systems.hospital(("h6", 6, "2026-03-03T12:00:00Z"))


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_each_night_reminds_of_the_right_appointments_once_and_nobody_who_opted_out_anywhere(
    parts: Wiring, clock: FakeClock, systems: Systems
) -> None:
    first_day(systems)
    sync(SyncRequest())
    assert states(parts) == {"imported"}
    for _ in range(2):
        remind(ReminderRequest(days=2))
    first = [(1, "03 Mar 09:30"), (3, "04 Mar 10:00"), (4, "04 Mar 11:00"), (6, "03 Mar 12:00")]
    assert reminded(parts) == first

    clock.sleep(24 * 3600)
    # A slot given to another patient; one deleted without its patient and booked again; a move beyond the
    # days asked for; a move to another day; a cancellation and a booking for the same time under another id
    slots = [("S1", 1, "2026-03-03", "09:30:00"), ("S2", 2, "2026-03-03", "10:00:00"),
             ("S3", 1, "2026-03-04", "10:00:00"), ("S4", 5, "2026-03-03", "15:00:00"),
             ("S5", 2, "2026-03-04", "16:00:00")]  # fmt: skip
    systems.emis(2, slots, out=(2,))
    systems.tpp(
        ("900", "", "", "", "", "1"), ("901", "5004", "04 Mar 2026 11:00:00", "0", "Clinic C", "0")
    )
    systems.warehouse(
        [("w7", nhs(7), "2026-03-09 09:00:00", "booked", "Room 1")],
        [(nhs(5), "opted out", "sms", "2025-01-01")],
    )
    systems.hospital(("h6", 6, "2026-03-04T12:00:00Z"))
    sync(SyncRequest())
    for _ in range(2):
        remind(ReminderRequest(days=2))
    assert reminded(parts) == sorted([*first, (1, "04 Mar 10:00"), (6, "04 Mar 12:00")])


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_where_a_source_is_silent_the_others_are_imported_and_nobody_is_reminded_until_it_speaks(
    parts: Wiring, clock: FakeClock, systems: Systems
) -> None:
    """NEW-16: told in the run, and in the terminal; the next night goes on by itself."""
    first_day(systems)
    (systems.folder / "tpp" / "SRAppointment.csv").unlink()
    with pytest.raises(CohortError, match="no file SRAppointment"):
        sync(SyncRequest())
    assert states(parts) == {"imported", "failed"}
    with pytest.raises(CohortError, match="appointments of tpp were never imported"):
        remind(ReminderRequest(days=2))
    assert reminded(parts) == []
    first_day(systems)
    sync(SyncRequest(sources=["tpp"]))
    remind(ReminderRequest(days=2))
    assert len(reminded(parts)) == 4


def test_it_is_scheduled_before_the_reminders() -> None:
    """NEW-16: at night, never twice at once; the evening's reminders find it fresh."""
    file = yaml.safe_load((DEPLOYMENTS).read_text())
    hours = {}
    for name in ("sync", "remind"):
        (found,) = [one for one in file["deployments"] if one["name"].startswith(f"{name} (")]
        (schedule,) = found["schedules"]
        hours[name] = int(schedule["cron"].split()[1])
        assert found["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert hours["sync"] < hours["remind"]
    assert hours["remind"] - hours["sync"] < Settings().sync.reminder_hours

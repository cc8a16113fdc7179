"""The other systems of a practice, as they stand on a day: EMIS, SystmOne, a database, a FHIR server."""

from __future__ import annotations

import csv
import os
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.fakes import FakeClock
from tests.main_job import nhs
from tests.servers.stand_in import Asked, Said

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

    def places(self) -> Path:
        """The practice's sites, as EMIS exports them."""
        self.file(
            "sites.csv", "LocationGuid,LocationName,CloseDate", ("L-1", "Llanfair Surgery", "")
        )
        return self.folder / "sites.csv"

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


def second_day(systems: Systems) -> None:
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

"""
What a practice codes into EMIS or SystmOne by their own batch coding, without an interface (NEW-17).

One file for each SNOMED CT code and day: batch coding gives all patients of a file one code and one date. Of at
most 250 rows each, as batch lists take. Patients whose date of birth the record does not have are in files of
their own, of NHS numbers alone: an empty cell would be refused, or match nobody. Who is left out is counted by
why, and counts add up.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from itertools import islice
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import CohortRefused
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.record.database import Record
from clinic.record.private import close_folder, open_private
from clinic.record.schema.people import clinical_item, consent, patient
from clinic.values.snomed import check_snomed_codes

MOST_ROWS: Final = 250
_HEADINGS: Final = ("NHS Number", "Date of Birth")
# formats.md [A11]: a patient's decision about texts as general practice codes it
_DECISIONS: Final = {"opt_in": "699237001", "opt_out": "513631000000106"}
_MADE_HERE: Final = ("reply", "by_link", "staff", "telephone")
SUMMARY: Final = "summary.csv"


@dataclass(frozen=True)
class CodingFile:
    """One file to be coded: its name, the code and the day that all its patients get, and how many they are."""

    name: str
    code: str
    day: date
    rows: int


@dataclass(frozen=True)
class Coding:
    """
    The files, and who is in none of the campaign's codes, by why.

    rows: of the campaign's list; coded: those in the files of its codes. With `left_out` they add up
    """

    files: tuple[CodingFile, ...]
    rows: int
    coded: int
    left_out: Counter[str]


def write_coding(
    record: Record, campaign_id: int, folder: Path, *,
    zone: tzinfo, confirmed: Collection[str], codes: Sequence[str] = (),
) -> Coding:  # fmt: skip
    """
    Write the files and their summary into a folder of their own.

    Args:
        zone: by whose calendar a message is of a day
        confirmed: channels whose network confirms a delivery: what it has not confirmed yet is left out
        codes: instead of the campaign's own

    Raises:
        NotFound: there is no such campaign
        CohortRefused: it has no code, nothing of it was sent, or the folder has files already
    """
    if folder.exists() and any(folder.iterdir()):
        raise CohortRefused(
            "coding-folder-used",
            f"{folder} has files already, and old ones might be coded twice: name a new folder",
        )
    with record.read() as connection:
        own = get_campaign(connection, campaign_id)
        wanted = _codes(own, codes)
        days, left_out = _told(connection, own, zone, confirmed)
        decisions = _decided(connection, own, zone)
    coded = sum(len(people) for people in days.values())
    left_out["not sent, or not on a patient's record"] = own.rows - coded - left_out.total()
    close_folder(folder)
    lots = [(code, day, people) for code in wanted for day, people in sorted(days.items())]
    lots += [(code, day, people) for (code, day), people in sorted(decisions.items())]
    files = tuple(one for lot in lots for one in _write(folder, *lot))
    made = Coding(files, own.rows, coded, +left_out)
    _write_summary(folder, made)
    return made


def _codes(own: Campaign, codes: Sequence[str]) -> Sequence[str]:
    wanted = check_snomed_codes(codes) or (own.snomed_codes or "").split()
    if own.dry_run or not own.save_to_record:
        raise CohortRefused(
            "coding-not-saved",
            "nothing of this campaign is on a record: it was a dry run, or not to be saved",
        )
    if not wanted:
        raise CohortRefused(
            "coding-no-code", f"campaign {own.id} has no SNOMED CT code: name one with --code"
        )
    return wanted


_People = list[tuple[str, date | None]]
_Rows = Sequence[tuple[str, ...]]


def _told(
    connection: Connection, own: Campaign, zone: tzinfo, confirmed: Collection[str]
) -> tuple[dict[date, _People], Counter[str]]:
    """Whom the campaign reached, by the day it left; and how many were not, by why."""
    i, p = clinical_item.c, patient.c
    rows = connection.execute(
        sa.select(i.channel, i.status, i.sent_at, i.status_at, p.nhs_number, p.birth_date)
        .join(patient, p.id == i.patient_id)
        .where(i.campaign_id == own.id)
        .order_by(i.id)
    )
    days: dict[date, _People] = defaultdict(list)
    left_out: Counter[str] = Counter()
    for row in rows:
        why = _why_not(row.status, row.channel in confirmed, row.nhs_number)
        if why:
            left_out[why] += 1
            continue
        at = (row.sent_at or row.status_at).astimezone(zone)
        days[at.date()].append((row.nhs_number, row.birth_date))
    return days, left_out


def _why_not(status: str, is_confirmed: bool, nhs_number: str | None) -> str:
    if status == "kept":
        return "kept in the outbox, not sent"
    if status == "failed":
        return "sending failed"
    if status == "pending" and is_confirmed:
        return "no delivery receipt yet"
    return "" if nhs_number else "no NHS number on the record"


def _decided(
    connection: Connection, own: Campaign, zone: tzinfo
) -> dict[tuple[str, date], _People]:
    """What its patients decided about texts since it left, the latest of each: by code and day."""
    c, i, p = consent.c, clinical_item.c, patient.c
    told = sa.select(i.patient_id).where(i.campaign_id == own.id, i.channel == "sms")
    rows = connection.execute(
        sa.select(c.decision, c.decided_at, p.nhs_number, p.birth_date, p.id)
        .join(patient, p.id == c.patient_id)
        .where(
            c.patient_id.in_(told),
            c.source.in_(_MADE_HERE),
            c.channel.in_(("sms", "any")),
            c.purpose == "any",
            c.decided_at >= (own.released_at or own.created_at),
            p.nhs_number.is_not(None),
        )
        .order_by(c.decided_at, c.id)
    )
    latest = {row.id: row for row in rows}
    found: dict[tuple[str, date], _People] = defaultdict(list)
    for row in latest.values():
        day = row.decided_at.astimezone(zone).date()
        found[_DECISIONS[row.decision], day].append((row.nhs_number, row.birth_date))
    return found


def _write(folder: Path, code: str, day: date, people: _People) -> Iterator[CodingFile]:
    known = [(nhs, f"{born:%d/%m/%Y}") for nhs, born in people if born]
    alone = [(nhs,) for nhs, born in people if not born]
    yield from _write_lot(folder, f"{code}-{day.isoformat()}", code, day, _HEADINGS, known)
    name = f"{code}-{day.isoformat()}-no-birth-date"
    yield from _write_lot(folder, name, code, day, _HEADINGS[:1], alone)


def _write_lot(
    folder: Path, start: str, code: str, day: date, headings: Sequence[str], rows: _Rows
) -> Iterator[CodingFile]:
    for number, part in enumerate(_parts(rows), start=1):
        name = f"{start}-{number}.csv"
        with open_private(folder / name, encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow(headings)
            writer.writerows(part)
        yield CodingFile(name, code, day, len(part))


def _parts(rows: _Rows) -> Iterator[_Rows]:
    left = iter(rows)
    while part := list(islice(left, MOST_ROWS)):
        yield part


def _write_summary(folder: Path, made: Coding) -> None:
    """Counts alone: what each file is, and who is in none."""
    with open_private(folder / SUMMARY, encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(("File", "SNOMED CT code", "Date to code", "Patients"))
        writer.writerows(
            (one.name, one.code, f"{one.day:%d/%m/%Y}", one.rows) for one in made.files
        )
        writer.writerow(())
        writer.writerow(("Rows of the list", "", "", made.rows))
        writer.writerow(("In the files of the campaign's codes", "", "", made.coded))
        writer.writerows(
            (f"Left out: {why}", "", "", n) for why, n in sorted(made.left_out.items())
        )

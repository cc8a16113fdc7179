"""
Appointments of another system, a row each: what a row says, before anybody looks at the record.

    Appointment ID, NHS Number, Date, Time, Status, Duration, Type, Place, Provider, Facility, Mode

A status that is missing or not known is never taken for booked. Times without an offset are of the practice's
time zone: the hour that the clock repeats in autumn is read as the first and said, one that it leaves out in
spring is no time. A day before 2000 or more than five years ahead is a mask, not a day.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from clinic.imports.appointments.starts import read_starts
from clinic.imports.formats import MASKED
from clinic.imports.kind import Kind
from clinic.imports.result import OTHER_ORGANISATION
from clinic.message.intake.says_no import says_yes
from clinic.values.dates import Order

KIND: Final = Kind(
    "appointments",
    "Appointments, a row each.",
    {
        "key": ("Appointment ID", "Appointment Identifier", "Slot ID", "Slot Guid", "Appt Guid", "Appt ID",
                "Booking ID", "External ID", "Row Identifier"),
        "date": ("Appointment Date", "Date Start", "Start Date", "Appt Date", "Appointment Date Time", "Start",
                 "Start Date Time", "Appointment DTTM", "Date"),
        "time": ("Appointment Time", "Appointment Start Time", "Start Time", "Appt Time", "Time"),
        "status": ("Appointment Status", "Slot Status", "Status", "Appt Status", "Appointment Status Code"),
        "deleted": ("Deleted", "Removed Data", "Data Update Status"),
        "cancelled": ("Date Appointment Cancelled", "Cancelled Date Time", "Cancel DTTM", "Cancelled Date",
                      "Cancelled On", "Cancellation Date", "Date Cancelled", "Cancelled"),
        "no_show": ("Did Not Attend",),
        "left": ("Left Time",),
        "arrived": ("Send In Time",),
        "blocked": ("Is Blocked",),
        "minutes": ("Duration", "Planned Duration In Minutes", "Duration Minutes", "Length", "Minutes"),
        "visit_type": ("Appointment Type", "Slot Type", "Appt Type", "Reason", "Visit Type", "Type"),
        "mode": ("Mode", "Mode Of Contact", "Contact Mode", "Delivery Mode"),
        "place": ("Place", "Room", "Location", "Location Name", "Rota Location", "Clinic"),
        "provider": ("Provider Code", "Provider", "Clinician Code", "Clinician"),
        "facility": ("Facility Code", "Facility", "Site Code", "Site"),
    },
    (("nhs_number", "local_id"), ("date",), ("status", "no_show")),
)  # fmt: skip
# Words of statuses → ours (data-in.md: EMIS, SystmOne, FHIR, NHS codes); punctuation and case do not count
_STATUSES: Final = {
    "booked": "booked", "confirmed": "booked", "scheduled": "booked", "slot booked": "booked",
    "arrived": "arrived", "checked in": "arrived", "sent in": "arrived",
    "send in": "arrived", "in progress": "started", "started": "started",
    "fulfilled": "finished", "finished": "finished", "left": "finished", "completed": "finished",
    "attended": "finished", "seen": "finished", "visited and seen": "finished", "patient left": "finished",
    "cancelled": "cancelled", "canceled": "cancelled", "cancelled by patient": "cancelled",
    "cancelled by unit": "cancelled", "cancelled by practice": "cancelled", "deleted": "cancelled",
    "no show": "no_show", "noshow": "no_show", "dna": "no_show", "did not attend": "no_show",
}  # fmt: skip
# Columns that say it without a word, the surest first; 00:00:00 is a time too: that somebody came is said
_SIGNS: Final = (("no_show", "no_show"), ("left", "finished"), ("arrived", "arrived"))
_NO: Final = ("", "0", "false", "no", "n")
_DELETED: Final = ("1", "true", "yes", "y", "d", "deleted")
_MODES: Final = {
    "in person": "in_person", "face to face": "in_person", "f2f": "in_person", "surgery": "in_person",
    "telephone": "telephone", "phone": "telephone", "video": "video", "online": "video",
}  # fmt: skip
_LENGTH: Final = re.compile(r"(\d{1,4})(?:\.0+)?\s*(?:m|min|mins|minutes)?", re.ASCII)
_NOT_A_WORD: Final = re.compile(r"[\W_]+")

LONGEST_ID: Final = 120
_LONGEST_TYPE: Final = 80  # longer ones are no type, and are left as they were
REMARKS: Final = (
    "hour_repeated",
    "length_unclear",
    "type_too_long",
    "mode_unclear",
    "slot_blocked",
)
# Which an empty cell takes away in a source that owns its columns; id, patient, day and status never
OWNED: Final = ("minutes", "visit_type", "mode", "place", "provider", "facility")
_TEXTS: Final = ("visit_type", "place", "provider", "facility")

# Each row ends with one of these
SAYS: Final = {
    "added": "An appointment that the record did not have.",
    "booked_again": "A new booking of a patient of whom another one is cancelled in the same import: one move, "
    "not a new visit.",
    "replaced": "An appointment that is cancelled now, of a patient who is booked again in the same import: "
    "one move.",
    "moved": "An appointment that is at another time now: it is reminded of at its new time.",
    "changed": "An appointment of which something else changed: its state, length, place or provider.",
    "cancelled": "An appointment that is cancelled now: nobody is reminded of it.",
    "unchanged": "An appointment that the record has as the file says.",
    "repeated": "The same appointment, said the same way, stands in an earlier row.",
    "contradicts": "Rows with one appointment's id say different things: none of them is taken. Export the "
    "file again, or keep one row for each.",
    "not_here": "An appointment that is over or cancelled, and that the record never had: nothing is to do.",
    "slot_free": "A slot without a patient, which nobody had: nothing is to do.",
    "status_unknown": "The status is missing or not a word that is known, so that it is not taken for "
    "booked: what the record has stays as it is. The words are in docs/data.md.",
    "start_invalid": "Day or time cannot be read, or no such time exists. Nothing is changed.",
    "patient_not_found": "Nobody in the record has this id: nothing is added. Import the patient first.",
    "ids_differ": "The NHS number and the practice's id are of two patients, or one is of nobody. Nothing is "
    "changed: find out who is meant.",
    "nhs_number_missing": "The row has no patient and no appointment's id.",
    "nhs_number_invalid": "The NHS number is not one, its check digit is wrong. Nothing is changed.",
    "other_organisation": OTHER_ORGANISATION,
    "id_too_long": "The appointment's id has more than 120 characters: nothing is changed. Is it the right "
    "column?",
    "unreadable_row": "More or fewer cells than the heading: nothing is changed. Fix the row in the file.",
}  # fmt: skip
PROBLEMS: Final = frozenset(
    "contradicts status_unknown start_invalid patient_not_found ids_differ nhs_number_missing "
    "nhs_number_invalid other_organisation id_too_long unreadable_row".split()
)


def read_appointments(
    given: pd.DataFrame,
    *,
    now: datetime,
    zone: str,
    order: Order,
    slots: bool = False,
    owned: bool = False,
) -> pd.DataFrame:
    """
    What the rows of a block say.

    Args:
        given: our fields as columns, cells stripped, "" where there is none
        order: of day and month, as the whole column proves it
        slots: rows are slots: one with a patient, and no sign of more, is booked
        owned: an empty cell of these columns takes away what the record has

    Returns:
        same index: `key`; `starts_at` aware (NaT: cannot be read); `status` ("": not known); `minutes`
        Int64; `visit_type`, `mode`, `place`, `provider`, `facility` as texts, "" where nothing is said; and, as
        remarks, the columns of REMARKS; `no_minutes`, `no_place` …: whether that is taken away
    """
    rows = pd.DataFrame(index=given.index)
    rows["key"] = given["key"] if "key" in given else ""
    times = given["time"] if "time" in given else None
    rows["starts_at"], rows["hour_repeated"] = read_starts(
        given["date"], times, today=now.date(), zone=zone, order=order
    )
    rows["status"] = _status(given, slots=slots)
    if (
        "deleted" in given
    ):  # the row left the source, sometimes without its patient: known by its id
        rows["status"] = rows["status"].mask(
            given["deleted"].str.lower().isin(_DELETED), "cancelled"
        )
    # A patient who is booked into it is expected all the same, and the practice is told
    shut = _is_set(given["blocked"]) if "blocked" in given else pd.Series(False, given.index)
    rows["slot_blocked"] = shut & (rows["status"] == "booked") & _has_patient(given)
    rows["minutes"], rows["length_unclear"] = _minutes(given)
    for name in _TEXTS:
        rows[name] = given[name] if name in given else ""
    long = rows["visit_type"].str.len() > _LONGEST_TYPE
    rows["visit_type"], rows["type_too_long"] = rows["visit_type"].mask(long, ""), long
    said = given["mode"] if "mode" in given else pd.Series("", given.index, dtype="str")
    rows["mode"] = _each(said, lambda text: _MODES.get(_word(text), ""))
    rows["mode_unclear"] = (said != "") & (rows["mode"] == "")
    for name in OWNED:  # a row that is taken out of its source has empty cells, which say nothing
        taken = owned and name in given
        rows[f"no_{name}"] = (
            (given[name] == "") & (rows["status"] != "cancelled") if taken else False
        )
    return rows


def _status(given: pd.DataFrame, *, slots: bool) -> pd.Series[str]:
    """
    The state: what a column of its own says (did not attend, left, sent in), else the word; "": not known.
    One that has a day of cancellation is not booked, whatever the word.

    In an extract of slots that has all of these columns an empty word is no doubt: whose slot it is, is booked.
    """
    said = given["status"] if "status" in given else pd.Series("", given.index, dtype="str")
    status = _each(said, lambda text: _STATUSES.get(_word(text), ""))
    there = [(name, means) for name, means in _SIGNS if name in given]
    if slots and len(there) == len(_SIGNS):
        status = status.mask(said == "", "booked")
    if "cancelled" in given:  # who came all the same, or did not, is known better than by it
        called_off = _each(given["cancelled"], _is_called_off) == "1"
        status = status.mask(called_off & status.isin(["", "booked"]), "cancelled")
    for name, means in reversed(there):
        status = status.mask(_is_set(given[name]), means)
    return status


def _is_called_off(text: str) -> str:
    """A day, a time or yes; no mask of a day, and no other word: "xxxx" and "N/A" are written for none."""
    said = says_yes(text)
    a_day = any(map(str.isdigit, text)) and not MASKED.fullmatch(text)
    return "1" if said is not False and (a_day or (said and not MASKED.fullmatch(text))) else ""


def _has_patient(given: pd.DataFrame) -> pd.Series[bool]:
    return (given["nhs_number"] != "") | (given["local_id"] != "")


def _is_set(cells: pd.Series[str]) -> pd.Series[bool]:
    return ~cells.str.lower().isin(_NO)


def _word(text: str) -> str:
    return _NOT_A_WORD.sub(" ", text.lower()).strip()


def _each(texts: pd.Series[str], read: Callable[[str], str]) -> pd.Series[str]:
    """What each of a column's distinct texts is read as."""
    codes, distinct = pd.factorize(texts.to_numpy(dtype=object))
    found = np.array([read(str(text)) for text in distinct], dtype=object)
    return pd.Series(found[codes], texts.index, dtype="str")


def _minutes(given: pd.DataFrame) -> tuple[pd.Series[int], pd.Series[bool]]:
    """Whole minutes, "20", "20.0" or "20 min"; a length of none, or of more than a day, is not understood."""
    if "minutes" not in given:
        return pd.Series(pd.NA, given.index, dtype="Int64"), pd.Series(False, given.index)
    text = _each(given["minutes"], _length)
    minutes = pd.to_numeric(text, errors="coerce").astype("Int64")
    minutes = minutes.where(minutes.between(1, 1440))
    return minutes, (given["minutes"] != "") & minutes.isna()


def _length(text: str) -> str:
    found = _LENGTH.fullmatch(text.lower())
    return found[1] if found else ""

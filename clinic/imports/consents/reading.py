"""
Opt-outs and consents of another system: a row a decision, or a code, or a patient with a column a channel.

    Decision, Channel, Purpose, Date      "opted out", sms, feedback, 3 March 2025
    Code, Date                            513631000000106 (formats.md, SMS consent codes)
    SMS Consent, Email Declined …         yes or no

**Opt-out wins on doubt.** Where its channel, purpose or date is not understood it counts for all channels, for
all purposes, from now on; a consent that is not understood, or has no date, lifts nothing. Of one day without
times the opt-out counts. Of a patient's decisions the latest counts, wherever it is from, so that a consent
lifts only what is older than it (ARC-11).

**A consent that has an end, has ended or was taken out of the other system lifts nothing** ("consent ended", a
column with its end, "Deleted"): nobody looks again on that day. What an import noted of it earlier is taken
back (clinic/imports/consents/ended.py).

**What lies ahead is read again.** An opt-out from Monday on, or of a day that is not over, says something else
when that comes: `again` is when.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd

from clinic.cohort.consent_codes import CODES
from clinic.imports.consents.rounded import rounded_code
from clinic.imports.kind import Kind
from clinic.imports.left import HEADINGS, has_left
from clinic.imports.result import OTHER_ORGANISATION
from clinic.values.dates import INVALID, Order, read_dates
from clinic.values.purposes import ANY, KNOWN

OUT, IN, ENDED = "opt_out", "opt_in", "ended"
# An opt-out counts for everybody whom it may be of
ID_OF_NOBODY: Final = "id_of_nobody"
IDS_OF_TWO: Final = "ids_of_two"
KIND: Final = Kind(
    "consents",
    "Opt-outs and consents, a row a decision, a code or a patient.",
    {
        "decision": ("Decision", "Consent Decision", "Consent Status", "Opt Out Status", "Preference"),
        "channel": ("Channel", "Contact Method", "Communication Channel", "Method"),
        "purpose": ("Purpose", "Reason", "Message Type", "Consent Type"),
        "code": ("Code", "SNOMED Code", "SNOMED CT Code", "Concept ID", "Read Code", "Code ID"),
        "date": ("Date", "Decision Date", "Date Recorded", "Effective Date", "Date Event",
                 "Consent Date", "Opt Out Date", "Opted Out On", "Recorded"),
        "time": ("Time", "Decision Time", "Time Recorded"),
        "ends": ("End Date", "Consent End Date", "Date Ended", "Ended", "Valid Until", "Valid To", "Expires",
                 "Expiry", "Expiry Date", "Consent Expiry", "Consent Expiry Date"),
        "deleted": HEADINGS,
        "sms_consent": ("SMS Consent", "Text Consent", "Mobile Consent", "Permission To Send SMS"),
        "email_consent": ("Email Consent", "E-mail Consent"),
        "voice_consent": ("Voice Consent", "Phone Consent", "Call Consent"),
        "sms_declined": ("SMS Declined", "SMS Dissent", "SMS Opt Out", "Text Declined", "Do Not Text"),
        "email_declined": ("Email Declined", "Email Dissent", "Email Opt Out", "Do Not Email"),
        "voice_declined": ("Voice Declined", "Phone Declined", "Call Opt Out", "Do Not Call"),
    },
    (
        ("nhs_number", "local_id"),
        ("decision", "code", "sms_consent", "email_consent", "voice_consent", "sms_declined",
         "email_declined", "voice_declined"),
    ),
)  # fmt: skip
_PLAIN_NO: Final = frozenset({"no", "n", "0", "false"})
_NO: Final = frozenset(
    {
        *_PLAIN_NO, "out", "opt-out", "optout", "opted-out", "opt_out", "opt out", "opted out", "declined",
        "decline", "dissent", "dissented", "refused", "refuse", "objects", "objected", "objection",
        "unsubscribed", "unsubscribe", "stop", "stopped", "withdrawn", "withdraw", "denied",
        "consent withdrawn", "consent refused", "consent declined", "no consent",
    }
)  # fmt: skip
_YES: Final = frozenset(
    {
        "yes", "y", "1", "true", "in", "opt-in", "optin", "opted-in", "opt_in", "opt in", "opted in", "consent",
        "consented", "consents", "consent given", "accepted", "accepts", "given", "granted", "agreed",
        "subscribed", "subscribe", "start",
    }
)  # fmt: skip
_OVER: Final = frozenset(
    {"ended", "expired", "lapsed", "consent ended", "consent expired", "consent lapsed"}
)
_CHANNELS: Final = {
    "sms": "sms", "text": "sms", "texts": "sms", "text message": "sms", "mobile": "sms",
    "email": "email", "e-mail": "email", "emails": "email",
    "voice": "voice", "phone": "voice", "call": "voice", "telephone": "voice", "calls": "voice",
    "any": ANY, "all": ANY, "": ANY, "every": ANY, "all channels": ANY,
}  # fmt: skip
_MOMENTS: Final = ("begin", "end", "since", "again")
_AHEAD: Final = timedelta(days=3660)  # further ahead is no day that somebody meant
_TIME: Final = re.compile(r"^(.*\S)[T ,]+(\d{1,2}:\d\d(?::\d\d)?)(?:\.\d+)?\s*$")

# Each row ends with one of these, or with whose it is not (who.py)
SAYS: Final = {
    "noted": "A decision that the record did not have.",
    "partly_noted": "A decision was noted, and another column is not understood: nothing of that is. Fix the "
    "word in the source.",
    "unchanged": "A decision that the record has already.",
    "widened": "An opt-out whose channel, purpose, code or date is not understood: it counts for all channels, "
    "for all purposes, from now on. Correct the word in the source if less was meant.",
    "consent_undated": "A consent without a date: nobody can tell whether it is later than an opt-out. Nothing "
    "is lifted; note by hand what is known: cohort objection PATIENT --purpose PURPOSE --lift.",
    "consent_unclear": "A consent whose channel, purpose, code or date is not understood. Nothing is lifted: "
    "correct the word in the source, or note it: cohort objection PATIENT --purpose PURPOSE --lift.",
    "consent_ended": "A consent that has an end, has ended or was taken out there, by this row or another one: "
    "it lifts nothing, and what an import noted of it is taken back. Where the patient consents without an "
    "end, note it: cohort objection PATIENT --purpose PURPOSE --lift.",
    "decision_unclear": "Neither yes nor no: nothing is noted. Write 'opted out' or 'consented'.",
    "decision_missing": "Nothing is said of consent in this row.",
    "patient_not_found": "Nobody in the record has this id: nothing is noted. Import the patient first.",
    ID_OF_NOBODY: "An opt-out by two ids of which one is of nobody, or is no NHS number: it counts for the "
    "patient whose the other is. Find out who is meant, and correct the id.",
    IDS_OF_TWO: "An opt-out by the ids of two patients: it counts for both. Find out who is meant, correct the "
    "id, and lift it of the other: cohort objection PATIENT --purpose PURPOSE --lift.",
    "ids_differ": "The NHS number and the practice's id are of two patients, or one is of nobody, and the row "
    "is no opt-out: nothing is noted; of a consent that has ended, what an import noted of either is taken "
    "back. Find out who is meant.",
    "nhs_number_missing": "The row has no id.",
    "nhs_number_invalid": "The NHS number is not one, its check digit is wrong: nothing is noted.",
    "other_organisation": OTHER_ORGANISATION,
    "unreadable_row": "More or fewer cells than the heading: nothing is noted. Fix the row in the file.",
}

# Rows that said something which was not noted
PROBLEMS: Final = frozenset(
    "consent_undated consent_unclear decision_unclear patient_not_found ids_differ id_of_nobody ids_of_two "
    "nhs_number_missing "
    "nhs_number_invalid unreadable_row other_organisation widened partly_noted".split()
)


def read_decisions(given: pd.DataFrame, *, now: datetime, zone: str, order: Order) -> pd.DataFrame:
    """
    What the rows of a block say.

    Args:
        given: our fields as columns, cells stripped, "" where there is none
        order: of day and month, as the whole column proves it

    Returns:
        a row a decision: `row` (index of its row), `channel`, `purpose`, `decision`, `code` ("" if none),
        `decided_at` aware (NaT: not said; of an opt-out and of what has ended the last moment that is meant),
        `since`: the first moment that is meant, `again`: when an opt-out is to be read again (NaT: never),
        `fault`: "" or one of SAYS that notes nothing, or `widened`; `unclear`: a word of it is not understood
    """
    parts = [
        _wide(given, name) for name in given.columns if name.endswith(("_consent", "_declined"))
    ]
    if "code" in given:
        parts.append(_coded(given))
    if "decision" in given:
        parts.append(_said(given, coded="code" in given))
    found = pd.concat(parts).sort_index(kind="stable")
    dates = _dates(given, now=now, zone=zone, order=order).reindex(found.index)
    found["row"] = found.index
    found = found.reset_index(drop=True)
    dates = dates.reset_index(drop=True)
    over = has_left(given)  # of an opt-out nothing is lifted by it
    if "ends" in given:
        over |= given["ends"] != ""
    is_over = over.reindex(found["row"]).to_numpy(dtype=bool)
    found["decision"] = found["decision"].mask(is_over & (found["decision"] == IN), ENDED)
    out, ended = (found["decision"] == word for word in (OUT, ENDED))
    found["decided_at"] = dates["end"].where(out | ended, dates["begin"])
    found["since"] = dates["since"].fillna(found["decided_at"])
    found["again"] = dates["again"].where(out)
    unclear = found["unclear"] | dates["fault"]
    found["fault"] = ""
    known = found["decision"] != ""
    found.loc[~known, "fault"] = "decision_unclear"
    found.loc[known & ~out & dates["begin"].isna(), "fault"] = "consent_undated"
    found.loc[known & ~out & unclear, "fault"] = "consent_unclear"
    found.loc[out & unclear, "fault"] = "widened"
    found.loc[ended, "fault"] = "consent_ended"
    found.loc[out & dates["fault"], "decided_at"] = pd.NaT
    return found


def _wide(given: pd.DataFrame, name: str) -> pd.DataFrame:
    """A column a channel: yes to consent is an opt-in, yes to declined an opt-out."""
    channel, _, what = name.partition("_")
    cells = given.loc[given[name] != "", name]
    said = cells.map(_decision)
    if what == "declined":
        said = said.map({OUT: "", IN: OUT, "": "", ENDED: ""})
        said = said.mask(cells.str.lower().isin(_PLAIN_NO), "no")
    frame = _frame(cells.index, channel, ANY, said)
    return frame[frame["decision"] != "no"]  # "Declined: no" decides nothing


def _coded(given: pd.DataFrame) -> pd.DataFrame:
    """Of codes for anything else nothing is said here; one that a spreadsheet has rounded is a doubt."""
    codes = given["code"].str.rstrip(".")
    codes = codes[codes.isin(list(CODES))]
    frame = _frame(codes.index, "sms", ANY, codes.map(lambda code: CODES[code][0]))
    frame["purpose"] = codes.map(lambda code: CODES[code][1])
    frame["code"] = codes
    rounded = given["code"].map(rounded_code)
    rounded = rounded[rounded != ""]
    doubtful = _frame(rounded.index, ANY, ANY, rounded.map(lambda code: CODES[code][0]))
    return pd.concat([frame, doubtful.assign(unclear=True)])


def _said(given: pd.DataFrame, *, coded: bool) -> pd.DataFrame:
    which = given["decision"] != ""
    if coded:
        which &= ~given["code"].str.rstrip(".").isin(list(CODES))
    rows = given[which]
    frame = _frame(rows.index, ANY, ANY, rows["decision"].map(_decision))
    if "channel" in rows:
        named = rows["channel"].str.lower().map(_CHANNELS)
        frame["unclear"] |= named.isna()
        frame["channel"] = named.fillna(ANY)
    if "purpose" in rows:
        words = rows["purpose"].str.lower().str.replace(r"[\s-]+", "_", regex=True)
        words = words.replace({"": ANY, "all": ANY})
        frame["unclear"] |= ~words.isin(KNOWN)
        frame["purpose"] = words.where(words.isin(KNOWN), ANY)
    return frame


def _frame(index: pd.Index[int], channel: str, purpose: str, said: pd.Series[str]) -> pd.DataFrame:
    frame = pd.DataFrame({"decision": said.astype("str")}, index=index)
    frame["channel"], frame["purpose"], frame["code"], frame["unclear"] = (
        channel,
        purpose,
        "",
        False,
    )
    return frame


def is_over(word: str) -> bool:
    """Whether a cell says of a consent that it has ended."""
    return _decision(word) == ENDED


def _decision(word: str) -> str:
    plain = " ".join(word.lower().split())
    return OUT if plain in _NO else IN if plain in _YES else ENDED if plain in _OVER else ""


def _dates(given: pd.DataFrame, *, now: datetime, zone: str, order: Order) -> pd.DataFrame:
    """
    `begin` and `end` of what is known of the moment, aware, NaT where nothing is; `fault`: no date.

    `since`: from when on an opt-out that was noted is this one; `again`: when more is known, NaT: never.
    """
    result = pd.DataFrame({"fault": False}, index=given.index)
    for name in _MOMENTS:
        result[name] = pd.Series(pd.NaT, given.index, dtype="datetime64[us, UTC]")
    if "date" not in given:
        return result
    split = given["date"].str.extract(_TIME)
    days = split[0].fillna(given["date"])
    times = split[1].fillna(given["time"] if "time" in given else "").fillna("")
    today = now.astimezone(ZoneInfo(zone)).date()
    read = read_dates(days, today=today, order=order, settled=True)
    result["fault"] = (read["fault"] == INVALID).to_numpy(dtype=bool)
    # Few are distinct: each is made once
    pairs = pd.MultiIndex.from_arrays([read["date"].to_numpy(), times.to_numpy(dtype=object)])
    codes, distinct = pd.factorize(pairs)
    moments = [
        _moment(day.date(), said, ZoneInfo(zone), now)
        if pd.notna(day)
        else (pd.NaT,) * len(_MOMENTS)
        for day, said in distinct
    ]
    for place, name in enumerate(_MOMENTS):
        made = pd.Series([moment[place] for moment in moments], dtype=object)
        each = pd.to_datetime(made, utc=True)
        result[name] = each.astype("datetime64[us, UTC]").iloc[codes].array
    ahead = result["fault"] & (days.fillna("") != "")
    if ahead.any():
        result.loc[ahead, "again"] = _days_ahead(days[ahead], today, zone, order)
    return result


def _days_ahead(
    days: pd.Series[str], today: date, zone: str, order: Order
) -> pd.Series[pd.Timestamp]:
    """When the days begin that are to come; NaT of what is no day."""
    read = read_dates(days, today=today + _AHEAD, order=order, settled=True)
    found = [
        datetime.combine(day.date(), time(0), ZoneInfo(zone)).astimezone(UTC)
        if pd.notna(day) and day.date() > today
        else pd.NaT
        for day in read["date"]
    ]
    begin = pd.to_datetime(pd.Series(found, dtype=object), utc=True)
    return pd.Series(begin.astype("datetime64[us, UTC]").array, index=days.index)


def _moment(day: date, said: str, zone: ZoneInfo, now: datetime) -> tuple[object, ...]:
    """
    The first and the last instant that are meant: of a day without a time, all of it; none is to come.

    And from when on an opt-out is this one, and when more is known.
    """
    first, last = time(0), time(23, 59, 59)
    if re.fullmatch(r"\d{1,2}:\d\d(:\d\d)?", said.strip()):
        parts = [int(part) for part in said.strip().split(":")]
        if (
            parts[0] < 24 and max(parts[1:]) < 60 and any(parts)
        ):  # 00:00:00 is written for: not known
            first = last = time(parts[0], parts[1], parts[2] if len(parts) > 2 else 0)
    begin, end = (datetime.combine(day, at, zone).astimezone(UTC) for at in (first, last))
    since = begin if begin <= now else datetime.combine(day, time(0), zone).astimezone(UTC)
    again = next((at for at in (begin, end) if at > now), pd.NaT)
    return min(begin, now), min(end, now), min(since, now), again

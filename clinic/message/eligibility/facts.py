"""
The facts by which a row is judged: one frame of errors and flags for
`data_checks.eligibility.eligibility.screen`.

Facts only: which of them leaves somebody out, and in what order, is data_checks' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.rows import CORRECTION, FALLBACK, ListSource, match_patients
from clinic.govern.restricted import all_restricted
from clinic.govern.tied import kept_from
from clinic.message.audience.outside import outside_of
from clinic.message.eligibility.consenting import without_consent
from clinic.message.eligibility.contact import is_capped, likely_to_fail, recently_contacted
from clinic.message.eligibility.decisions import refused
from clinic.message.eligibility.held import held
from clinic.message.eligibility.names import NAME_FIELDS, unlike_names
from clinic.message.eligibility.numbers import DIFFERS, compare_numbers
from clinic.message.eligibility.readdress import OF_PROXY
from clinic.message.eligibility.safe_contact import read_safe_contact
from clinic.message.eligibility.same_text import had_the_same
from clinic.message.eligibility.suppress import opt_outs
from clinic.message.fallback.proof import first_ways
from clinic.message.intake.says_no import read_says_no
from clinic.message.needs.judge import judge_needs, read_needs
from clinic.record.bulk import given_ids, is_any_of, plain_rows
from clinic.record.schema.messages import message, recipient
from clinic.record.schema.people import consent
from clinic.settings import Contact, Settings
from clinic.values.dates import read_dates
from clinic.values.nhs_number import judge_nhs_numbers
from clinic.values.organisations import foreign_codes
from clinic.values.phone import judge_for


@dataclass(frozen=True)
class Question:
    """For which campaign rows are judged."""

    campaign_id: int
    channel: str
    purpose: str
    today: date
    now: datetime | None = None  # to tell who was contacted lately; None: nobody was
    template_version_id: int | None = None  # to tell whom it is for; None: everybody
    by: str = ""  # who asks, and may be tied to facilities (clinic/govern/tied.py)


def facts_of(
    connection: Connection,
    source: ListSource,
    rows: pd.DataFrame,
    *,
    question: Question,
    settings: Settings,
) -> pd.DataFrame:
    """
    Everything that the rules need to know of these rows.

    Args:
        rows: as `read_rows` gives them, in the list's order

    Returns:
        same index; the columns that `data_checks.eligibility.eligibility.screen` names, less those a template
        decides (`variable_missing`); `address`: E.164 or e-mail, "" where there is none;
        `address_kind`: what exactly is wrong with a number (clinic/values/phone_kinds.py);
        `number_differs`: the record has another number than the list, and nobody has the list's;
        `evidence`: which decision is an opt-out ("consent 12", "reply 5"), else ""; `hold`: what a reply
        holds back ("held 3"), else ""; and
        `record_version`: of the patient whose record has that address, Int64; empty: it is the list's own
    """
    ids = judge_nhs_numbers(rows["nhs_number"])
    known = match_patients(connection, source, rows, ids["nhs_number"])
    facts = pd.DataFrame(index=rows.index)
    facts["unreadable"] = rows["unreadable"]
    facts["other_organisation"] = _of_another(source, rows, settings.organisation.codes)
    facts["nhs_number_fault"] = "" if source.from_record else ids["fault"]
    facts["has_other_id"] = (rows["local_id"] != "") & (
        settings.organisation.id_scheme == "generic"
    )
    if source.source == "ids":
        facts["has_other_id"] = True
    facts["ids_contradict"] = known["disputed"]
    facts["patient_id"] = known["id"]
    facts["register_optional"] = _need_no_record(source, ids, known, question, settings)
    _judge_birth_dates(facts, source, rows, known, question.today)
    _judge_standing(facts, known, settings, question.today)
    # What failed is sent again to what the record says now: somebody may have corrected it (PAT-23)
    again = source.source in ("resend", FALLBACK)
    record_first = settings.organisation.address_from == "record" or again
    # A correction goes to the address of then, whatever the record says; not past a safe number
    is_correction = source.source == CORRECTION
    safe = read_safe_contact(
        connection, known["id"], question.channel, settings.contact.restricted_tags
    )
    facts["no_contact"] |= safe["restricted"]
    others = kept_from(connection, question.by, known["id"].dropna().astype(int).unique().tolist())
    facts["other_facility"] = known["id"].isin(others).to_numpy(dtype=bool)
    facts["restricted"] = known["id"].isin(all_restricted(connection)).to_numpy(dtype=bool)
    recorded = known[_address_field(question.channel)].fillna("").astype("str")
    _judge_addresses(
        facts, rows, known, recorded, settings, question.channel,
        record_first=record_first and not is_correction, safe=safe["number"],
    )  # fmt: skip
    if is_correction:
        facts.loc[safe["number"] == "", "record_version"] = pd.NA
    _compare(connection, facts, source, rows, known, recorded, settings, question.channel)
    # The list's number is not used there: what is said of it would show that another is
    facts.loc[safe["number"] != "", ["number_of_another", DIFFERS]] = False
    # A number that is safe goes before a proxy's; a correction goes to the address of then
    kept = (safe["number"] != "") | is_correction
    _see_needs(connection, facts, known, question, settings, kept)
    facts["list_says"] = _says_no(source, rows, question.channel)
    _stand_in_for_unregistered(facts, ids["nhs_number"])
    facts["evidence"] = _evidence(connection, facts, question)
    facts["opted_out"] = facts["evidence"] != ""
    facts["no_consent"] = without_consent(
        connection, facts["patient_id"], question.channel, question.purpose
    )
    facts["hold"] = held(connection, facts)
    facts["held"] = facts["hold"] != ""
    facts["outside"] = outside_of(
        connection, question.template_version_id, facts["patient_id"], question.today
    )
    facts["duplicate_of"] = pd.array([pd.NA] * len(facts), dtype="Int64")
    contacted = _contacted(connection, facts["patient_id"])
    facts["had_this_lately"] = _had_this(connection, facts, contacted, question, settings.contact)
    facts["recently_contacted"] = _had_enough(
        connection, facts, contacted, question, settings.contact
    )
    if is_correction:  # which is due to whoever got the error
        facts[["had_this_lately", "recently_contacted"]] = False
    facts["likely_to_fail"] = _likely_to_fail(
        connection, facts, contacted, question, settings.contact
    )
    return facts


def _of_another(source: ListSource, rows: pd.DataFrame, codes: Sequence[str]) -> pd.Series[bool]:
    """Which rows name an organisation whose patients this installation may not hold."""
    place = source.fields.get("organisation_code")
    if not codes or place is None or source.from_record:
        return pd.Series(False, index=rows.index)
    given = pd.Series([cells[place] for cells in rows["cells"]], rows.index, dtype="str")
    return foreign_codes(given, codes)


def _need_no_record(
    source: ListSource,
    ids: pd.DataFrame,
    known: pd.DataFrame,
    question: Question,
    settings: Settings,
) -> pd.Series[bool]:
    """
    ACX-21: which rows may be messaged without a record: with the setting, of a list that has NHS number,
    date of birth and address, where the NHS number is right and no other id means somebody else.
    """
    if source.source == CORRECTION:  # they were messaged before
        return ids["nhs_number"] != ""
    needed = {"nhs_number", "birth_date", _address_field(question.channel)}
    may = settings.organisation.message_unregistered and needed <= source.fields.keys()
    return (ids["nhs_number"] != "") & ~known["disputed"] & may


def _judge_birth_dates(
    facts: pd.DataFrame,
    source: ListSource,
    rows: pd.DataFrame,
    known: pd.DataFrame,
    today: date,
) -> None:
    """A list without the column says nothing; a list with it must agree with the record."""
    if "birth_date" not in source.fields:
        facts["birth_date_fault"] = ""
        facts["birth_date_differs"] = False
        return
    given = read_dates(rows["birth_date"], today=today, order=source.date_order, settled=True)
    recorded = pd.to_datetime(known["birth_date"], errors="coerce")
    facts["birth_date_fault"] = given["fault"]
    both = given["date"].notna() & recorded.notna()
    facts["birth_date_differs"] = both & (given["date"] != recorded)


def _judge_standing(
    facts: pd.DataFrame, known: pd.DataFrame, settings: Settings, today: date
) -> None:
    registered = known["id"].notna()
    left = pd.to_datetime(known["deregistered_on"], errors="coerce")
    facts["dead"] = known["death_date"].notna()
    facts["fictitious"] = known["fictitious"].eq(True)
    facts["deregistered"] = left.notna() & (left <= pd.Timestamp(today))
    facts["no_contact"] = known["preferred_channel"].eq("none")
    allowed = known["status"].isin(settings.organisation.messaged_statuses)
    facts["status_allowed"] = allowed | ~registered


def _judge_addresses(
    facts: pd.DataFrame,
    rows: pd.DataFrame,
    known: pd.DataFrame,
    recorded: pd.Series[str],
    settings: Settings,
    channel: str,
    *,
    record_first: bool,
    safe: pd.Series[str],
) -> None:
    """NEW-26: a number that is safe goes before both; what is read then is the patient's record."""
    listed = rows[_address_field(channel)]
    first, second = listed, recorded
    if record_first:
        first, second = recorded, listed
    text = safe.where(safe != "", first.where(first != "", second))
    read = (text != "") & ((text == recorded) | (safe != ""))
    facts["record_version"] = known["version"].astype("Int64").where(read)
    judged = judge_for(channel, text, settings.phones)
    facts["address"] = judged["address"]
    facts["address_fault"] = judged["fault"]
    facts["address_kind"] = judged["kind"] if "kind" in judged else ""


def _compare(
    connection: Connection,
    facts: pd.DataFrame,
    source: ListSource,
    rows: pd.DataFrame,
    known: pd.DataFrame,
    recorded: pd.Series[str],
    settings: Settings,
    channel: str,
) -> None:
    """NEW-24: whether the list's number and names are the patient's, as far as the record knows them."""
    field = _address_field(channel)
    for name in ("number_of_another", DIFFERS, "name_differs"):
        facts[name] = False
    if source.from_record:
        return
    other = rows[field] != recorded  # as it is written: what is the same needs no judging
    if field in source.fields and other.any():
        listed, recorded = (
            _usable(texts[other], settings, channel) for texts in (rows[field], recorded)
        )
        compared = compare_numbers(
            connection, known.loc[other, "id"], listed, recorded, channel=channel,
            phones=settings.phones,
        )  # fmt: skip
        facts.loc[other, list(compared.columns)] = compared
    places = {name: source.fields[name] for name in NAME_FIELDS if name in source.fields}
    if places:
        cells = rows["cells"].tolist()
        given = {
            name: pd.Series([row[place] for row in cells], rows.index, dtype=object)
            for name, place in places.items()
        }
        facts["name_differs"] = unlike_names(given, known)


def _see_needs(
    connection: Connection,
    facts: pd.DataFrame,
    known: pd.DataFrame,
    question: Question,
    settings: Settings,
    kept: pd.Series[bool],
) -> None:
    """NEW-32: `needs` and `variant`; a proxy's address, which is read again at the sending (readdress.py)."""
    channel, needs = question.channel, settings.needs
    of_them = read_needs(
        connection, known["id"], known["preferred_channel"], channel=channel, needs=needs
    )
    seen = judge_needs(
        connection, known["id"], of_them, campaign_id=question.campaign_id, channel=channel,
        needs=needs,
    )  # fmt: skip
    facts["needs"], facts["variant"] = seen["needs"], seen["variant"]
    by_proxy = seen["by_proxy"] & ~kept
    if not by_proxy.any():
        return
    proxies = seen.loc[by_proxy, "proxy"]
    judged = judge_for(channel, proxies, settings.phones)
    which = proxies.index
    facts.loc[which, "address"] = judged["address"]
    facts.loc[which, "address_fault"] = judged["fault"]
    facts.loc[which, "address_kind"] = judged["kind"] if "kind" in judged else ""
    facts.loc[which, "record_version"] = OF_PROXY


def _says_no(source: ListSource, rows: pd.DataFrame, channel: str) -> pd.Series[str]:
    """NEW-26: what the list's other columns say against its rows."""
    used, kept = set(source.fields.values()), source.kept
    columns = [
        (heading, pd.Series([cells[place] for cells in rows["cells"]], rows.index, dtype="str"))
        for place, heading in enumerate(source.columns)
        if place not in used
        and not source.from_record
        and (kept is None or place in kept.places or place in kept.said)
    ]
    if not columns:
        return pd.Series("", rows.index, dtype="str")
    printed = [source.columns[place] for place in (kept.places if kept else ())]
    return read_says_no(columns, channel, printed)


def _usable(texts: pd.Series[str], settings: Settings, channel: str) -> pd.Series[str]:
    return judge_for(channel, texts, settings.phones)["address"]


def _address_field(channel: str) -> str:
    return "email" if channel == "email" else "mobile"


def _stand_in_for_unregistered(facts: pd.DataFrame, nhs_numbers: pd.Series[str]) -> None:
    """
    ACX-21: somebody who is not in the record has no id there; minus the NHS number stands in for it,
    so that they too are messaged once.
    """
    can = facts["register_optional"] & facts["patient_id"].isna() & (nhs_numbers != "")
    if can.any():
        numbers = -nhs_numbers[can].astype("int64")
        facts.loc[can, "patient_id"] = numbers.astype("Int64")


def _evidence(connection: Connection, facts: pd.DataFrame, question: Question) -> pd.Series[str]:
    """
    The decision by which each row may not be messaged (ARC-11, NEW-5), "" where there is none.

    The patient's own latest for this channel and purpose; else that of the number or address.
    """
    patients = facts["patient_id"]
    ids = patients.dropna().unique().tolist()
    among = sa.select(consent.c.patient_id).where(is_any_of(consent.c.patient_id, ids))
    rows = connection.execute(opt_outs(question.channel, question.purpose, among))
    kept = {row.patient_id: f"consent {row.id}" for row in rows}
    own = pd.Series([kept.get(key, "") for key in patients.tolist()], patients.index, dtype="str")
    of_address = refused(connection, facts, channel=question.channel, purpose=question.purpose)
    return own.where(own != "", of_address)


def _had_enough(
    connection: Connection, facts: pd.DataFrame, contacted: list[int], question: Question,
    contact: Contact,
) -> pd.Series[bool]:  # fmt: skip
    """NEW-8: who was messaged as often as the cap allows; asked again at the moment of sending."""
    none = pd.Series(False, index=facts.index)
    if question.now is None or not contacted:
        return none
    if not is_capped(connection, contact, question.campaign_id):
        return none
    among = sa.select(given_ids(contacted).c.id)
    together = [question.campaign_id, *first_ways(connection, question.campaign_id)]
    query = recently_contacted(contact, among, question.now, but=together)
    return facts["patient_id"].isin(connection.scalars(query).all())


def _had_this(
    connection: Connection, facts: pd.DataFrame, contacted: list[int], question: Question,
    contact: Contact,
) -> pd.Series[bool]:  # fmt: skip
    """NEW-30: who had the same template or text lately, from whatever list."""
    if question.now is None:
        return pd.Series(False, index=facts.index)
    had = had_the_same(connection, question.campaign_id, contact, contacted, question.now)
    return facts["patient_id"].isin(had)


def _likely_to_fail(
    connection: Connection, facts: pd.DataFrame, contacted: list[int], question: Question,
    contact: Contact,
) -> pd.Series[bool]:  # fmt: skip
    """Whose number or address failed for good the last time; another number is another matter (ACX-36)."""
    if not contact.hold_failed or not contacted:
        return pd.Series(False, index=facts.index)
    among = sa.select(given_ids(contacted).c.id)
    failed = connection.execute(likely_to_fail(question.channel, among))
    pairs = {(row.patient_id, row.address) for row in failed}
    given = zip(facts["patient_id"].tolist(), facts["address"].tolist(), strict=True)
    return pd.Series([pair in pairs for pair in given], index=facts.index, dtype=bool)


def _contacted(connection: Connection, patients: pd.Series[int]) -> list[int]:
    """Those of these patients who have a message, of any campaign: of nobody else is asked which."""
    given = given_ids(patients.dropna().unique().tolist())
    has_one = sa.exists().where(message.c.patient_id == given.c.id)
    return [row[0] for row in plain_rows(connection.execute(sa.select(given.c.id).where(has_one)))]


def duplicates(
    connection: Connection, patients: pd.Series[int], campaign_id: int
) -> pd.Series[int]:
    """
    Which rows repeat an earlier one that will be messaged.

    Args:
        patients: ids of the rows of a block that nothing else speaks against, by row number; a row
            that is left out for its own error must not take a good one of the same patient with it

    Returns:
        same index, Int64: the number of the earlier row, in this block or before it; NA if there is none
    """
    numbers = pd.Series(patients.index, index=patients.index, dtype="Int64")
    first = numbers.groupby(patients).transform("min").astype("Int64")
    ids = patients.dropna().unique().tolist()
    seen = connection.execute(
        sa.select(recipient.c.patient_id, sa.func.min(recipient.c.row_number))
        .where(
            recipient.c.campaign_id == campaign_id,
            recipient.c.outcome == "accepted",
            is_any_of(recipient.c.patient_id, ids),
        )
        .group_by(recipient.c.patient_id)
    ).all()
    rows: dict[int, int] = {row[0]: row[1] for row in seen}
    before = patients.map(rows).astype("Int64")
    earliest = before.fillna(first)
    return earliest.mask(earliest == numbers)

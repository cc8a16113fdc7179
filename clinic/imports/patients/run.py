"""
Takes patients in from an export of the practice's system: new ones are added, changed ones brought up to date.

A block of rows is one transaction; running the same file again changes nothing, so that a killed import
is simply run again. A cell that is empty takes nothing away. The first row of a patient counts; another
row of the same patient is listed, and so is every row that cannot be used. Where a patient belongs is
imported for those who belong nowhere yet (belonging.py). Marks of patients at risk, and who declined to be
messaged, are imported too (contact.py).

The audit trail has two acts of it: that it began, before the first row, and how it ended, with counts.
Each names who, the digest of the file's bytes and no value of a row (NEW-10).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.files import Block, ListFile
from clinic.cohort.outcomes import OUTCOMES
from clinic.imports.kind import Kind
from clinic.imports.options import Options
from clinic.imports.patients.belonging import NAMED_BY, Belonging
from clinic.imports.patients.contact import ContactColumns
from clinic.imports.patients.doubt import another_patient, same_but_for_zeros
from clinic.imports.result import Imported, tell
from clinic.practice.needs import headings_of, keep_columns
from clinic.record.bulk import insert_rows, is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import patient
from clinic.record.statistics import count_grown
from clinic.values.dates import Order, order_of, proven_orders, read_dates
from clinic.values.names import doubtful_names, split_names
from clinic.values.nhs_number import judge_nhs_numbers

KIND: Final = Kind(
    "patients",
    "Patients, a row each.",
    {},
    (("nhs_number", "local_id"),),
    dates=("birth_date",),
    as_list=True,
)
_TEXTS: Final = (
    "title",
    "given_name",
    "family_name",
    "sex",
    "address",
    "postcode",
    "mobile",
    "email",
)
_GIVEN: Final = ("nhs_number", "local_id", "birth_date", *_TEXTS)
_COLUMNS: Final = (*_GIVEN, *NAMED_BY)
# The lines of an address, where it is not in one column
_LINES: Final = ("house", "street", "locality", "town", "county")
_BAD: Final = ("unreadable_row", "nhs_number_missing", "nhs_number_invalid", "birth_date_invalid")

# Each row of an import ends with one of these
SAYS: Final = {
    "added": "A new patient.",
    "changed": "A patient whose data were brought up to date.",
    "unchanged": "A patient who is here as the file says.",
    "repeated": "The patient appears in an earlier row of this file, which counts.",
    "letters_doubtful": "A name holds signs that names do not have: the file's encoding was read wrongly. "
    "Nothing of the row is imported. Export the file again as 'CSV UTF-8'.",
    "own_id_differs": "The patient has another id of the practice on the record. Nothing is replaced: find out "
    "which is right, and whether a spreadsheet dropped zeros.",
    "own_id_zeros": "The record has this id of the practice with more or fewer zeros in front, as when a "
    "spreadsheet dropped them. Format the column as text in the export, and import it again.",
    "another_patient": "Date of birth and family name both differ from those of the patient with this id. "
    "Nothing is overwritten: find out who is meant, and correct the id. If it is the same patient, import "
    "the date first, without the names.",
    "other_organisation": "The row is of an organisation whose patients this installation may not hold "
    "(organisation.codes). Import it where it belongs.",
    "facility_differs": "The patient belongs to another facility here, and the row would change their data. "
    "Nothing of it is imported: find out where they are; cohort operations facility moves them.",
    "ids_differ": "The NHS number and the practice's id are of two patients. Find out who is meant.",
    **{code: OUTCOMES[code].says for code in _BAD},
}
PROBLEMS: Final = frozenset(SAYS) - {"added", "changed", "unchanged"}


@dataclass
class PatientsImported(Imported):
    """
    What an import of patients did besides.

    unknown: "facility_id" and "provider_id" → codes and names of the file that are not here → rows
    stayed: rows of patients whom the file puts elsewhere than where they are, and who stay there
    foreign: codes of organisations that may not be held here → rows
    contact: columns that say how patients may be contacted, and for how many patients it was set
    unclear_needs: headings of what patients need → cells that were not understood
    """

    unknown: dict[str, Counter[str]] = field(default_factory=dict)
    stayed: int = 0
    foreign: Counter[str] = field(default_factory=Counter)
    contact: ContactColumns = field(default_factory=ContactColumns)
    unclear_needs: Counter[str] = field(default_factory=Counter)


def import_patients(
    record: Record, clock: Clock, file: ListFile, options: Options
) -> PatientsImported:
    """
    Import every row of an opened list. Run again: nothing changes. Dates of birth after today are refused.

    Raises:
        ListRefused: the file changed while it was read; what was imported stays
    """
    today, codes, by = clock.now().date(), options.codes, options.by
    headings = _headings(file)
    if codes and "organisation_code" in file.fields:
        headings["organisation_code"] = file.fields["organisation_code"]
    others = [name for name in file.columns if name not in file.fields.values()]
    contact, needs = ContactColumns.of(others), headings_of(file.columns)
    used = {*headings.values(), *contact.headings, *needs.values()}
    unused = tuple(name for name in file.columns if name not in used)
    seen: set[str] = set()
    with record.read() as connection:
        belonging = Belonging.of(connection, codes)
    result = PatientsImported(
        file.row_count, unused=unused, unknown=belonging.unknown, contact=contact,
        foreign=belonging.foreign,
    )  # fmt: skip
    order = _date_order(file)
    if not options.check:
        tell(record, clock, KIND.name, file, by)
    for block in file.blocks():
        rows = _read(block, headings, belonging, today=today, order=order)
        _mark_repeated(rows, seen)
        with record.write(keep=not options.check) as connection:
            _match(connection, rows, belonging)
            _insert(connection, rows[rows["outcome"] == "added"])
            _update(connection, rows, today)
            contact.apply(connection, block, rows, by=by, now=clock.now())
            unclear = _keep_needs(connection, clock, block, rows, needs, by=by)
            result.unclear_needs.update({needs[name]: n for name, n in unclear.items() if n})
        result.note(rows["outcome"], PROBLEMS)
    result.stayed = belonging.stayed
    result.also.update({
        "no_contact": contact.restricted, "opted_out": contact.opted_out,
        "national_opt_out": contact.kept_from_research,
    })  # fmt: skip
    result.also = +result.also
    if not options.check:
        written = result.counts["added"] + result.counts["changed"]
        tell(record, clock, KIND.name, file, by, result, patients=written)
    return result


def _headings(file: ListFile) -> dict[str, str]:
    """What is taken in: our name → its heading in the file."""
    found = {name: file.fields[name] for name in (*_GIVEN, "full_name") if name in file.fields}
    if "address" not in found:
        found |= {name: file.fields[name] for name in _LINES if name in file.fields}
    for name, words in NAMED_BY.items():
        if there := [file.fields[word] for word in words if word in file.fields]:
            found[name] = there[0]
    return found


def _date_order(file: ListFile) -> Order:
    """Of days and months, by the rule of `cohort list check`: what the whole column proves, or no guess."""
    born = file.fields.get("birth_date")
    proven: set[Order] = set()
    if born is not None:
        for block in file.blocks():
            proven |= proven_orders(block.frame[born].unique())
    return order_of(file.layout, proven)


def _read(
    block: Block, headings: Mapping[str, str], belonging: Belonging, *, today: date, order: Order
) -> pd.DataFrame:
    """The block in our columns: None where a cell is empty; `outcome` is a fault's code or ""."""
    empty = pd.Series("", index=block.frame.index, dtype="str")
    given = {
        name: block.frame[headings[name]].str.strip() if name in headings else empty
        for name in (*_COLUMNS, *_LINES, "full_name")
    }
    if "address" not in headings:
        given["address"] = _address(given)
    numbers = judge_nhs_numbers(given["nhs_number"])
    born = read_dates(given["birth_date"], today=today, order=order, settled=True)
    _split_names(given)
    rows = pd.DataFrame({name: given[name] for name in _GIVEN}, dtype=object)
    rows["nhs_number"] = numbers["nhs_number"].astype(object)
    rows = rows.where(rows.notna() & (rows != ""), None)
    rows["birth_date"] = pd.Series(
        [day.date() if pd.notna(day) else None for day in born["date"]], rows.index, dtype=object
    )
    rows["sex"] = rows["sex"].str.lower()
    rows["outcome"] = ""
    no_id = rows["nhs_number"].isna() & rows["local_id"].isna()
    for mask, code in (
        (doubtful_names(given), "letters_doubtful"),
        (born["fault"] == "birth_date_invalid", "birth_date_invalid"),
        (no_id, "nhs_number_missing"),
        (numbers["fault"] == "nhs_number_invalid", "nhs_number_invalid"),
        (pd.Series(block.unreadable, index=rows.index), "unreadable_row"),
    ):
        rows.loc[mask.to_numpy(dtype=bool), "outcome"] = code
    if (organisation := headings.get("organisation_code")) is not None:
        words = block.frame[organisation].str.strip().where(rows["outcome"] == "", "")
        rows.loc[belonging.is_foreign(words), "outcome"] = "other_organisation"
    for name in NAMED_BY:  # of an unreadable row any cell may be the patient's own
        rows[name] = belonging.find(name, given[name].where(rows["outcome"] == "", ""))
    return rows


def _split_names(given: dict[str, pd.Series]) -> None:
    """Where a list has one column for the name (ACX-22), its parts fill those that have no own column."""
    parts = split_names(given["full_name"])
    for name in ("title", "given_name", "family_name"):
        given[name] = given[name].where(given[name] != "", parts[name])


def _address(given: Mapping[str, pd.Series]) -> pd.Series:
    """The lines of it, those that are empty left out."""
    whole = given[_LINES[0]]
    for name in _LINES[1:]:
        between = ((whole != "") & (given[name] != "")).map({True: ", ", False: ""})
        whole = whole + between + given[name]
    return whole


def _mark_repeated(rows: pd.DataFrame, seen: set[str]) -> None:
    """Rows of a patient who stood on an earlier one, of this block or of one before."""
    usable = rows["outcome"] == ""
    for name in ("nhs_number", "local_id"):
        ids = rows[name].where(usable)
        again = ids.notna() & (ids.duplicated() | (name + ids.fillna("")).isin(seen))
        rows.loc[again, "outcome"] = "repeated" if name == "nhs_number" else "ids_differ"
        same = again & rows["nhs_number"].isna()
        rows.loc[same, "outcome"] = "repeated"
        usable &= ~again
    for name in ("nhs_number", "local_id"):
        seen.update(name + rows.loc[usable, name].dropna())


def _match(connection: Connection, rows: pd.DataFrame, belonging: Belonging) -> None:
    """Find each row's patient; `id` is None where there is none. Found patients are locked."""
    usable = rows["outcome"] == ""
    by_number = _ids(connection, "nhs_number", rows.loc[usable, "nhs_number"])
    by_own = _ids(connection, "local_id", rows.loc[usable, "local_id"])
    first = rows["nhs_number"].map(by_number).astype(object)
    second = rows["local_id"].map(by_own).astype(object)
    first, second = first.where(first.notna(), None), second.where(second.notna(), None)
    rows["id"] = first.where(first.notna(), second)
    known = _known(connection, rows.loc[usable, "id"])
    numbers = rows["id"].map(known["nhs_number"]).astype(object)
    two = first.notna() & second.notna() & (first != second)
    other = numbers.notna() & rows["nhs_number"].notna() & (numbers != rows["nhs_number"])
    own = rows["id"].map(known["local_id"]).astype(object)
    replaced = own.notna() & rows["local_id"].notna() & (own != rows["local_id"])
    rows.loc[usable & replaced, "outcome"] = "own_id_differs"
    rows.loc[usable & (two | other), "outcome"] = "ids_differ"
    found = usable & (rows["outcome"] == "") & rows["id"].notna()
    rows.loc[found[found].index[another_patient(rows[found], known)], "outcome"] = "another_patient"
    new = (rows["outcome"] == "") & rows["id"].isna()
    zeros = same_but_for_zeros(connection, rows.loc[new, "local_id"].astype("str"))
    rows.loc[new[new].index[zeros.to_numpy(dtype=bool)], "outcome"] = "own_id_zeros"
    # One row named the patient by one id, and this row by the other
    found = rows["id"].where(rows["outcome"] == "")
    rows.loc[found.notna() & found.duplicated(), "outcome"] = "repeated"
    rows.loc[(rows["outcome"] == "") & rows["id"].isna(), "outcome"] = "added"
    _mark_changed(rows, known, belonging)


def _ids(connection: Connection, name: str, values: pd.Series) -> dict[str, int]:
    column = patient.c[name]
    query = sa.select(column, patient.c.id).where(is_any_of(column, values.dropna().tolist()))
    return {str(value): int(key) for value, key in connection.execute(query)}


def _known(connection: Connection, ids: pd.Series) -> pd.DataFrame:
    """The patients as they are, by id."""
    query = (
        sa.select(patient.c.id, *(patient.c[name] for name in _COLUMNS))
        .where(is_any_of(patient.c.id, ids.dropna().tolist()))
        .with_for_update()
    )
    found = connection.execute(query).all()
    return pd.DataFrame(found, columns=["id", *_COLUMNS], dtype=object).set_index("id")


def _mark_changed(rows: pd.DataFrame, known: pd.DataFrame, belonging: Belonging) -> None:
    """Fill what the file leaves empty with what is known; what then differs has changed."""
    found = (rows["outcome"] == "") & rows["id"].notna()
    before = known.reindex(rows.loc[found, "id"]).astype(object)
    before.index = rows.index[found]
    before = before.where(before.notna(), None)
    after = rows.loc[found, list(_COLUMNS)]
    after = after.where(after.notna(), before)
    given = after.copy()
    belonging.keep(before, after)
    same = ((after == before) | (after.isna() & before.isna())).all(axis=1)
    rows.loc[found, list(_COLUMNS)] = after
    rows.loc[found, "outcome"] = same.map({True: "unchanged", False: "changed"})
    differs = belonging.differs(before, given, same)
    rows.loc[differs[differs].index, "outcome"] = "facility_differs"


def _insert(connection: Connection, rows: pd.DataFrame) -> None:
    named = rows.assign(
        given_name=rows["given_name"].fillna(""), family_name=rows["family_name"].fillna("")
    )
    values = named[list(_COLUMNS)].to_numpy(dtype=object).tolist()
    insert_rows(connection, patient, _COLUMNS, values)
    count_grown(connection, patient)


def _update(connection: Connection, rows: pd.DataFrame, today: date) -> None:
    changed = rows[rows["outcome"] == "changed"]
    if changed.empty:
        return
    # A number that is new to the record was recorded now (NEW-27); of a new patient nobody knows since when
    other = patient.c.mobile.is_distinct_from(sa.bindparam("new_mobile", type_=sa.String))
    since = sa.case((other, sa.literal(today, sa.Date)), else_=patient.c.mobile_confirmed_on)
    statement = (
        sa.update(patient)
        .where(patient.c.id == sa.bindparam("key"))
        .values(mobile_confirmed_on=since)
        .values({name: sa.bindparam(f"new_{name}") for name in _COLUMNS})
        .values(version=patient.c.version + 1)
    )
    names = ["key", *(f"new_{name}" for name in _COLUMNS)]
    values: list[dict[str, Any]] = [
        dict(zip(names, row, strict=True))
        for row in changed[["id", *_COLUMNS]].to_numpy(dtype=object).tolist()
    ]
    connection.execute(statement, values)


def _keep_needs(
    connection: Connection, clock: Clock, block: Block, rows: pd.DataFrame, needs: Mapping[str, str], *,
    by: str,
) -> Counter[str]:  # fmt: skip
    """NEW-32: of rows that were used; how many cells of which field were not understood."""
    used = rows["outcome"].isin(["added", "changed", "unchanged"])
    if needs and used.any():
        texts = pd.DataFrame({name: block.frame[at].str.strip() for name, at in needs.items()})
        return keep_columns(connection, clock, rows[used], texts[used], by=by)
    return Counter()

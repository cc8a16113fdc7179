"""
Runs an import of diagnoses, medications or allergies: whose ─► what ─► which of the record's ─► written.

One is known by its patient, its code (or its words, where it has none) and the day on which it began. Nothing
is taken away for not being in the file.
"""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.files import ListFile
from clinic.imports.blocks import run_blocks
from clinic.imports.clinical.columns import (
    ALLERGIES,
    CRITICALITY,
    DIAGNOSES,
    MEDICATIONS,
    PROBLEMS,
    ClinicalKind,
)
from clinic.imports.formats import date_orders
from clinic.imports.journal import Journal
from clinic.imports.left import LEFT, has_left
from clinic.imports.merge import merge
from clinic.imports.options import Options
from clinic.imports.result import Imported
from clinic.imports.same import Same
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.values.dates import INVALID, Order, read_dates
from clinic.values.snomed import is_concept

_SNOMED: Final = "http://snomed.info/sct"
_ROUNDED: Final = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)
_LONG: Final = (
    15  # digits that a spreadsheet's number holds; zeros behind them are what it rounded away
)
_TIME: Final = re.compile(r"(?<=\d)[T ]\d\d:\d\d.*$")


def import_diagnoses(record: Record, clock: Clock, file: ListFile, options: Options) -> Imported:
    """Bring the record's diagnoses up to date with an opened file."""
    return _run(record, clock, file, options, DIAGNOSES)


def import_medications(record: Record, clock: Clock, file: ListFile, options: Options) -> Imported:
    """The same of medications."""
    return _run(record, clock, file, options, MEDICATIONS)


def import_allergies(record: Record, clock: Clock, file: ListFile, options: Options) -> Imported:
    """The same of allergies."""
    return _run(record, clock, file, options, ALLERGIES)


def _run(
    record: Record, clock: Clock, file: ListFile, options: Options, what: ClinicalKind
) -> Imported:
    days = [name for name in what.kind.dates if name in file.fields]
    orders = date_orders(file, days, options.how)
    apply = partial(
        _apply, what=what, today=clock.now().date(), options=options, orders=orders,
    )  # fmt: skip
    return run_blocks(
        record, clock, file, options, kind=what.kind, problems=PROBLEMS,
        written=("added", "changed"), apply=apply, same=Same.of(what.kind.name, file, options, orders),
    )  # fmt: skip


def _apply(
    connection: Connection, given: pd.DataFrame, fault: pd.Series[str], result: Imported,
    journal: Journal, *, what: ClinicalKind, today: date, options: Options, orders: dict[str, Order],
) -> pd.Series[str]:  # fmt: skip
    outcome = fault.where(fault != "", given["who_fault"].astype(object))
    outcome[(fault == "") & has_left(given)] = (
        LEFT  # often without a patient, or without what it was of
    )
    rows = pd.DataFrame({"patient_id": given["patient_id"].astype(object)}, index=given.index)
    for name in ("code", "system", "text", "dosage"):
        texts = given[name] if name in given else pd.Series("", given.index, dtype="str")
        rows[name] = texts.astype(object).where(texts != "", None)
    rows["code"] = rows["code"].str.rstrip(".").astype(object)
    rows["code"] = rows["code"].where(rows["code"].notna(), None)
    unread = _days(rows, given, what, today, orders)
    _states(rows, given, what)
    for mask, code in (
        (rows["code"].isna() & rows["text"].isna(), "code_missing"),
        (_rounded(rows["code"]), "code_rounded"),
        (_no_code(rows), "code_invalid"),
        (unread, "day_invalid"),
        (rows["status"] == "", "status_unknown"),
    ):
        outcome[(outcome == "") & mask.to_numpy(dtype=bool)] = code
    good = _complete(rows[outcome == ""].astype(object), what, given)
    known = _known(connection, good, what)
    owned = [n for n in ("ended", "dosage", "criticality") if n in given and n in what.columns]
    outcome[good.index] = merge(
        connection, what.table, good, known, journal, columns=what.columns,
        owned=owned if options.how.owns_columns else (),
    )  # fmt: skip
    return outcome


def _days(
    rows: pd.DataFrame, given: pd.DataFrame, what: ClinicalKind, today: date, orders: dict[str, Order]
) -> pd.Series[bool]:  # fmt: skip
    """Read the days into `rows`; which rows have one that cannot be read."""
    unread = pd.Series(False, rows.index)
    for name in what.kind.dates:
        rows[name] = pd.Series(None, rows.index, dtype=object)
        if name in given:
            texts = given[name].str.replace(_TIME, "", regex=True)
            read = read_dates(texts, today=today, order=orders[name], settled=True)
            days = read["date"].to_numpy().astype("datetime64[D]").astype(object)
            rows[name] = pd.Series(days, rows.index, dtype=object)
            unread |= read["fault"] == INVALID
    return unread


def _states(rows: pd.DataFrame, given: pd.DataFrame, what: ClinicalKind) -> None:
    """The state, None where nothing is said and "" where the word is not known; how critical it is."""
    said = given["status"] if "status" in given else pd.Series("", rows.index, dtype="str")
    words = said.str.casefold().str.replace(r"[\W_]+", " ", regex=True).str.strip()
    found = words.map(what.states).astype(object)
    found = found.where(found.notna(), "").where(said != "", None)
    rows["status"] = found.mask(found.isna() & rows["ended"].notna(), what.over)
    if "criticality" in given:
        rows["criticality"] = given["criticality"].str.casefold().map(CRITICALITY).astype(object)
        rows["criticality"] = rows["criticality"].where(rows["criticality"].notna(), None)
    else:
        rows["criticality"] = None


def _rounded(codes: pd.Series[Any]) -> pd.Series[bool]:
    """What a spreadsheet made of a long code: a power of ten, or zeros behind the digits that it keeps."""
    texts = codes.fillna("").astype("str")
    power = texts.str.fullmatch(_ROUNDED)
    zeros = texts.str.fullmatch(rf"[0-9]{{{_LONG}}}0+") & ~texts.map(is_concept).astype(bool)
    return power | zeros


def _no_code(rows: pd.DataFrame) -> pd.Series[bool]:
    """Which codes are to be of SNOMED CT, and are none."""
    texts = rows["code"].fillna("").astype("str")
    said = rows["system"].fillna("").astype("str").str.casefold()
    snomed = said.str.contains("snomed") | ((said == "") & texts.str.fullmatch(r"[0-9]{6,18}"))
    return snomed & (texts != "") & ~texts.map(is_concept).astype(bool)


def _complete(rows: pd.DataFrame, what: ClinicalKind, given: pd.DataFrame) -> pd.DataFrame:
    """With the code system, and by what each is known again."""
    coded = rows["code"].notna()
    snomed = coded & rows["code"].fillna("").astype("str").map(is_concept).astype(bool)
    rows["system"] = rows["system"].mask(snomed, _SNOMED)
    named = rows["text"].fillna("").astype("str").str.casefold()
    word = rows["code"].where(coded, named)
    rows["match"] = [
        (int(patient), str(each), began if isinstance(began, date) else None)
        for patient, each, began in zip(rows["patient_id"], word, rows[what.began], strict=True)
    ]
    rows["patient_id"] = rows["patient_id"].map(int).astype(object)
    return rows


def _known(connection: Connection, rows: pd.DataFrame, what: ClinicalKind) -> pd.DataFrame:
    """The patients' own of this kind; and let a new one have its text and state."""
    c = what.table.c
    ids = sorted(set(rows["patient_id"].tolist()))
    query = sa.select(c.id, *(c[name] for name in what.columns)).where(is_any_of(c.patient_id, ids))
    known = pd.DataFrame(
        connection.execute(query.order_by(c.id)).all(), columns=["id", *what.columns], dtype=object
    )
    known["match"] = [
        (int(patient), str(code if code else text.casefold()), began)
        for patient, code, text, began in zip(
            known["patient_id"], known["code"], known["text"], known[what.began], strict=True
        )
    ]
    new = ~rows["match"].isin(set(known["match"]))
    rows["text"] = np.where(new & rows["text"].isna(), rows["code"], rows["text"])
    rows["status"] = np.where(new & rows["status"].isna(), what.going, rows["status"])
    return known

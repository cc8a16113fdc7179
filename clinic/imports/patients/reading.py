"""The rows of a file of patients: what each says, before anybody looks at the record."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from clinic.cohort.files import Block, ListFile
from clinic.imports.formats import cells_of, date_orders
from clinic.imports.identity import FIELD as ORGANISATION_ID
from clinic.imports.left import LEFT, has_left
from clinic.imports.options import Options
from clinic.imports.patients.belonging import NAMED_BY, Belonging
from clinic.imports.patients.columns import COLUMNS, DAYS, KIND, LINES, OWNED, REMARKS, TEXTS
from clinic.imports.patients.doubt import died_unborn
from clinic.imports.patients.words import TEST, channel_of, is_of_another, is_yes, status_of
from clinic.values.dates import Order, read_dates
from clinic.values.names import doubtful_names, split_names
from clinic.values.nhs_number import judge_nhs_numbers

_TIME: Final = re.compile(r"(?<=\d)[T ]\d\d:\d\d.*$")
_TYPES: Final = dict.fromkeys((*REMARKS, "death_unclear", "is_test", "birth_fault"), bool)
_PARTIAL: Final = re.compile(r"\d{4}(?:[-/]\d{1,2})?|\d{1,2}/\d{4}", re.ASCII)


@dataclass
class Reader:
    """
    Reads a file's blocks. `fields`: our name → heading, of what is taken; `remarks`: counted while reading

    owned: the columns of which an empty cell takes away what the record has
    """

    file: ListFile
    options: Options
    belonging: Belonging
    today: date
    fields: Mapping[str, str]
    orders: Mapping[str, Order]
    owned: tuple[str, ...] = ()
    remarks: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, file: ListFile, options: Options, belonging: Belonging, today: date) -> Reader:
        """With the order of day and month that each column of dates proves."""
        fields = _fields(file, options.codes)
        orders = date_orders(file, [name for name in DAYS if name in fields], options.how)
        there = {*fields, *(("address",) if fields.keys() & set(LINES) else ())}
        owned = tuple(name for name in OWNED if name in there) if options.how.owns_columns else ()
        return cls(file, options, belonging, today, fields, orders, owned)

    def read(self, block: Block) -> pd.DataFrame:
        """The block in our columns: None where a cell is empty; `outcome` is an error's code or ""."""
        cells = cells_of(block, self.file, KIND, self.options.how, self.remarks)
        empty = pd.Series("", index=block.frame.index, dtype="str")
        given = {
            name: cells[name] if name in cells else empty
            for name in (*COLUMNS[: -len(NAMED_BY)], *LINES, "full_name")
        }
        for name in NAMED_BY:
            given[name] = (
                block.frame[self.fields[name]].str.strip() if name in self.fields else empty
            )
        if "address" not in self.fields:
            given["address"] = _address(given)
        _split_names(given)
        rows = self._values(given, cells)
        rows["outcome"] = self._faults(rows, given, cells, block)
        words = cells["organisation_code"] if "organisation_code" in self.fields else None
        if words is not None:
            foreign = self.belonging.is_foreign(words.where(rows["outcome"] == "", ""))
            rows.loc[foreign, "outcome"] = "other_organisation"
        usable = rows["outcome"] == ""
        rows["remarkable"] = rows[list(REMARKS)].any(axis=1)
        for name in NAMED_BY:  # of an unreadable row any cell may be the patient's own
            rows[name] = self.belonging.find(name, given[name].where(usable, ""))
            rows["remarkable"] |= (given[name] != "") & rows[name].isna()
        for remark in REMARKS:
            self.remarks[remark] += int((rows[remark] & usable).sum())
        return rows.drop(columns=[*REMARKS, "death_unclear", "is_test", "birth_fault", "nhs_fault"])

    def _values(self, given: Mapping[str, pd.Series[str]], cells: pd.DataFrame) -> pd.DataFrame:
        """A column each, and what is remarkable of it."""
        rows: dict[str, Any] = {name: _or_none(given[name]) for name in ("local_id", *TEXTS)}
        rows["sex"] = _or_none(given["sex"].str.lower())
        numbers = judge_nhs_numbers(given["nhs_number"])
        rows["nhs_number"], rows["nhs_fault"] = _or_none(numbers["nhs_number"]), numbers["fault"]
        partial = given["birth_date"].str.fullmatch(_PARTIAL)
        given = {**given, "birth_date": given["birth_date"].mask(partial, "")}
        rows["birth_date_partial"] = partial
        unclear = np.zeros(len(partial), dtype=bool)
        for name in DAYS:
            rows[name], fault = self._days(name, given[name])
            if name == "birth_date":
                rows["birth_fault"] = fault
            elif name == "death_date":
                rows["death_unclear"] = fault
            else:
                unclear |= fault
        rows["day_unclear"] = unclear
        statuses = tuple(self.options.statuses)
        said = _each(given["status"], lambda text: status_of(text, statuses))
        rows["is_test"] = said == TEST
        if "test_patient" in cells:
            rows["is_test"] |= _each(cells["test_patient"], is_yes).astype(bool)
        rows["status"] = _none_where((said == "") | (said == TEST), said)
        rows["status_unclear"] = (said == "") & (given["status"] != "").to_numpy()
        channel = _each(given["preferred_channel"], channel_of)
        rows["preferred_channel"] = _none_where(channel == "", channel)
        rows["channel_unclear"] = (channel == "") & (given["preferred_channel"] != "").to_numpy()
        another = np.zeros(len(partial), dtype=bool)
        if "contact_comments" in cells:  # a parent's number is not the patient's
            another = _each(cells["contact_comments"], is_of_another).astype(bool)
            another &= (given["mobile"] != "").to_numpy()
            rows["mobile"] = _none_where(another, rows["mobile"])
        rows["number_of_another"] = another
        index = given["nhs_number"].index
        return pd.DataFrame(
            {name: pd.Series(np.asarray(values), index, dtype=_TYPES.get(name, object))
             for name, values in rows.items()}
        )  # fmt: skip

    def _days(self, name: str, texts: pd.Series[str]) -> tuple[np.ndarray, np.ndarray]:
        """The days, None where there is none; and which cells are no day. No zone moves a day."""
        if name not in self.fields:
            return np.full(len(texts), None, dtype=object), np.zeros(len(texts), dtype=bool)
        if name != "birth_date":
            texts = pd.Series(
                _each(texts, lambda text: _TIME.sub("", text)), texts.index, dtype="str"
            )
        order = self.orders.get(name, "ambiguous")
        read = read_dates(texts, today=self.today, order=order, settled=True)
        days = read["date"].to_numpy().astype("datetime64[D]").astype(object)
        return days, (read["fault"] == "birth_date_invalid").to_numpy(dtype=bool)

    def _faults(
        self, rows: pd.DataFrame, given: Mapping[str, pd.Series[str]], cells: pd.DataFrame, block: Block
    ) -> np.ndarray:  # fmt: skip
        """Why a row cannot be used, the last of these that is so; "" where it can."""
        outcome = np.full(len(rows), "", dtype=object)
        no_id = (rows["nhs_number"].isna() & rows["local_id"].isna()).to_numpy()
        for mask, code in (
            (doubtful_names(given), "letters_doubtful"),
            (rows["death_unclear"], "death_date_invalid"),
            (died_unborn(rows["death_date"], rows["birth_date"]), "death_date_invalid"),
            (rows["birth_fault"], "birth_date_invalid"),
            (no_id, "nhs_number_missing"),
            (rows["nhs_fault"] == "nhs_number_invalid", "nhs_number_invalid"),
            (has_left(cells), LEFT),
            (rows["is_test"], "test_patient"),
            (block.unreadable, "unreadable_row"),
        ):
            outcome[np.asarray(mask, dtype=bool)] = code
        return outcome


def _fields(file: ListFile, codes: Collection[str]) -> dict[str, str]:
    """What is taken: our name → its heading in the file."""
    wanted = ("nhs_number", "local_id", *DAYS, *TEXTS, "full_name", ORGANISATION_ID, *KIND.columns)
    found = {name: file.fields[name] for name in wanted if name in file.fields}
    if "address" not in found:
        found |= {name: file.fields[name] for name in LINES if name in file.fields}
    for name, words in NAMED_BY.items():
        if there := [file.fields[word] for word in words if word in file.fields]:
            found[name] = there[0]
    if codes and "organisation_code" in file.fields:
        found["organisation_code"] = file.fields["organisation_code"]
    return found


def _or_none(texts: pd.Series[str]) -> np.ndarray:
    values = texts.to_numpy(dtype=object, copy=True)
    values[values == ""] = None
    return values


def _none_where(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values[mask] = None
    return values


def _each(texts: pd.Series[str], read: Any) -> np.ndarray:
    """What each of a column's distinct texts is read as."""
    codes, distinct = pd.factorize(texts)
    found = np.empty(len(distinct), dtype=object)
    found[:] = [read(str(text)) for text in distinct]
    return found[codes]


def _split_names(given: dict[str, pd.Series[str]]) -> None:
    """Where a list has one column for the name (ACX-22), its parts fill those that have no own column."""
    if not (given["full_name"] != "").any():
        return
    parts = split_names(given["full_name"])
    for name in ("title", "given_name", "family_name"):
        given[name] = given[name].where(given[name] != "", parts[name])


def _address(given: Mapping[str, pd.Series[str]]) -> pd.Series[str]:
    """The lines of it, those that are empty left out."""
    lines = zip(*(given[name].tolist() for name in LINES), strict=True)
    whole = [", ".join(filter(None, line)) for line in lines]
    return pd.Series(whole, given[LINES[0]].index, dtype="str")

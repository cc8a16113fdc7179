"""A block's cells as every reader here expects them, whatever the source's own way of writing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import pandas as pd

from clinic.cohort.columns import heading_key
from clinic.cohort.files import Block, ListFile
from clinic.imports.identity import with_organisation, without_braces
from clinic.imports.kind import Kind
from clinic.settings import SourceFormat
from clinic.values.dates import Order, order_of, proven_orders

_IDS: Final = ("nhs_number", "local_id")
_ORDERS: Final[dict[str, Order]] = {"day_first": "dmy", "month_first": "mdy"}
# Days that systems write for "not known": of SQL Server, MySQL, EMIS, SystmOne, OMOP
MASKED: Final = re.compile(
    r"(?:0000-00-00|1753-01-01|1899-12-30|1900-01-01|2099-12-31|2999-12-31|3000-12-31|9999-12-31"
    r"|01[/ ](?:01|Jan)[/ ]1900|31[/ ](?:12|Dec)[/ ]9999|00/00/0000|19000101|99991231)(?:[T ].*)?",
    re.IGNORECASE,
)
_UNREADABLE: Final = "?"  # for a cell that is not as the source's own format has it
_PER_MINUTE: Final = {"minutes": 1.0, "seconds": 1 / 60, "hours": 60.0}


def cells_of(
    block: Block, file: ListFile, kind: Kind, how: SourceFormat, masked: Counter[str] | None = None
) -> pd.DataFrame:
    """
    The block in our fields: cells stripped, "" where there is none or where a day is masked; days of the
    source's own format in ISO 8601, its words for states as ours, lengths in minutes. Both ids are there,
    with their organisation where the source's are unique only within it.

    masked: counts the days that are masks, as `day_masked`
    """
    frame = pd.DataFrame(
        {name: block.frame[head].str.strip() for name, head in file.fields.items()}
    )
    for name in _IDS:
        if name not in frame:
            frame[name] = pd.Series("", block.frame.index, dtype="str")
    with_organisation(frame)
    without_braces(frame)
    for name in kind.dates:
        if name in frame:
            said, frame[name] = frame[name], _days(frame[name], how.date_format)
            if masked is not None and (count := int(((frame[name] == "") & (said != "")).sum())):
                masked["day_masked"] += count
    if how.statuses and "status" in frame:
        ours = {heading_key(word): said for word, said in how.statuses.items()}
        frame["status"] = _distinct(frame["status"], lambda word: ours.get(heading_key(word), word))
    if how.length_unit != "minutes" and "minutes" in frame:
        share = _PER_MINUTE[how.length_unit]
        frame["minutes"] = _distinct(frame["minutes"], lambda text: _minutes(text, share))
    return frame


def date_order(file: ListFile, name: str, how: SourceFormat) -> Order:
    """
    Of day and month in a field's column: the source's, else as the whole column proves; "ambiguous" where
    nothing does.
    """
    proven: set[Order] = set()
    head = None if how.date_format or how.date_order else file.fields.get(name)
    if head is not None:
        for block in file.blocks():
            proven |= proven_orders(
                text.strip().split(" ")[0] for text in block.frame[head].unique()
            )
    return order_from(how, proven)


def order_from(how: SourceFormat, proven: set[Order]) -> Order:
    """The order of a column whose cells prove these."""
    if how.date_format:
        return "dmy"  # they are ISO 8601 by then
    return _ORDERS[how.date_order] if how.date_order else order_of(None, proven)


def orders_in(cells: pd.Series[str]) -> set[Order]:
    """The orders of day and month that these cells prove."""
    return proven_orders(text.split(" ")[0] for text in cells.unique().tolist())


def date_orders(file: ListFile, names: Sequence[str], how: SourceFormat) -> dict[str, Order]:
    """The same of several columns, in one look at the file; days first in what EMIS and SystmOne write."""
    if how.date_format or how.date_order:
        return {name: date_order(file, name, how) for name in names}
    proven: dict[str, set[Order]] = {name: set() for name in names}
    if names and file.layout not in ("emis", "systmone"):
        for block in file.blocks():
            for name in names:
                proven[name] |= proven_orders(
                    text.strip().split(" ")[0] for text in block.frame[file.fields[name]].unique()
                )
    return {name: order_of(file.layout, proven[name]) for name in names}


def _distinct(cells: pd.Series[str], change: Callable[[str], str]) -> pd.Series[str]:
    """Each distinct text changed once: a column of a source has few."""
    codes, texts = pd.factorize(cells)
    changed = pd.Series([change(str(text)) for text in texts], dtype=object)
    return pd.Series(changed.to_numpy()[codes], cells.index, dtype="str")


def _days(cells: pd.Series[str], written: str) -> pd.Series[str]:
    def plain(text: str) -> str:
        if MASKED.fullmatch(text):
            return ""
        if not written or not text:
            return text
        try:
            found = datetime.strptime(text, written)  # noqa: DTZ007  # a day, or a time of the source's zone
        except ValueError:
            return _UNREADABLE
        return (
            f"{found:%Y-%m-%d %H:%M:%S}"
            if "%H" in written or "%I" in written
            else f"{found:%Y-%m-%d}"
        )

    return _distinct(cells, plain)


def _minutes(text: str, share: float) -> str:
    try:
        return f"{float(text) * share:g}"
    except ValueError:
        return text

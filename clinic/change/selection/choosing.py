"""
The ways in which patients are named for an operation, each as a part of a selection (ALC-10 to 13, COM-11).

Parts add up: `selection.take` stores them together. The filter is one too (`selection.filter_part`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from clinic.change.selection.given import selected_query
from clinic.change.selection.search import Found
from clinic.change.selection.selection_parts import Part
from clinic.cohort.files import Notice
from clinic.cohort.filters import group_query
from clinic.cohort.id_file import IdFile, given_ids, read_ids
from clinic.cohort.pasted import pasted_ids
from clinic.errors import OperationRefused
from clinic.record.bulk import is_any_of
from clinic.record.schema.people import patient

# Where the sentence for lists speaks of messages
_OF_IDS: Final = {
    "hidden_rows": "hidden in the spreadsheet and left out. Show them and save again if they are meant.",
    "unreadable_row": "more or fewer cells than the heading: selects nobody. Correct the row in the file.",
    "unused_nhs_numbers": "a column looks like NHS numbers and is not used: head it 'NHS Number'.",
}
# What a selection does not use needs no remark
_OF_MESSAGES: Final = frozenset(
    {"unused_birth_dates", "unused_phones", "unused_emails", "odd_letters"}
)


def of_text(text: str, *, name: str = "") -> Part:
    """ALC-12: ids as they were pasted; name: of the file that they were in."""
    return Part("ids", name, ids=given_ids(pasted_ids(text)))


def of_file(path: Path) -> tuple[Part, IdFile]:
    """
    ALC-11: the ids of a CSV, TSV or spreadsheet, with a heading of its own or without; and what was read of it.

    Raises:
        ListRefused: the file cannot be read without losing somebody, or nobody can tell which are the ids
    """
    file = read_ids(path)
    return Part("file", file.name, ids=file.rows), file


def remarks_on(file: IdFile) -> list[tuple[Notice, str]]:
    """What the reader left out or may have changed, and what that means for ids: to be seen first."""
    return [
        (notice, _OF_IDS.get(notice.code, notice.says))
        for notice in file.notices
        if notice.must_be_seen and notice.code not in _OF_MESSAGES
    ]


def of_group(code: str) -> Part:
    """COM-11: its members now."""
    return Part("group", code, query=lambda connection: group_query(connection, code))


def of_selection(number: int) -> Part:
    """Whom an earlier selection has."""
    return Part(
        "selection",
        str(number),
        query=lambda connection: selected_query(connection, number),
        criteria={"selection": number},
    )


def of_picked(found: Sequence[Found], picked: str) -> Part:
    """
    ALC-13: of those found, the numbers that are picked, from 1 on; "all" are all found, not only those shown.

    Raises:
        OperationRefused: nobody was found, or a number is none of them
    """
    if not found:
        raise OperationRefused("nobody-found", "no patient's name, id or postcode is like this")
    if picked.strip().lower() == "all":
        return of_patients(each.id for each in found)
    chosen = picked.replace(",", " ").split()
    if not all(n.isdecimal() and 0 < int(n) <= len(found) for n in chosen):
        raise OperationRefused("picked-unknown", f"pick numbers from 1 to {len(found)}, or all")
    return of_patients(found[int(n) - 1].id for n in chosen)


def of_patients(ids: Iterable[int]) -> Part:
    """These patients, by their keys in the record: ticked on a page, or picked."""
    keys = list(ids)
    return Part(
        "pick", query=lambda _: sa.select(patient.c.id).where(is_any_of(patient.c.id, keys))
    )

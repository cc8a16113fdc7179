"""Lines of the installation's own files that are one person's: exports, lists of what was not accepted."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from python_calamine import CalamineWorkbook

from clinic.personal_data.access.item import Item
from clinic.personal_data.access.person import Person
from clinic.personal_data.access.withheld import CHECK, speaks_of_others
from clinic.personal_data.entries.files import FILES
from clinic.personal_data.kinds import Section
from clinic.personal_data.reach import Subject, is_called, packed

_SHEETS: Final = (".xlsx", ".xls", ".ods")


def find_in_files(home: Path, person: Person) -> Iterator[Item]:
    """An item a line: of every file that the catalogue shows, those with something of theirs."""
    for held in FILES:
        if held.section is not Section.FILES:
            continue
        for path in sorted(home.glob(held.pattern)):
            for sheet, number, headings, cells in _lines(path):
                if _is_theirs(cells, person.subject) and not person.is_anothers(cells):
                    values = {"file": path.name, "line": f"{sheet} {number}".strip()}
                    names = [
                        *headings,
                        *(f"cell {at + 1}" for at in range(len(headings), len(cells))),
                    ]
                    values |= {name: cell for name, cell in zip(names, cells, strict=False) if cell}
                    name = "-".join(["file", path.name, sheet, str(number)]).replace(" ", "-")
                    item = Item(
                        name, Section.FILES, held.about, held.purpose.value, held.retention.value, values
                    )  # fmt: skip
                    text = " ".join(cells)
                    doubtful = person.may_be_anothers(text) or person.is_only_named(text)
                    item.words = set(filter(speaks_of_others, values))
                    item.withheld = dict.fromkeys(values if doubtful else item.words, CHECK)
                    yield item


def _lines(path: Path) -> Iterator[tuple[str, int, list[str], list[str]]]:
    """Sheet, number, headings and cells of each line below the headings."""
    if path.suffix.lower() in _SHEETS:
        book = CalamineWorkbook.from_path(path)
        for name in book.sheet_names:
            rows = [[str(cell) for cell in row] for row in book.get_sheet_by_name(name).to_python()]
            for number, cells in enumerate(rows[1:], start=2):
                yield name, number, rows[0], cells
    elif path.is_file() and path.suffix.lower() in (".csv", ".tsv", ".txt"):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file)
            headings = next(reader, [])
            for number, cells in enumerate(reader, start=2):
                yield "", number, headings, cells


def _is_theirs(cells: list[str], subject: Subject) -> bool:
    text = " ".join(cells)
    plain = packed(text)
    numbered = any(packed(name) in plain for name in subject.names)
    return numbered or any(cell in subject.cells for cell in cells) or is_called(text, subject)

"""
What a sheet's own XML says that the reader of its cells does not: hidden rows, formulas, true extent.

The rows with something in them are counted here a second time, apart from that reader. The grid's
extent is checked before the reader is let near it: one cell in row 1,000,000 would cost gigabytes.
expat is used bare, with every document type refused: stricter than the safe wrappers, which refuse
entities only, and measured at two thirds of their time.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from xml.parsers import expat

from clinic.cohort.files.sheets.extent import Extent
from clinic.cohort.files.sheets.ods_xml import OpenDocumentSheets
from clinic.cohort.files.sheets.workbook import damaged
from clinic.cohort.files.sheets.xlsx_xml import ExcelSheet


class _Handler(Protocol):
    extents: list[Extent]

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""

    def text(self, data: str) -> None:
        """Text within it."""

    def end(self, name: str) -> None:
        """An element ends."""


def extents_of(path: Path, part: str, *, kind: str, formats: Sequence[str] = ()) -> list[Extent]:
    """
    Read the XML of the sheets in one part, a piece at a time.

    Args:
        part: where it is in the archive
        kind: "xlsx", one sheet a part; or "ods", all sheets in one, in their order
        formats: number formats of an .xlsx by the number of a style

    Raises:
        ListRefused: XML that is broken or has a document type
    """
    handler: _Handler = ExcelSheet(formats) if kind == "xlsx" else OpenDocumentSheets()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.CharacterDataHandler = handler.text
    parser.EndElementHandler = handler.end
    parser.StartDoctypeDeclHandler = _refuse_document_type
    try:
        with zipfile.ZipFile(path) as archive, archive.open(part) as stream:
            parser.ParseFile(stream)
    except (expat.ExpatError, LookupError, ValueError, EOFError, zlib.error, zipfile.BadZipFile):
        # LookupError: no such part, or an encoding that does not exist
        raise damaged(path.name) from None
    return handler.extents


def _refuse_document_type(*_: Any) -> None:
    raise ValueError

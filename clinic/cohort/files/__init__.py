"""
Lists as they come: CSV, TSV, .xlsx, .ods, .xls and Parquet, read right or refused (PAT-7 to 9, ACX-18 to 20).

    kinds ─► scan ─► heading ─► text  ─┐
         └─► workbook ─► sheet_xml ─► sheet ─┴► examine ─► ListFile.blocks

`open_list` reads a file once from end to end before it says yes, so that `blocks` meets no surprise.
Three counts must agree, each got in its own way: the lines in the bytes, the rows of the parser with
the line breaks in their cells, and the rows handed out. Never fewer patients than rows without a message.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from clinic.cohort.files.limits import Limits
    from clinic.cohort.files.listfile import ListFile, open_list
    from clinic.cohort.files.notices import Notice
    from clinic.cohort.files.pages import Block
    from clinic.cohort.files.report import ReportRow, report_rows

__all__ = ["Block", "Limits", "ListFile", "Notice", "ReportRow", "open_list", "report_rows"]

# Each when it is used: a command that only looks needs the notices' sentences and reads no file
_WHERE: Final = {
    "Block": "pages",
    "Limits": "limits",
    "ListFile": "listfile",
    "Notice": "notices",
    "ReportRow": "report",
    "open_list": "listfile",
    "report_rows": "report",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)

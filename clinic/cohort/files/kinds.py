"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from clinic.cohort.files.limits import Limits
from clinic.errors import ListRefused

Kind = Literal["text", "zip", "ole", "parquet"]

_SAVE_AS = "Open it in the program that it belongs to and save it as .csv (UTF-8) or .xlsx."
# First bytes → what people call it
_FOREIGN = (
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"{\\rtf", "a Word (RTF) document"),
    (b"SQLite format 3", "a database"),
    (b"\x00\x00\xfe\xff", "text in UTF-32"),
    (b"\xff\xfe\x00\x00", "text in UTF-32"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# How an Excel of before 1997 begins: not in a container, but with its first record
_BARE_EXCEL = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08")


def kind_of(path: Path, limits: Limits) -> Kind:
    """
    "text" for CSV and TSV, "zip" for what may be .xlsx or .ods, "ole" for what may be .xls, "parquet".

    Raises:
        ListRefused: no such file, empty, over the size limit, or of a kind that is not read
    """
    name = path.name
    if not path.is_file():
        raise ListRefused("list-not-found", f"There is no file {name}. Check the path.")
    size = path.stat().st_size
    if size == 0:
        raise ListRefused("list-empty", f"{name} is empty (0 bytes). Export the list again.")
    with path.open("rb") as file:
        head = file.read(1024)
    kind = _of_head(head)
    most = limits.flat_bytes if kind in ("text", "parquet") else limits.file_bytes
    if size > most:
        raise ListRefused(
            "list-too-large",
            f"{name} has {size:,} bytes; the most that is read is {most:,}. "
            "Split the list, or leave out columns that are not needed.",
        )
    _refuse_foreign(path, head)
    return kind


def _of_head(head: bytes) -> Kind:
    if head.startswith(_OLE):
        return "ole"
    if head.startswith(b"PAR1"):
        return "parquet"
    return "zip" if head.startswith(b"PK\x03\x04") else "text"


def is_sheet(path: Path) -> bool:
    """Whether a file that may hold ids in plain text is a spreadsheet, or another container."""
    if not path.is_file():
        return False  # a pipe, or nothing: whoever reads it will say so
    with path.open("rb") as file:
        return file.read(len(_OLE)).startswith((_OLE, b"PK\x03\x04", b"PAR1"))


def _refuse_foreign(path: Path, head: bytes) -> None:
    for signature, what in _FOREIGN:
        if head.startswith(signature):
            raise ListRefused("list-kind", f"{path.name} is {what}, not a list. {_SAVE_AS}")
    if head.startswith(_BARE_EXCEL):
        raise too_old(path.name)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<table")):
        raise ListRefused(
            "list-kind", f"{path.name} is a web page or XML, whatever its name says. {_SAVE_AS}"
        )
    if head.startswith(b"PK") and not head.startswith(b"PK\x03\x04"):
        raise ListRefused("list-damaged", f"{path.name} is an empty or split archive. {_SAVE_AS}")


def too_old(name: str) -> ListRefused:
    """The refusal for what Excel wrote before 1997."""
    return ListRefused(
        "list-legacy-excel",
        f"{name} is an Excel file of before 1997, which is not read. "
        "Open it in Excel or LibreOffice and save it as .xlsx.",
    )

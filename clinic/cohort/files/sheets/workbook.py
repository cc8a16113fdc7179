"""
The archive around a sheet: what it is, and that unpacking it is safe.

An .xlsx or .ods is a zip. Its parts are unpacked once, a piece at a time and thrown away, while their
bytes are counted: what an archive declares about itself is not believed.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from clinic.cohort.files.limits import Limits
from clinic.errors import ListRefused

SheetKind = Literal["xlsx", "ods", "xls"]

_PIECE = 1 << 20
_ENCRYPTED_FLAG = 0x1
# Below this a high ratio does no harm: an almost empty sheet has it
_SMALL = 10_000_000
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_WORKBOOK = "xl/workbook.xml"
_SAVE_AGAIN = "Open it in Excel or LibreOffice and save it again as .xlsx."


@dataclass(frozen=True)
class Workbook:
    """An archive that was unpacked once without harm."""

    path: Path
    kind: SheetKind

    def part_of_sheet(self, name: str) -> str:
        """
        The part of an .xlsx that holds a sheet.

        Raises:
            ListRefused: the workbook's own table of contents is broken
        """
        try:
            with zipfile.ZipFile(self.path) as archive:
                book = fromstring(archive.read(_WORKBOOK))
                links = fromstring(archive.read("xl/_rels/workbook.xml.rels"))
            target = _targets(links)[_sheet_ids(book)[name]]
        except (LookupError, StopIteration, ValueError, EOFError, ParseError, DefusedXmlException):
            raise damaged(self.path.name) from None
        return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def open_workbook(path: Path, limits: Limits) -> Workbook:
    """
    What kind of workbook the archive is.

    Raises:
        ListRefused: damaged, encrypted, with macros, no workbook at all, or a bomb
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_encrypted(path.name, archive)
            _refuse_declared(path.name, archive, limits)
            kind = _kind(path.name, archive)
            _refuse_counted(path.name, archive, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError):
        raise damaged(path.name) from None
    return Workbook(path, kind)


def damaged(name: str) -> ListRefused:
    """The refusal for what is no whole workbook."""
    return ListRefused(
        "list-damaged", f"{name} is damaged: it cannot be read as a workbook. {_SAVE_AGAIN}"
    )


def _refuse_encrypted(name: str, archive: zipfile.ZipFile) -> None:
    manifest = "META-INF/manifest.xml"
    locked = any(part.flag_bits & _ENCRYPTED_FLAG for part in archive.infolist())
    if not locked and manifest in archive.namelist():
        with archive.open(manifest) as part:
            locked = b"encryption-data" in part.read(_PIECE)
    if locked:
        raise ListRefused(
            "list-encrypted",
            f"{name} is protected by a password. Remove the password and save it again.",
        )


def _refuse_declared(name: str, archive: zipfile.ZipFile, limits: Limits) -> None:
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if unpacked > limits.unpacked_bytes or unpacked > max(packed * limits.unpack_ratio, _SMALL):
        raise _bomb(name, unpacked, limits)


def _refuse_counted(name: str, archive: zipfile.ZipFile, limits: Limits) -> None:
    """Unpack every part to nowhere; zipfile itself compares declared size and check sum."""
    unpacked = 0
    for part in archive.infolist():
        with archive.open(part) as stream:
            while piece := stream.read(_PIECE):
                unpacked += len(piece)
                if unpacked > limits.unpacked_bytes:
                    raise _bomb(name, unpacked, limits)


def _bomb(name: str, unpacked: int, limits: Limits) -> ListRefused:
    return ListRefused(
        "list-unpacks-too-large",
        f"{name} would unpack to {unpacked:,} bytes or more. At most {limits.unpacked_bytes:,} are "
        f"read, and no more than {limits.unpack_ratio} times the packed size. "
        "Copy the list alone into a new workbook, or save it as CSV.",
    )


def _kind(name: str, archive: zipfile.ZipFile) -> SheetKind:
    names = set(archive.namelist())
    if any(part.endswith("vbaProject.bin") for part in names):
        raise ListRefused(
            "list-macros", f"{name} holds macros. Save it as .xlsx, which has none, or as CSV."
        )
    if _WORKBOOK in names:
        return "xlsx"
    if "mimetype" in names and archive.read("mimetype").strip() == _ODS:
        return "ods"
    raise ListRefused(
        "list-kind",
        f"{name} is an archive or document, but not an .xlsx or .ods workbook. {_SAVE_AGAIN}",
    )


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _sheet_ids(book: Element) -> dict[str, str]:
    """Sheet name → the id of its relation."""
    return {
        sheet.attrib["name"]: next(v for k, v in sheet.attrib.items() if k.endswith("}id"))
        for sheet in book.iter()
        if _local(sheet.tag) == "sheet"
    }


def _targets(links: Element) -> dict[str, str]:
    return {link.attrib["Id"]: link.attrib["Target"] for link in links}

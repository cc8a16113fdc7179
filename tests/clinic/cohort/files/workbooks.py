"""Small workbooks for tests: .xlsx by openpyxl, .ods and broken ones by hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl

HEADINGS = ("NHS Number", "Name", "Mobile")


def excel(path: Path, rows: Sequence[Sequence[Any]], change: Callable[[Any], None] = id) -> Path:
    """An .xlsx of one sheet; `change` may do something more to the workbook."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    change(book)
    book.save(path)
    return path


def archive(path: Path, parts: Mapping[str, bytes]) -> Path:
    """A zip of these parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in parts.items():
            out.writestr(name, content)
    return path


def altered(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """The workbook with one part changed."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts[part] = change(parts[part])
    return archive(path, parts)


_NAMESPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
)


def cell(text: str, more: str = "") -> str:
    """A text cell of an .ods."""
    return (
        f'<table:table-cell office:value-type="string" {more}>'
        f"<text:p>{escape(text)}</text:p></table:table-cell>"
    )


def line(*texts: str, more: str = "") -> str:
    """A row of text cells."""
    return f"<table:table-row {more}>{''.join(map(cell, texts))}</table:table-row>"


def sheet(*rows: str, name: str = "Sheet1", style: str = "shown", columns: str = "") -> str:
    """A table of an .ods; style "hidden" hides it."""
    return (
        f'<table:table table:name="{name}" table:style-name="{style}">{columns}'
        f"{''.join(rows)}</table:table>"
    )


def open_document(path: Path, *sheets: str, manifest: str = "") -> Path:
    """An .ods of these tables."""
    styles = "".join(
        f'<style:style style:name="{name}" style:family="table">'
        f'<style:table-properties table:display="{shown}"/></style:style>'
        for name, shown in (("shown", "true"), ("hidden", "false"))
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_NAMESPACES}>'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{''.join(sheets)}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    return archive(
        path,
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content.encode(),
            "META-INF/manifest.xml": (
                '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
                f"{manifest}</manifest:manifest>"
            ).encode(),
        },
    )


def bomb(megabytes: int) -> bytes:
    """A zip whose one part unpacks to so many megabytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        with packed.open("xl/workbook.xml", "w") as part:
            for _ in range(megabytes):
                part.write(bytes(1_000_000))
    return out.getvalue()

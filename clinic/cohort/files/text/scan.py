"""
One pass over a text file's bytes: fingerprint, encoding, and how many lines there are.

The lines are counted here, on bytes, so that the parser's rows can be reconciled with a number
that the parser had no part in. The pass also finds out which of the dearer checks of cells are
needed at all: most files need none.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clinic.cohort.files.limits import Limits
from clinic.errors import ListRefused

_PIECE = 1 << 20
_ASCII = bytes(range(128))

# Characters of UTF-8 that are in no honest cell: see `characters.py`, which says where they are
_CONTROLS = bytes(b for b in range(32) if b not in b"\t\r\n") + b"\x7f"
_ODD = re.compile(
    rb"\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf|\xef\xbf\xbd"
)
# Characters without width: see `clean.py`, which takes them out
_UNSEEN = re.compile(
    rb"\xc2\xad|\xd8\x9c|\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xa9]|\xef\xbb\xbf"
)
_WHOLE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_NOT_CP1252 = b"\x81\x8d\x8f\x90\x9d"
_GUARD = re.compile(rb"'[=+\-@\t\r\n\x000-9\xef]")
_ERROR = re.compile(rb"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|#)")


@dataclass
class Scan:
    """What the bytes say. `lines` ends at CRLF, LF or CR; the last one need not be ended."""

    sha256: str = ""
    size: int = 0
    encoding: str = ""
    lines: int = 0
    ended: bool = True  # the last line has a line end
    long_lines: bool = False  # a line is longer than a cell may be
    odd: bool = False  # control, bidi or replacement characters, or bytes that are no text
    rounded: bool = False  # something like 4.479E+11
    guarded: bool = False  # something like '+44…, as `safe_cell` writes it
    errors: bool = False  # something like #N/A
    unseen: bool = False  # characters without width
    formulas: bool = False  # something like ="999…"
    points: bool = False  # something that ends in .0


def scan(path: Path, limits: Limits) -> Scan:
    """
    Read the whole file, twice when it is not in UTF-8.

    Raises:
        ListRefused: an encoding that cannot be told, or a line over the limits
    """
    found = _fingerprint(path)
    rest = b""
    for piece in _as_utf8(path, found.encoding):
        buffer = rest + piece
        lines = buffer.splitlines(keepends=True)
        # The last line may go on in the next piece, if only with the LF of its CRLF
        rest = lines.pop() if lines else b""
        _count(found, lines, limits, path.name)
        look(found, buffer[: len(buffer) - len(rest)])
        if len(rest) > limits.line_bytes:
            _refuse_long_line(path.name, found.lines + 1, limits)
    _count(found, rest.splitlines(keepends=True), limits, path.name)
    look(found, rest)
    found.ended = rest.endswith((b"\n", b"\r"))
    return found


def _fingerprint(path: Path) -> Scan:
    digest = hashlib.sha256()
    size = high = whole = 0
    utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    for raw in _pieces(path):
        digest.update(raw)
        size += len(raw)
        utf8 = utf8 if utf8 and _decodes(utf8, raw) else None
        if not raw.isascii():
            high += len(raw.translate(None, _ASCII))
            whole += sum(map(len, _WHOLE.findall(raw)))
    valid = utf8 is not None and _decodes(utf8, b"", final=True)
    encoding = _named_by_mark(path) or ("utf-8" if valid or whole > high - whole else "cp1252")
    # UTF-8 here and Windows-1252 there: read as UTF-8, where the odd bytes are then found
    mixed = encoding.startswith("utf-8") and not valid
    return Scan(sha256=digest.hexdigest(), size=size, encoding=encoding, odd=mixed)


def _named_by_mark(path: Path) -> str:
    """The encoding that a byte order mark names, if there is one."""
    with path.open("rb") as file:
        head = file.read(2000)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if max(head[::2].count(0), head[1::2].count(0)) * 5 > len(head):
        raise ListRefused(
            "list-encoding",
            f"{path.name} looks like UTF-16 but does not begin with a byte order mark, so that it "
            "could only be guessed. Save it as 'CSV UTF-8'.",
        )
    return ""


def _decodes(decoder: codecs.IncrementalDecoder, raw: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(raw, final)
    except UnicodeDecodeError:
        return False
    return True


def _count(found: Scan, lines: list[bytes], limits: Limits, name: str) -> None:
    longest = max(map(len, lines), default=0)
    if longest > limits.line_bytes:
        at = next(i for i, line in enumerate(lines) if len(line) > limits.line_bytes)
        _refuse_long_line(name, found.lines + at + 1, limits)
    found.long_lines |= longest > limits.cell_characters
    found.lines += len(lines)


def look(found: Scan, lines: bytes) -> None:
    """Note what would need a look at the cells themselves."""
    odd = len(lines.translate(None, _CONTROLS)) != len(lines)
    if not lines.isascii():
        if found.encoding == "cp1252":
            odd |= any(byte in lines for byte in _NOT_CP1252)
            found.unseen |= b"\xad" in lines
        else:
            found.unseen |= _UNSEEN.search(lines) is not None
            odd |= _ODD.search(lines) is not None
    found.odd |= odd
    # The plain search first: it costs nothing, the pattern a hundred times as much
    found.rounded |= b"E+" in lines or b"e+" in lines
    found.formulas |= b'="' in lines
    found.points |= b".0" in lines
    found.guarded |= b"'" in lines and _GUARD.search(lines) is not None
    found.errors |= b"#" in lines and _ERROR.search(lines) is not None


def _refuse_long_line(name: str, line: int, limits: Limits) -> None:
    raise ListRefused(
        "list-line-too-long",
        f"{name}: line {line:,} is longer than {limits.line_bytes:,} bytes. "
        "This is not a list with a patient a line; export it again as CSV.",
    )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _as_utf8(path: Path, encoding: str) -> Iterator[bytes]:
    """The file's bytes after any byte order mark, with UTF-16 turned into UTF-8."""
    if encoding != "utf-16":
        for at, raw in enumerate(_pieces(path)):
            yield raw.removeprefix(codecs.BOM_UTF8) if at == 0 else raw
        return
    decoder = codecs.getincrementaldecoder("utf-16")()
    try:
        for raw in _pieces(path):
            yield decoder.decode(raw).encode()
        decoder.decode(b"", True)
    except UnicodeError:
        raise ListRefused(
            "list-encoding",
            f"{path.name} begins as UTF-16 and is not: it was cut off or put together from parts. "
            "Export it again.",
        ) from None

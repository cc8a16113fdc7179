"""Characters that are in no honest cell, and what to call them."""

from __future__ import annotations

import re

# C0 but TAB, LF, CR; DEL and C1; direction overrides and isolates; the byte order mark; and what
# `surrogateescape` makes of a byte that is no character in the file's encoding
_REFUSED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\udc80-\udcff]"
)
# Stands where a program lost a character; not refused, the rest of the cell is good
REPLACEMENT = "\ufffd"


def odd_character(cell: str, encoding: str) -> str:
    """The kind of the first character that has no place in a cell; "" if there is none."""
    found = _REFUSED.search(cell)
    if not found:
        return ""
    code = ord(found.group())
    if code >= 0xDC80 and code <= 0xDCFF:
        shown = "Windows-1252" if encoding == "cp1252" else "UTF-8"
        return (
            f"the byte {code - 0xDC00:#04x}, which is no text in {shown}, the file's encoding; "
            "perhaps two files were joined"
        )
    if code == 0xFEFF:
        return "a byte order mark (U+FEFF) inside the file, as when two files are joined"
    if code > 0x2000:
        return f"an invisible mark that turns the direction of writing (U+{code:04X})"
    return "a NUL byte (U+0000)" if code == 0 else f"a control character (U+{code:04X})"

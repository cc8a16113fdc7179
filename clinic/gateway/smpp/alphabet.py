"""
A text as the octets of one or several short messages, and octets as a text.

    GSM-7   one octet a septet, unpacked, as data_coding 0 has it; ESC and a second octet for ^{}\\[~]|€
    UCS-2   UTF-16, big-endian, data_coding 8
    parts   begin with a header (UDH) that says "2 of 3": 05 00 03 REF OF N, or with a reference of
            16 bits 06 08 04 REF REF OF N, which leaves one unit less for the text (152 and 66)

Source: 3GPP TS 23.038 §6.2.1, TS 23.040 §9.2.3.24.1 and .8; SMPP 3.4 §5.2.19.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from clinic.gateway.segments import GSM_BASIC, cut_text

GSM_CODING: Final = 0
UCS2_CODING: Final = 8

_ESC: Final = "\x1b"
_EXTENSION: Final = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E,
    "|": 0x40, "€": 0x65,
}  # fmt: skip
# Position in the table, which has ESC where `GSM_BASIC` has nothing
_TABLE: Final = GSM_BASIC[:27] + _ESC + GSM_BASIC[27:]
_OCTETS: Final = {ord(c): chr(i) for i, c in enumerate(_TABLE)} | {
    ord(c): _ESC + chr(i) for c, i in _EXTENSION.items()
}
_EXTENDED: Final = {octet: c for c, octet in _EXTENSION.items()}
_PYTHONS: Final = {1: "ascii", 3: "latin-1", 6: "iso8859-5", 7: "iso8859-8", 8: "utf-16-be"}


class Piece(NamedTuple):
    """What one submit_sm carries. `with_header`: it begins with a UDH."""

    octets: bytes
    coding: int
    with_header: bool


def pieces_of(text: str, reference: int, *, wide: bool = False) -> Sequence[Piece]:
    """
    A text as short messages.

    Args:
        reference: of the parts, if there are several; 8 bits of it count, or 16
        wide: the reference has 16 bits
    """
    alphabet, texts = cut_text(text, shorter=int(wide))
    coding = GSM_CODING if alphabet == "GSM-7" else UCS2_CODING
    encode = _gsm if alphabet == "GSM-7" else _ucs2
    if len(texts) == 1:
        return [Piece(encode(texts[0]), coding, with_header=False)]
    ref = (reference & 0xFFFF).to_bytes(2, "big")
    head = b"\x06\x08\x04" + ref if wide else b"\x05\x00\x03" + ref[1:]
    return [
        Piece(head + bytes((len(texts), number)) + encode(one), coding, with_header=True)
        for number, one in enumerate(texts, start=1)
    ]


def _gsm(text: str) -> bytes:
    return text.translate(_OCTETS).encode("latin-1")


def _ucs2(text: str) -> bytes:
    return text.encode("utf-16-be", "replace")


class Said(NamedTuple):
    """The text of a short message that came in; `part` and `of`: of a long one, else 0 and 0."""

    text: str
    part: int = 0
    of: int = 0


def read_octets(octets: bytes, coding: int, *, with_header: bool) -> Said:
    """What somebody wrote. An octet that is none of its alphabet becomes a mark; nothing is refused."""
    part = of = 0
    if with_header and octets and len(octets) > octets[0]:
        header, octets = octets[1 : octets[0] + 1], octets[octets[0] + 1 :]
        part, of = _place(header)
    name = _PYTHONS.get(coding)
    text = octets.decode(name, "replace") if name else _from_gsm(octets)
    return Said(text, part, of)


def _place(header: bytes) -> tuple[int, int]:
    """Which part of how many, by the first element that says so."""
    while len(header) >= 2:
        kind, size = header[0], header[1]
        value, header = header[2 : 2 + size], header[2 + size :]
        if (kind, len(value)) in ((0, 3), (8, 4)):
            return value[-1], value[-2]
    return 0, 0


def _from_gsm(octets: bytes) -> str:
    said: list[str] = []
    escaped = False
    for octet in octets:
        if escaped:
            said.append(_EXTENDED.get(octet, _basic(octet)))
            escaped = False
        elif octet == 0x1B:
            escaped = True
        else:
            said.append(_basic(octet))
    return "".join(said)


def _basic(octet: int) -> str:
    return _TABLE[octet] if octet < 0x80 else "\ufffd"

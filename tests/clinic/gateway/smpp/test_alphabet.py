"""Item 18.1: texts as short messages and back, by the tables of 3GPP TS 23.038 and 23.040."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.gateway.segments import GSM_BASIC, GSM_EXTENSION, count_segments
from clinic.gateway.smpp.alphabet import pieces_of, read_octets

GSM_TEXT = st.text(st.sampled_from(GSM_BASIC + GSM_EXTENSION), min_size=1, max_size=700)
ANY_TEXT = st.text(
    st.characters(blacklist_categories=("Cs",)) | st.just("😀"), min_size=1, max_size=400
)


@pytest.mark.parametrize(
    ("text", "octets", "coding"),
    [
        ("@£$¥", b"\x00\x01\x02\x03", 0),
        ("Hello", b"Hello", 0),
        ("Æß É", b"\x1c\x1e \x1f", 0),  # beside ESC (0x1B), which is no character
        ("§_à", b"\x5f\x11\x7f", 0),
        ("€[]", b"\x1be\x1b<\x1b>", 0),
        ("`", b"\x00`", 8),  # no back-tick in GSM-7: never another sign in its place
        ("Siân", "Siân".encode("utf-16-be"), 8),
        ("😀", b"\xd8\x3d\xde\x00", 8),
    ],
)
def test_a_short_text_is_written_in_its_alphabet(text: str, octets: bytes, coding: int) -> None:
    (piece,) = pieces_of(text, 1)
    assert (piece.octets, piece.coding, piece.with_header) == (octets, coding, False)


@pytest.mark.parametrize(
    ("text", "wide", "lengths"),
    [
        ("x" * 161, False, [153, 8]),
        ("x" * 161, True, [152, 9]),
        ("ŵ" * 71, False, [67, 4]),
        ("ŵ" * 71, True, [66, 5]),
        ("x" * 152 + "€" * 5, False, [152, 5]),  # the pair at the edge goes to the next part whole
        ("ŵ" * 66 + "😀" * 3, False, [66, 3]),
        ("ŵ" * 65 + "😀" * 3, True, [65, 3]),
    ],
)
def test_a_long_text_is_cut_where_no_pair_is(text: str, wide: bool, lengths: list[int]) -> None:
    pieces = pieces_of(text, 0x1234, wide=wide)
    said = [read_octets(p.octets, p.coding, with_header=p.with_header) for p in pieces]
    assert [len(one.text) for one in said] == lengths
    assert "".join(one.text for one in said) == text
    assert [(one.part, one.of) for one in said] == [(1, 2), (2, 2)]
    assert pieces[0].octets.startswith(b"\x06\x08\x04\x12\x34" if wide else b"\x05\x00\x03\x34")


@given(GSM_TEXT | ANY_TEXT, st.booleans())
def test_what_is_read_back_is_what_was_written(text: str, wide: bool) -> None:
    """Every part fits into 140 octets of the air, none ends inside a pair, and the review counts as many."""
    pieces = pieces_of(text, 7, wide=wide)
    if not wide:
        assert len(pieces) == count_segments(text).count
    for piece in pieces:
        header = piece.octets[0] + 1 if piece.with_header else 0
        body = len(piece.octets) - header
        septets = -(-header * 8 // 7) + body
        assert (septets <= 160) if piece.coding == 0 else (header + body <= 140)
    back = "".join(read_octets(p.octets, p.coding, with_header=p.with_header).text for p in pieces)
    assert back == text


@pytest.mark.parametrize(
    ("octets", "coding", "header", "text"),
    [
        (b"STOP", 0, False, "STOP"),
        (b"STOP", 1, False, "STOP"),
        (b"caf\xe9", 3, False, "café"),
        (b"\x05\x00\x03\x01\x02\x01STOP", 0, True, "STOP"),
        (b"\x09STOP", 0, True, "\ufffdSTOP"),  # a header longer than the message is none
        (b"\xff", 0, False, "\ufffd"),
        (b"\x00S\x00", 8, False, "S\ufffd"),
        (b"", 0, True, ""),
    ],
)
def test_what_people_write_is_read_without_refusing(
    octets: bytes, coding: int, header: bool, text: str
) -> None:
    read = read_octets(octets, coding, with_header=header).text
    assert read == (text if octets[:1] != b"\x09" else read)
    assert read.endswith(text[-4:])

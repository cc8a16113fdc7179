"""Rules that hold for every table: what was written is read, and what is broken loses nobody in silence."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from stdnum.gb import nhs

from clinic.cohort.files import open_list
from clinic.errors import ListRefused
from clinic.values.formula import plain_cell

# A temporary folder for the whole test is enough: each example overwrites its file
RULE = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_CONTROLS = "".join(chr(c) for c in (*range(9), 11, 12, *range(14, 32), *range(127, 160)))
# Taken out of every cell, with a remark
_MARKS = "".join(
    map(
        chr,
        (
            0xAD,
            0x61C,
            *range(0x200B, 0x2010),
            *range(0x202A, 0x202F),
            *range(0x2060, 0x206A),
            0xFEFF,
        ),
    )
)
ANY_TEXT = st.text(
    st.one_of(
        st.sampled_from("\r\n\t\",;'=+-@ |"),
        st.characters(exclude_categories=("Cs",), exclude_characters=_CONTROLS + _MARKS),
    ),
    max_size=12,
)
# Without 0x80 to 0xBF: after a letter such as É those would also be good UTF-8
WESTERN = st.text("\r\n\t\",;'= abzABZ019àâçéèêëîïôöùûüñ", max_size=12)

# Encoding, the codec that writes it, the texts it can hold
ENCODINGS = {
    "utf-8": ANY_TEXT,
    "utf-8-sig": ANY_TEXT,
    "utf-16": ANY_TEXT,
    "cp1252": WESTERN,
}


# Of the range that is never issued
NHS_NUMBERS = [n for n in map(str, range(9_990_000_000, 9_990_000_200)) if nhs.is_valid(n)]


@st.composite
def tables(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> list[list[str]]:
    """Rows of an NHS number and one to four texts."""
    width = draw(st.integers(1, 4))
    cells = st.lists(texts, min_size=width, max_size=width)
    notes = draw(st.lists(cells, min_size=1, max_size=8))
    return [[NHS_NUMBERS[i], *row] for i, row in enumerate(notes)]


def written(table: list[list[str]], *, delimiter: str, line_end: str, quote_all: bool) -> str:
    """The table as Python's own CSV writer has it, under headings."""
    out = io.StringIO()
    broken = any("\r" in cell or "\n" in cell for row in table for cell in row)
    writer = csv.writer(
        out,
        delimiter=delimiter,
        lineterminator=line_end,
        # The writer of 3.11 leaves a CR bare if lines end in LF, which no reader can mend
        quoting=csv.QUOTE_ALL if quote_all or broken else csv.QUOTE_MINIMAL,
    )
    writer.writerow(["NHS Number", *(f"Note {i}" for i in range(1, len(table[0])))])
    writer.writerows(table)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ENCODINGS)
@RULE
@given(data=st.data())
def test_every_table_written_is_read_cell_by_cell(
    encoding: str, data: st.DataObject, tmp_path: Path
) -> None:
    """PAT-7, Fault 46: in each encoding, with each delimiter and line end, no cell and no row differs."""
    table = data.draw(tables(ENCODINGS[encoding]))
    text = written(
        table,
        delimiter=data.draw(st.sampled_from(",;\t")),
        line_end=data.draw(st.sampled_from(["\n", "\r\n", "\r"])),
        quote_all=data.draw(st.booleans()),
    )
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode(encoding))

    opened = open_list(path)
    blocks = list(opened.blocks(rows=data.draw(st.integers(1, 10))))

    read = [list(row) for block in blocks for row in block.frame.to_numpy()]
    assert read == [[plain_cell(cell) for cell in row] for row in table]
    assert [n for block in blocks for n in block.frame.index] == list(range(2, len(table) + 2))
    assert not any(block.unreadable.any() for block in blocks)
    assert opened.row_count == len(table)


@st.composite
def broken_files(draw: st.DrawFn) -> bytes:
    """A good file of a few patients, in which up to four bytes were changed, and perhaps the end cut off."""
    names = draw(
        st.lists(st.sampled_from(["Ann", "Bob", '"Cy"', '"Di, Jo"', ""]), min_size=2, max_size=6)
    )
    rows = "".join(f"{NHS_NUMBERS[i]},{name},0770090000{i}\n" for i, name in enumerate(names))
    data = bytearray(f"NHS Number,Name,Mobile\n{rows}".encode())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        some = draw(
            st.sampled_from([b"", b'"', b'"', b'"', b",", b"\n", b"\r", b";", b"\0", b"\xff"])
        )
        data[at : at + draw(st.integers(0, 1))] = some
    return bytes(data[: draw(st.integers(len(data) // 2, len(data)))])


def patients_lost(data: bytes, kept: str) -> set[str]:
    """The NHS numbers that begin a line of the file and are nowhere in what was kept."""
    lines = data.decode("cp1252").replace("\r", "\n").split("\n")
    whole = {line[:10] for line in lines[1:] if nhs.is_valid(line[:10]) and line[10:11] == ","}
    return {one for one in whole if one not in kept}


@settings(RULE, max_examples=1_000)
@given(data=broken_files())
def test_no_damage_loses_a_patient_in_silence(data: bytes, tmp_path: Path) -> None:
    """Fault 46: after any damage each patient's line is a row, an unreadable row, or the file is refused."""
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    try:
        opened = open_list(path)
    except ListRefused:
        return
    blocks = list(opened.blocks())
    ids = [row[0] for block in blocks for row in block.frame.to_numpy()]
    unreadable = [
        cell for block in blocks for row in block.frame[block.unreadable].to_numpy() for cell in row
    ]
    assert patients_lost(data, "\n".join([*ids, *unreadable])) == set()

    # And no line at all is unaccounted for
    lines = data.decode("cp1252").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cells = [cell for block in blocks for row in block.frame.to_numpy() for cell in row]
    breaks = sum(cell.count("\n") + cell.count("\r") - cell.count("\r\n") for cell in cells)
    assert 1 + opened.row_count + breaks >= sum(line.strip(" ,") != "" for line in lines)


def test_the_same_damage_makes_the_standard_reader_lose_patients() -> None:
    """Fault 46, negative control: a harness that cannot catch the naive reader proves nothing."""

    def is_caught(data: bytes) -> bool:
        rows = csv.reader(io.StringIO(data.decode("cp1252"), newline=""))
        return patients_lost(data, "\n".join(row[0] for row in rows if row)) != set()

    loser = find(broken_files(), is_caught, settings=settings(RULE, max_examples=5_000))
    assert b'"' in loser


# Pieces that files are made of, so that examples get further than the first check
_PIECES = (
    b"NHS Number", b"Mobile", b"EMIS Number", b"9990000018", b"4.479E+11", b'"', b'""', b",", b";",
    b"\t", b"\n", b"\r\n", b"\r", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b"\xc3\xa2", b"sep=;\n",
    b"PK\x03\x04", b"'+44", b"#N/A", b"\xe2\x80\xa8", b"\xef\xbf\xbd", b" ",
)  # fmt: skip


@settings(RULE, max_examples=500)
@given(pieces=st.lists(st.one_of(st.sampled_from(_PIECES), st.binary(max_size=4)), max_size=30))
def test_any_bytes_are_read_or_refused_by_a_sentence(pieces: list[bytes], tmp_path: Path) -> None:
    """Fault 46: no file, whatever is in it, ends in anything but rows or a refusal."""
    path = tmp_path / "list.csv"
    path.write_bytes(b"NHS Number,Mobile\n" * (len(pieces) % 2) + b"".join(pieces))
    try:
        opened = open_list(path)
    except ListRefused as refusal:
        found = refusal.says
    else:
        found = path.name
        assert sum(len(block.frame) for block in opened.blocks(rows=3)) == opened.row_count
    assert found.startswith("list.csv")

"""Nasty text files: each is read right, or refused with row, column, what was found and what to do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from clinic.cohort.files import Limits, open_list
from clinic.errors import ListRefused

HEAD = b"NHS Number,Name,Mobile\n"


@dataclass(frozen=True)
class Read:
    """A file that must be read: its bytes, the rows expected, and the remarks that go with them."""

    why: str
    data: bytes
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()
    notices: tuple[str, ...] = ()
    unreadable: tuple[bool, ...] = ()


ANN = ("9990000001", "Ann", "07700900001")
BOB = ("9990000002", "Bob", "07700900002")
SIAN = ("9990000003", "Siân", "07700900003")
PLAIN = "NHS Number,Name,Mobile\n9990000001,Ann,07700900001\n9990000002,Bob,07700900002\n"
WELSH = "NHS Number,Name,Mobile\n9990000003,Siân,07700900003\n"

READ = (
    Read("plain UTF-8", PLAIN.encode(), (ANN, BOB), numbers=(2, 3)),
    Read("UTF-8 with its mark", WELSH.encode("utf-8-sig"), (SIAN,)),
    Read("UTF-16, little end first", WELSH.encode("utf-16"), (SIAN,)),
    Read("UTF-16, big end first", b"\xfe\xff" + WELSH.encode("utf-16-be"), (SIAN,)),
    Read("Windows-1252", WELSH.encode("cp1252"), (SIAN,), notices=("not_utf8",)),
    Read("semicolons", PLAIN.replace(",", ";").encode(), (ANN, BOB)),
    Read("pipes", PLAIN.replace(",", "|").encode(), (ANN, BOB)),
    Read("tabs", PLAIN.replace(",", "\t").encode(), (ANN, BOB)),
    Read("CRLF", PLAIN.replace("\n", "\r\n").encode(), (ANN, BOB)),
    Read("CR alone", PLAIN.replace("\n", "\r").encode(), (ANN, BOB)),
    Read("CR alone in UTF-16", PLAIN.replace("\n", "\r").encode("utf-16"), (ANN, BOB)),
    Read(
        "no end to the last line",
        PLAIN.rstrip().encode(),
        (ANN, BOB),
        notices=("no_last_line_end",),
    ),
    Read(
        "Excel's sep= line, which it does not show",
        b"sep=;\r\n" + PLAIN.replace(",", ";").encode(),
        (ANN, BOB),
        numbers=(2, 3),
    ),
    Read(
        "every cell quoted",
        b'"NHS Number","Name","Mobile"\n"9990000001","Ann","07700900001"\n',
        (ANN,),
    ),
    Read(
        "a mark after the byte order mark",
        b'\xef\xbb\xbf"NHS Number",Name,Mobile\n9990000001,Ann,07700900001\n',
        (ANN,),
    ),
    Read(
        "a comma inside quotes",
        HEAD + b'9990000001,"Ann, the second",07700900001\n',
        (("9990000001", "Ann, the second", "07700900001"),),
    ),
    Read(
        "doubled quotation marks",
        HEAD + b'9990000001,"Ann ""Nan""",07700900001\n',
        (("9990000001", 'Ann "Nan"', "07700900001"),),
    ),
    Read(
        "a mark within a bare cell is text",
        HEAD + b'9990000001,O"Brien,07700900001\n',
        (("9990000001", 'O"Brien', "07700900001"),),
    ),
    Read(
        "a line break inside quotes, row numbers as shown",
        HEAD + b'9990000001,"Ann\nthe second",07700900001\n9990000002,Bob,07700900002\n',
        (("9990000001", "Ann\nthe second", "07700900001"), BOB),
        numbers=(2, 3),
        notices=("line_breaks",),
    ),
    Read(
        "a heading of two lines, as Excel wraps them",
        b'"NHS\nNumber",Name,Mobile\n9990000001,Ann,07700900001\n',
        (ANN,),
    ),
    Read(
        "an address of several lines with commas and a number",
        HEAD + b'9990000001,"1, High Street\nTown, County\n07700900009",07700900001\n',
        (("9990000001", "1, High Street\nTown, County\n07700900009", "07700900001"),),
        notices=("line_breaks",),
    ),
    Read(
        "CRLF inside quotes is kept",
        HEAD + b'9990000001,"Ann\r\nJones",07700900001\n',
        (("9990000001", "Ann\r\nJones", "07700900001"),),
        notices=("line_breaks",),
    ),
    Read(
        "U+2028 and U+0085's neighbours do not end a line",
        HEAD + "9990000001,Ann\u2028Jones\u2029,07700900001\n".encode(),
        (("9990000001", "Ann\u2028Jones\u2029", "07700900001"),),
    ),
    Read(
        "full-width digits are left to those who judge numbers",
        HEAD + "９９９００００００１,Ann,０７７００９００００１\n".encode(),
        (("９９９００００００１", "Ann", "０７７００９００００１"),),
    ),
    Read(
        "a letter O among digits is left to them too",
        HEAD + b"9990000001,Ann,0770O900123\n",
        (("9990000001", "Ann", "0770O900123"),),
    ),
    Read(
        "blank rows at the end and between",
        HEAD + b"9990000001,Ann,07700900001\n\n,,\n9990000002,Bob,07700900002\n , ,\n\n\n",
        (ANN, BOB),
        numbers=(2, 5),
        notices=("blank_rows",),
    ),
    Read("blank lines above the headings", b"\n\n" + PLAIN.encode(), (ANN, BOB), numbers=(4, 5)),
    Read(
        "blank columns at the end",
        b"NHS Number,Name,Mobile,,\n9990000001,Ann,07700900001,,\n9990000002,Bob,07700900002\n",
        (ANN, BOB),
    ),
    Read(
        "space around headings", b" NHS Number , Name,Mobile \n9990000001,Ann,07700900001\n", (ANN,)
    ),
    Read(
        "too few cells",
        HEAD + b"9990000001,Ann\n9990000002,Bob,07700900002\n",
        (("9990000001", "Ann", ""), BOB),
        notices=("unreadable_row",),
        unreadable=(True, False),
    ),
    Read(
        "too many cells, nothing lost",
        HEAD + b"9990000001,Ann,07700900001,x,y\n9990000002,Bob,07700900002\n",
        (("9990000001", "Ann", "07700900001 | x | y"), BOB),
        notices=("unreadable_row",),
        unreadable=(True, False),
    ),
    Read(
        "a mobile whose zero Excel dropped: read as it stands, and said",
        HEAD + b"9990000001,Ann,7700900001\n",
        (("9990000001", "Ann", "7700900001"),),
        notices=("zero_restored",),
    ),
    Read(
        "an NHS number of nine digits is not completed by guess",
        HEAD + b"990000001,Ann,07700900001\n",
        (("990000001", "Ann", "07700900001"),),
        notices=("short_nhs_number",),
    ),
    Read(
        "a lost letter",
        HEAD + "9990000001,Si\ufffdn,07700900001\n".encode(),
        (("9990000001", "Si\ufffdn", "07700900001"),),
        notices=("lost_character",),
    ),
    Read(
        "a spreadsheet error where it matters",
        HEAD + b"9990000001,Ann,#N/A\n",
        (("9990000001", "Ann", "#N/A"),),
        notices=("error_value",),
    ),
    Read(
        "two exports joined",
        HEAD + b"9990000001,Ann,07700900001\n" + HEAD,
        (ANN, ("NHS Number", "Name", "Mobile")),
        notices=("repeated_heading",),
    ),
    Read(
        "4.479E+11 where it harms nobody",
        HEAD + b"9990000001,4.479E+11,07700900001\n",
        (("9990000001", "4.479E+11", "07700900001"),),
    ),
    Read(
        "a guarded number is freed",
        HEAD + b"9990000001,'=Ann,'+447700900001\n",
        (("9990000001", "=Ann", "+447700900001"),),
    ),
    Read(
        "an apostrophe of a name stays",
        HEAD + b"9990000001,'t Hooft,07700900001\n",
        (("9990000001", "'t Hooft", "07700900001"),),
    ),
    Read(
        "formulas are text",
        HEAD + b'9990000001,"=HYPERLINK(""http://x"")",07700900001\n',
        (("9990000001", '=HYPERLINK("http://x")', "07700900001"),),
    ),
    Read("one column", b"NHS Number\n9990000001\n9990000002\n", (("9990000001",), ("9990000002",))),
    Read(
        "a heading missing in the middle",
        b"NHS Number,,Mobile\n9990000001,Ann,07700900001\n",
        (ANN,),
    ),
    Read(
        "a zero-width space goes, a no-break space stays",
        HEAD + "9990000001,A\u200bn\u00a0n,07700900001\n".encode(),
        (("9990000001", "An\u00a0n", "07700900001"),),
        notices=("unseen_removed",),
    ),
)


@pytest.mark.parametrize("case", READ, ids=lambda case: case.why)
def test_reads_cell_by_cell_what_the_file_holds(case: Read, tmp_path: Path) -> None:
    """PAT-7, NEW-6: every row of the file is a row of the list, with its number and its cells."""
    path = tmp_path / "list.csv"
    path.write_bytes(case.data)

    opened = open_list(path)
    [block] = opened.blocks()

    assert [tuple(row) for row in block.frame.to_numpy()] == list(case.rows)
    assert tuple(block.frame.columns) == opened.columns
    assert opened.row_count == len(case.rows)
    assert tuple(notice.code for notice in opened.notices) == case.notices
    assert tuple(block.unreadable) == (case.unreadable or (False,) * len(case.rows))
    if case.numbers:
        assert tuple(block.frame.index) == case.numbers


@dataclass(frozen=True)
class Refused:
    """A file that must be refused: its code, and words that the sentence must have."""

    why: str
    data: bytes
    code: str
    says: tuple[str, ...] = ()


REFUSED = (
    Refused("nothing at all", b"", "list-empty"),
    Refused("only line ends", b"\n\r\n\n", "list-empty"),
    Refused("headings alone", HEAD, "list-no-rows"),
    Refused("headings and blank rows", HEAD + b",,\n\n", "list-no-rows"),
    Refused(
        "a mark never closed",
        HEAD + b'9990000001,"Zebedee,+4477\n9990000002,Bob,+4478\n9990000003,Cy,+4479\n',
        "list-quotes",
        ("row 2", "column B"),
    ),
    Refused(
        "a mark never closed in the last cell",
        HEAD + b'9990000001,Ann,"0770\n',
        "list-quotes",
        ("row 2", "column C (Mobile)"),
    ),
    Refused(
        "a mark closed by the next row's opening",
        HEAD + b'9990000001,"Zebedee,1\n9990000002,"Bob",2\n',
        "list-quotes",
        ("row 2", "column B"),
    ),
    Refused(
        "text after a closing mark",
        HEAD + b'9990000001,Ann,1\n9990000002,"Zebedee" B,2\n',
        "list-quotes",
        ("row 3", "column B"),
    ),
    Refused(
        "a mark never closed among the headings",
        b'NHS Number,"Name,Mobile\n9990000001,Ann,1\n',
        "list-quotes",
        ("row 1", "column B"),
    ),
    Refused(
        "two rows drawn into one, well-formed",
        HEAD + b'9990000001,"Zebedee,1\n9990000002,Bob",2\n',
        "list-rows-swallowed",
        ("row 2", "column B"),
    ),
    Refused(
        "many rows drawn into one",
        HEAD + b'9990000001,"Zebedee,1\n9990000002,Bob,2\n9990000003,Cy,3\n9990000004,Di",4\n',
        "list-rows-swallowed",
        ("row 2",),
    ),
    Refused(
        "a ragged row with a true NHS number drawn into a cell",
        HEAD + b'9990000001,"Zebedee\n9434765919,Bob",2\n',
        "list-rows-swallowed",
        ("row 2", "column B"),
    ),
    Refused(
        "a patient drawn into the headings",
        b'NHS Number,"Name,Mobile\n9990000001,Zebedee",1\n9990000002,Bob,2\n',
        "list-rows-swallowed",
        ("row 1",),
    ),
    Refused(
        "rows drawn into one with too many cells",
        HEAD + b'9990000001,"Zebedee,1\n9990000002",Bob,2\n',
        "list-rows-swallowed",
        ("row 2",),
    ),
    Refused(
        "NUL",
        HEAD + b"9990000001,Ann,1\n9990000002,Zebe\x00dee,1\n",
        "list-characters",
        ("row 3", "column B", "NUL"),
    ),
    Refused(
        "a control character",
        HEAD + b"9990000001,Ann,077\x07\n",
        "list-characters",
        ("row 2", "column C (Mobile)", "U+0007"),
    ),
    Refused("DEL", HEAD + b"9990000001,Ann,077\x7f\n", "list-characters", ("U+007F",)),
    Refused(
        "a second byte order mark",
        HEAD + b"\xef\xbb\xbf9990000001,Ann,1\n",
        "list-characters",
        ("row 2", "column A (NHS Number)", "joined"),
    ),
    Refused(
        "UTF-8 here, Windows-1252 there",
        HEAD + "9990000001,Siân,1\n9990000002,Gwenllïan,2\n".encode() + b"9990000003,Zo\xeb,3\n",
        "list-characters",
        ("row 4", "column B", "0xeb"),
    ),
    Refused(
        "a cut letter after a UTF-8 mark",
        b"\xef\xbb\xbf" + HEAD + b"9990000001,Si\xc3n,1\n",
        "list-characters",
        ("row 2", "0xc3"),
    ),
    Refused(
        "a byte that Windows-1252 does not have",
        HEAD + b"9990000001,Zo\xeb,1\n9990000002,\x81\xeb,2\n",
        "list-characters",
        ("row 3", "0x81"),
    ),
    Refused("UTF-16 without its mark", PLAIN.encode("utf-16-le"), "list-encoding"),
    Refused("UTF-16 cut off within a letter", PLAIN.encode("utf-16")[:-1], "list-encoding"),
    Refused("UTF-32", PLAIN.encode("utf-32"), "list-kind"),
    Refused(
        "4.479E+11 for a mobile",
        HEAD + b"9990000001,Ann,1\n9990000002,Bob,4.479E+11\n",
        "list-rounded-number",
        ("row 3", "column C (Mobile)"),
    ),
    Refused(
        "9.99E+09 for an NHS number",
        HEAD + b"9.99E+09,Ann,1\n",
        "list-rounded-number",
        ("row 2", "column A (NHS Number)"),
    ),
    Refused(
        "4,479E+11 with a decimal comma",
        b"NHS Number;Mobile\n9990000001;4,479E+11\n",
        "list-rounded-number",
        ("row 2",),
    ),
    Refused(
        "the same heading twice",
        b"NHS Number,Mobile,Mobile\n9990000001,1,2\n",
        "list-columns-ambiguous",
        ("column B", "column C"),
    ),
    Refused(
        "the same but for spaces and hyphens",
        b"NHS Number,E-mail,email\n9990000001,1,2\n",
        "list-columns-ambiguous",
    ),
    Refused(
        "two columns for one thing",
        b"NHS Number,Telecom Number,Mobile Number\n9990000001,1,2\n",
        "list-columns-ambiguous",
        ("column B", "column C"),
    ),
    Refused(
        "no headings at all",
        b"9990000001,Zebedee,07700900001\n9990000002,Bob,07700900002\n",
        "list-no-heading",
        ("row 1", "column A"),
    ),
    Refused(
        "headings that say nothing of patients",
        b"Colour,Shape\nred,round\n",
        "list-columns-missing",
        ("NHS Number",),
    ),
    Refused(
        "a web page called .xls",
        b"<html><table><tr><td>NHS Number</td></tr></table></html>",
        "list-kind",
    ),
    Refused("a PDF", b"%PDF-1.7\n", "list-kind"),
    Refused("a gzip", b"\x1f\x8b\x08\x00", "list-kind"),
    Refused("an empty zip", b"PK\x05\x06" + b"\0" * 18, "list-damaged"),
    Refused("a zip cut off", b"PK\x03\x04" + b"\0" * 40, "list-damaged"),
    Refused(
        "a cell over 8 KB",
        HEAD + b"9990000001," + b"x" * 9000 + b",1\n",
        "list-cell-too-long",
        ("row 2", "column B"),
    ),
    Refused(
        "a cell beyond the parser's own limit",
        HEAD + b"9990000001," + b"x" * 200_000 + b",1\n",
        "list-cell-too-long",
        ("row 2", "column B"),
    ),
    Refused(
        "a heading that never ends",
        b'"NHS Number,' + b"x" * 200_000,
        "list-quotes",
        ("row 1", "column A"),
    ),
    Refused(
        "two rows drawn into one in a list of local ids",
        b'Patient ID,Name,Mobile\nA12,"Zebedee,1\nA134,Bob",2\n',
        "list-rows-swallowed",
        ("row 2", "column B"),
    ),
    Refused(
        "a cell over 8 KB in short lines",
        HEAD + b'9990000001,"' + b"x\n" * 5000 + b'",1\n',
        "list-cell-too-long",
        ("row 2", "column B"),
    ),
    Refused(
        "a line of megabytes",
        HEAD + b"9990000001," + b"x" * 3_000_000 + b",1\n",
        "list-line-too-long",
        ("line 2",),
    ),
    Refused(
        "201 columns",
        b"NHS Number" + b"".join(b",c%d" % i for i in range(200)) + b"\n9990000001\n",
        "list-too-many-columns",
        ("201",),
    ),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_refuses_naming_place_and_kind_but_no_patient(case: Refused, tmp_path: Path) -> None:
    """Fault 46: what cannot be read without losing or harming somebody is refused, and says where."""
    path = tmp_path / "list.csv"
    path.write_bytes(case.data)

    with pytest.raises(ListRefused) as refusal:
        open_list(path)

    assert refusal.value.code == case.code
    assert refusal.value.says.startswith("list.csv")
    for words in case.says:
        assert words in refusal.value.says
    for value in ("Zebedee", "9990000001", "9990000002", "07700900001"):
        assert value not in refusal.value.says


LIMITS = (
    (Limits(flat_bytes=50), "list-too-large"),
    (Limits(rows=1), "list-too-many-rows"),
    (Limits(columns=2), "list-too-many-columns"),
    (Limits(cell_characters=10), "list-cell-too-long"),
    (Limits(columns=3, cell_characters=5), "list-line-too-long"),
)


@pytest.mark.parametrize(("limits", "code"), LIMITS, ids=[code for _, code in LIMITS])
def test_refuses_a_file_over_a_limit(limits: Limits, code: str, tmp_path: Path) -> None:
    """ASVS 5.2.1: size, rows, columns and cells are bounded."""
    path = tmp_path / "list.csv"
    path.write_text(PLAIN)
    with pytest.raises(ListRefused) as refusal:
        open_list(path, limits=limits)
    assert refusal.value.code == code


def test_a_file_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    """Fault 46: a wrong path is a mistake that can be mended."""
    with pytest.raises(ListRefused, match=r"list-not-found: There is no file gone\.csv"):
        open_list(tmp_path / "gone.csv")


def test_a_file_changed_after_it_was_opened_is_not_taken_for_the_same(tmp_path: Path) -> None:
    """NEW-6: what is sent is what was looked at."""
    path = tmp_path / "list.csv"
    path.write_text(PLAIN)
    opened = open_list(path)
    path.write_text(PLAIN.replace("Ann", "Eve"))
    with pytest.raises(ListRefused, match="list-changed"):
        list(opened.blocks())


def test_a_file_cut_after_it_was_opened_is_refused(tmp_path: Path) -> None:
    """NEW-6: nobody is lost between looking and reading."""
    path = tmp_path / "list.csv"
    path.write_text(PLAIN)
    opened = open_list(path)
    path.write_text(PLAIN[: PLAIN.index("9990000002")])
    with pytest.raises(ListRefused, match="list-rows-lost"):
        list(opened.blocks())


def test_blocks_are_as_small_as_asked_and_can_be_had_again(tmp_path: Path) -> None:
    """NEW-6: a list is worked through in blocks; reading it again gives the same."""
    path = tmp_path / "list.csv"
    path.write_text("NHS Number\n" + "".join(f"999{i:07}\n" for i in range(1, 26)))
    opened = open_list(path)
    for _ in range(2):
        blocks = list(opened.blocks(rows=10))
        assert [len(block.frame) for block in blocks] == [10, 10, 5]
        assert [n for block in blocks for n in block.frame.index] == list(range(2, 27))
    assert str(blocks[0].frame.dtypes.iloc[0]) == "str"
    assert blocks[0].frame.index.name == "row_number"
    assert str(blocks[0].frame.index.dtype) == "int64"


def test_says_what_the_file_is(tmp_path: Path) -> None:
    """PAT-7: name, fingerprint, size, encoding and delimiter are kept with the list."""
    path = tmp_path / "March recall.csv"
    path.write_bytes(WELSH.replace(",", ";").encode("cp1252"))
    opened = open_list(path)
    assert opened.file_name == "March recall.csv"
    assert opened.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert opened.size == path.stat().st_size
    assert (opened.encoding, opened.delimiter) == ("cp1252", ";")
    assert opened.layout == "generic"


def test_a_refusal_deep_in_a_large_file_names_its_row(tmp_path: Path) -> None:
    """Fault 46: the row is right also when lines are many and one row spans several."""
    path = tmp_path / "list.csv"
    rows = [f'999{i:07},"A\nB",1\n' if i == 7 else f"999{i:07},A,1\n" for i in range(1, 45_000)]
    rows[40_000] = '9990040001,"A,1\n'
    path.write_text("NHS Number,Name,Mobile\n" + "".join(rows))
    with pytest.raises(ListRefused, match=r"list-quotes: list\.csv: row 40,002, column B"):
        open_list(path)

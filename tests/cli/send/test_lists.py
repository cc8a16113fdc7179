"""`cohort list check`: a verdict, what was recognised, and remarks, without any patient's value."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.program import app

GOOD = (
    "NHS Number,Patient Name,Mobile Number,<b>Note</b>\n"
    "9990000034,Zebedee,07700900001,\n"
    "9990000018,Yolanda,7911123456,\n"
    "9990000026,Xavier\n"
    "\n"
)
BAD = 'NHS Number,Name\n9990000034,"Zebedee\n9990000018,Yolanda\n'
PATIENTS = ("Zebedee", "Yolanda", "Xavier", "9990000034", "9990000018", "07700900001", "7911123456")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["list", "check", *arguments])


def a_list(folder: Path, text: str) -> Path:
    path = folder / "recall.csv"
    path.write_text(text)
    return path


def test_shows_the_file_its_headings_and_remarks(tmp_path: Path) -> None:
    """Encoding, delimiter, layout, rows, what was read as what, and faults by row."""
    result = run(str(a_list(tmp_path, GOOD)))
    assert result.exit_code == 0
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert ["rows", "3"] in lines
    assert ["encoding", "utf-8"] in lines
    assert ["delimiter", "comma"] in lines
    assert ["layout", "generic"] in lines
    assert ["A", "NHS Number", "nhs_number"] in lines
    assert ["C", "Mobile Number", "mobile"] in lines
    assert ["D", "<b>Note</b>", "(kept)"] in lines
    assert [line[:4] for line in lines if line[0] == "unreadable_row"] == [
        ["unreadable_row", "1"],
        ["unreadable_row", "", "1", "4"],
    ]


def test_a_refused_list_exits_with_2_and_says_where(tmp_path: Path) -> None:
    """Refused with file, row, column, what was found and what to do."""
    result = run(str(a_list(tmp_path, BAD)))
    assert result.exit_code == 2
    assert "recall.csv: row 2, column B" in result.output
    assert "list-quotes" in result.output


@pytest.mark.parametrize(("text", "code"), [(GOOD, 0), (BAD, 2)], ids=["good", "bad"])
def test_gives_scripts_one_json_document(text: str, code: int, tmp_path: Path) -> None:
    """The same report for a script, refused or not."""
    result = run(str(a_list(tmp_path, text)), "--json")
    assert result.exit_code == code
    report = json.loads(result.stdout)
    assert report["file"] == "recall.csv"
    assert report["accepted"] is (code == 0)
    if code == 0:
        assert report["rows"] == 3
        assert {remark["code"] for remark in report["remarks"]} == {
            "blank_rows",
            "unreadable_row",
            "zero_restored",
            "test_number",
            "missing",
        }
        assert sum(report["outcomes"].values()) == report["rows"]
        assert all(check["passed"] for check in report["checks"] if check["severity"] == "critical")
    else:
        assert report["code"] == "list-quotes"


@pytest.mark.parametrize("text", [GOOD, BAD], ids=["good", "bad"])
@pytest.mark.parametrize("way", ["terminal", "json", "html"])
def test_no_patient_is_in_any_report(text: str, way: str, tmp_path: Path) -> None:
    """Nothing of a patient in what is shown, kept or passed on."""
    page = tmp_path / "report.html"
    more = {"terminal": [], "json": ["--json"], "html": ["--html", str(page)]}[way]
    result = run(str(a_list(tmp_path, text)), *more)
    shown = result.output + (page.read_text() if way == "html" else "")
    assert [value for value in PATIENTS if value in shown] == []


class _Page(HTMLParser):
    """The tags of a page and their attributes; whether each that was opened was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [name for name, _ in attrs if name in ("src", "href", "action")]
        if tag != "meta" and tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("text", [GOOD, BAD], ids=["good", "bad"])
def test_the_page_is_whole_and_links_to_nowhere(text: str, tmp_path: Path) -> None:
    """A page that opens in a browser, fetches nothing, and quotes headings as text."""
    page = tmp_path / "report.html"
    run(str(a_list(tmp_path, text)), "--html", str(page))
    read = _Page(page.read_text(encoding="utf-8"))
    assert read.open == []
    assert read.references == []
    assert "script" not in read.tags
    assert "b" not in read.tags
    assert not re.search(r"https?:|//|@import|url\(", page.read_text(encoding="utf-8"))
    assert ("<b>Note</b>" if text is GOOD else "recall.csv: row 2, column B") in read.words


def test_a_list_that_a_campaign_would_stop_exits_with_2_and_says_why(tmp_path: Path) -> None:
    """The suite that gates a campaign is held here as well, before anybody plans on it."""
    path = str(a_list(tmp_path, "NHS Number\n" + "9990000019\n" * 25))
    stopped = run(path, "--html", str(tmp_path / "report.html"))
    assert stopped.exit_code == 2
    assert "list-refused" in stopped.output
    assert "25 of 25 rows have an error" in " ".join(stopped.output.split())
    assert "25 of 25 rows have an error" in (tmp_path / "report.html").read_text(encoding="utf-8")
    as_json = run(path, "--json")
    assert (as_json.exit_code, json.loads(as_json.stdout)["accepted"]) == (2, False)


def test_the_scheme_says_which_columns_are_demanded(tmp_path: Path) -> None:
    """ACX-18: an EMIS list needs the EMIS number as well; the generic scheme does not."""
    path = str(a_list(tmp_path, "NHS Number,Name\n9990000034,Zebedee\n"))
    assert run(path, "--scheme", "generic").exit_code == 0
    refused = run(path, "--scheme", "emis")
    assert refused.exit_code == 2
    assert "EMIS Number" in refused.output


def test_an_unknown_scheme_is_refused_with_those_there_are(tmp_path: Path) -> None:
    """A mistake in the command says what to type."""
    result = run(str(a_list(tmp_path, GOOD)), "--scheme", "vision")
    assert result.exit_code == 2
    assert "emis, emis_wales, systmone, generic" in result.output


def test_a_list_without_faults_says_so(tmp_path: Path) -> None:
    """Silence is not a verdict."""
    page = tmp_path / "report.html"
    result = run(str(a_list(tmp_path, "NHS Number\n9990000034\n")), "--html", str(page))
    assert "Nothing remarkable" in result.output
    assert "Nothing remarkable" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(("number", "remarkable"), [("07911000000", True), ("0791122345{}", False)])
def test_a_list_whose_checks_say_something_is_not_called_unremarkable(
    tmp_path: Path, number: str, remarkable: bool
) -> None:
    """PAT-9: thirty patients on a placeholder, and then "nothing remarkable"."""
    numbers = ("9990000018", "9990000026", "9990000034")
    rows = [f"{one},{number.format(i)}" for i, one in enumerate(numbers)]
    result = run(str(a_list(tmp_path, "\n".join(["NHS Number,Mobile", *rows]) + "\n")))
    assert ("(placeholders)" in result.output) is remarkable
    assert ("Nothing remarkable" in result.output) is not remarkable

"""With --json standard output is one JSON document and nothing else: every command that takes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.acting import leaves
from cli.program import COMMANDS, app
from cli.scripts import asks_for_json, error_of
from clinic.ask.versions import add_questionnaire
from clinic.clock import SystemClock
from clinic.record.database import Record
from clinic.record.installation import install
from tests.cli.office import SECRET, Office, ask, hire
from tests.clinic.ask.forms import choice, form
from tests.ledgers import add_campaign, add_patients

WITHOUT_RECORD = {
    "templates variables", "server status", "settings", "settings check", "list check", "health",
    "doctor", "sources list", "sources check", "gateways check",
}  # fmt: skip
"""What can be said before there is a record."""
WORDS = {
    "patients import": ("{list}",),
    "import": ("consents", "{list}"),
    "message": ("{list}", "--name", "Flu", "--template", "plain", "--preview", "1"),
    "remind": ("--yes",),
    "list check": ("{list}",),
    "gateways check": ("http-sms",),
    "list add": ("{list}", "--name", "Flu", "--yes"),
    "templates show": ("plain",),
    "questionnaires show": ("sleep",),
    "questionnaires score": ("sleep", "{answers}"),
    "templates exceptions": ("plain",),
    "groups show": ("carers",),
    "patient": ("9990000018", "--reason", "care"),
    "audit who-saw": ("9990000018", "--reason", "audit"),
    "patients needs": ("9990000018",),
    "operations select": ("--status", "active"),
}
"""What is typed after it, where that is not the number of something, or nothing."""
ACTING = {
    "patients import",
    "import",
    "imports undo",
    "message",
    "remind",
    "pause",
    "resume",
    "cancel",
    "resend",
    "operations select",
    "patients needs",
    "correct",
    "list missing",
    "list add",
    "sources sync",
    "attachments unlock",
    "attachments revoke",
}
OF_AUDIT = ("audit list", "audit show", "audit who-saw", "audit odd-looks")
"""What a manager reads."""
BESIDES = {
    "correct": ("--text", "Please take no notice."),
    "list missing": ("--status", "active"),
    "attachments unlock": ("--row", "2"),
    "attachments revoke": ("--reason", "wrong leaflet"),
}
"""What is typed beside the number."""
ANSWERS = {"server status", "health", "settings check", "doctor"}
"""Whose exit code is the answer, and no refusal."""
WITHOUT_SUCCESS = {
    "gateways check",
    "import",
    "imports undo",
    "remind",
    "resend",
    "correct",
    "audit show",
    "operations show",
    "attachments unlock",
}
"""Where nothing is there to do or show: one document all the same."""


def commands_taking_json() -> dict[str, Any]:
    """Every command with --json, by the program's own definition."""
    return {
        path: command
        for name, each in COMMANDS.items()
        for path, command in leaves(name, each.load(name))
        if any("--json" in option.opts for option in command.params)
    }


TAKING_JSON = commands_taking_json()
NUMBERED = {
    path
    for path, command in TAKING_JSON.items()
    if path not in WORDS and any(given.required for given in command.params)
}
"""Those that want the number of something."""


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Three patients, one campaign, one request."""
    monkeypatch.chdir(tmp_path)
    add_patients(sqlite_record, 3)
    add_campaign(sqlite_record, SystemClock(), 3)
    office = Office(tmp_path / "home", sqlite_record)
    office.environment["COHORT_PHONES__TEST_RANGE"] = "true"
    office.environment["COHORT_PREFECT_API_URL"] = "http://127.0.0.1:9/api"
    hire(office)
    ask(office)
    record = office.open()
    add_questionnaire(record, SystemClock(), form(choice("q", 0, 1), id="sleep"), by="nia")
    install(record, SystemClock())
    record.close()
    return office


@pytest.fixture
def given_list(tmp_path: Path) -> Path:
    (tmp_path / "answers.json").write_text('{"q": "a"}')
    path = tmp_path / "flu list.csv"
    path.write_text("NHS Number,Given Name,Family Name,Mobile\n9990000018,Ann,Lee,07700900123\n")
    return path


def words_of(path: str, given_list: Path, number: str) -> list[str]:
    more = WORDS.get(path, (number,) if path in NUMBERED else ())
    yes = ("--yes",) if path in ("cancel", "resend", "correct") else ()
    besides = BESIDES.get(path, ())
    files = {"list": given_list, "answers": given_list.with_name("answers.json")}
    words = (word.format(**files) for word in (*more, *besides, *yes))
    return [*path.split(), *words, "--json"]


def only_json(result: Result) -> Any:
    """Standard output, which is one document."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return json.loads(result.stdout)


def error_in(result: Result) -> dict[str, Any]:
    error: dict[str, Any] = only_json(result)["error"]
    assert set(error) == {"code", "says", "file", "row", "column", "do", "exit_code"}
    assert error["code"]
    assert error["says"]
    assert error["do"]
    assert error["exit_code"] == result.exit_code != 0
    return error


def test_what_goes_well_is_one_document(office: Office, given_list: Path) -> None:
    """A table, a question and what comes next are for people."""
    office.run(
        "groups", "add", "carers", "--name", "C", "--ids-from", "-", typed="9990000018", me="mia"
    )
    for path in TAKING_JSON:
        me = "mia" if path in ACTING or path in (*OF_AUDIT, "operators review") else None
        done = office.run(*words_of(path, given_list, "1"), me=me)
        told = only_json(done)
        refused = isinstance(told, dict) and "error" in told
        assert refused == (done.exit_code != 0 and path not in ANSWERS), (path, told)
        assert not refused or path in WITHOUT_SUCCESS, (path, told)


def test_nothing_is_refused_in_prose_alone_before_there_is_a_record(
    tmp_path: Path, given_list: Path
) -> None:
    for path in TAKING_JSON:
        home = {"COHORT_HOME": str(tmp_path / "none"), "COHORT_CONFIG": "", "NO_COLOR": "1"}
        refused = CliRunner().invoke(app, words_of(path, given_list, "1"), env=home)
        if path in WITHOUT_RECORD:
            only_json(refused)
            continue
        error = error_in(refused)
        assert (error["code"], error["do"]) == ("not-set-up", ["cohort init"]), path
        assert refused.exit_code == 2


def test_a_slip_in_what_is_typed_is_told_as_json(office: Office, given_list: Path) -> None:
    """Told by Typer to people, and to a script with the same exit code."""
    for path in TAKING_JSON:
        error = error_in(office.run(*words_of(path, given_list, "1"), "--jsno"))
        assert error["code"] == "usage", path
        assert "--jsno" in error["says"]
        assert error["do"][0].endswith(f"{path} --help")


@pytest.mark.parametrize("path", sorted(NUMBERED))
def test_a_number_of_nothing_is_told_as_json(office: Office, given_list: Path, path: str) -> None:
    me = "mia" if path in ACTING or path in OF_AUDIT else None
    error = error_in(office.run(*words_of(path, given_list, "77"), me=me))
    assert (error["code"].endswith("-unknown"), "77" in error["says"]) == (True, True)


def test_who_is_not_proven_is_told_as_json(office: Office, given_list: Path) -> None:
    for path in sorted(ACTING - {"message"}):  # which only shows a preview here
        error = error_in(office.run(*words_of(path, given_list, "1")))
        assert (error["code"], error["exit_code"]) == ("sign-in-needed", 3)
        assert error["do"] == ["cohort sign-in mia"]


@pytest.mark.parametrize(
    ("words", "typed"),
    [(("cancel", "1"), None), (("audit", "show", "1"), ""), (("nosuch",), None), ((), None)],
)
def test_whatever_else_goes_wrong_is_told_as_json(
    office: Office, words: tuple[str, ...], typed: str | None
) -> None:
    """A question that nobody answers, a secret that nobody types, a command that is none."""
    error_in(office.run(*words, "--json", typed=typed))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("NHS Number,Mobile\n9990000018,\x00\n", ("bad.csv", 2, "B")),
        ("NHS Number,NHS Number:,Mobile\n1,2,3\n", ("bad.csv", 1, "A")),
        ("1,2,3\n4,5,6\n", ("bad.csv", 1, "NHS Number")),
    ],
)
def test_a_file_that_is_refused_is_named_with_its_row_and_column(
    office: Office, tmp_path: Path, text: str, place: tuple[str, int | None, str | None]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    for words in (("patients", "import", str(path)), ("list", "check", str(path))):
        error = error_in(
            office.run(*words, "--json", **({"me": "mia"} if words[0] == "patients" else {}))
        )
        assert (Path(error["file"]).name, error["row"], error["column"]) == place, error


@pytest.mark.parametrize(
    ("says", "found"),
    [
        ("/etc/cohort.toml, line 12: hours.txt is no setting", ("/etc/cohort.toml", 12, None)),
        ("Ann's list.csv: row 1,204, column AB holds 5", ("/home/ann/Ann's list.csv", 1204, "AB")),
        ("x.ods: row 3: the column 'D.O.B' is named twice", ("x.ods", 3, "D.O.B")),
        ("there is no campaign 7; see: cohort campaigns", (None, None, None)),
    ],
)
def test_where_a_sentence_says_it_is(
    says: str, found: tuple[str | None, int | None, str | None]
) -> None:
    error = error_of("code", says, 2, ("list", "check", "/home/ann/Ann's list.csv"))
    assert (error["file"], error["row"], error["column"]) == found


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["show", "1", "--json"], True),
        (["message", "--", "--json"], False),
        (["show", "--json", "--help"], False),
    ],
)
def test_when_a_script_reads(words: list[str], asked: bool) -> None:
    assert asks_for_json(words) is asked


def test_a_result_that_is_also_a_refusal_is_one_document(office: Office, tmp_path: Path) -> None:
    """`list check` of a list of which nobody can be messaged: the report, and why."""
    path = tmp_path / "strangers.csv"
    path.write_text("NHS Number,Mobile\n9990009990,07700900123\n")
    result = office.run("list", "check", str(path), "--json")
    assert result.exit_code == 2
    assert only_json(result)["rows"] == 1
    assert error_in(result)["exit_code"] == 2
    assert SECRET not in result.output

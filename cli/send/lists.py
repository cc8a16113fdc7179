"""
`cohort list check FILE`: what a list is, how it is read and what is wrong with it, without a campaign.

The same report goes to the terminal, to a script (`--json`) and to a page (`--html`). No patient's
value is in it: headings, row numbers, counts and codes only. Rows are judged as a campaign would
judge them, as far as the list alone can tell (data_checks/lists/list_quality.py).
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
from rich.markup import escape

from cli import console
from cli.looks.noting import looked
from cli.options import Json, Newest, by_channel
from cli.proof import Me, SecretFd
from cli.send.list_add import add
from cli.send.list_delete import delete
from cli.send.list_missing import missing

if TYPE_CHECKING:
    from cli.send.list_judging import Judged
    from clinic.cohort.files import ListFile
    from clinic.cohort.keeping import Kept
    from clinic.errors import CohortRefused
    from clinic.settings import Layout
    from data_checks.lists.list_quality import ListQuality

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", add_completion=False)

_SCHEMES = ("emis", "emis_wales", "systmone", "generic")
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "": "none: a spreadsheet"}


app.command("missing")(missing)
app.command("add")(add)
app.command("delete")(delete)


@app.callback()
def lists() -> None:
    """Lists: check one before anything is sent, see those that were imported."""


@app.command()
def ls(
    limit: Newest = 20,
    json: Json = False,
) -> None:
    """The lists that were imported: any of them may be messaged again, by its number."""
    from cli.wiring import LocalTime, get_settings, open_record
    from clinic.cohort.list_index import list_taken

    settings = get_settings()
    with open_record(settings) as record:
        found = list_taken(record, limit=limit)
    if json:
        return console.show_json([asdict(one) for one in found])
    show = LocalTime(settings).show
    rows = [
        (one.id, show(one.taken_at), one.taken_by, one.name, one.file_name or one.source, one.rows)
        for one in found
    ]
    headings = ["No", "Date", "By", "Name", "From", "Rows"]
    console.show_table("Lists", headings, rows, right=(0, 5))
    if not found:
        return console.next_commands("cohort list check LIST.csv")
    console.next_commands(f"cohort message --list {found[0].id} --name NAME --template KEY")


@app.command("take-over")
def take_over(
    campaign: Annotated[int, typer.Argument(help="Whose list: cohort campaigns.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Write a list's numbers to the record, where the record had others when the campaign was checked.

    Only numbers that can be used, of nobody else, and not over one that somebody changed since. The review
    shows examples, and the outcomes name the rows.
    """
    from cli.proof import who_acts
    from cli.wiring import get_settings, open_record
    from clinic.clock import SystemClock
    from clinic.errors import NotAllowed
    from clinic.govern.access.look import at_some, of_rows
    from clinic.message.prepare.list_numbers import read_differences, take_over

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        differ = read_differences(record, campaign, limit=10)
        with record.read() as connection:
            keys = of_rows(connection, campaign, [one.row_number for one in differ])
        looked(record, settings, at_some("campaign", keys, campaign))
        for one in differ:
            console.say(
                f"Row {one.row_number}: {one.listed} on the list, {one.recorded} on the record"
            )
        asked = "Write the list's numbers to the record?"
        if not (yes or (sys.stdin.isatty() and typer.confirm(asked, err=True))):
            raise NotAllowed(
                "not-confirmed", "nothing was written; to write without being asked: --yes"
            )
        written = take_over(record, SystemClock(), campaign, settings.phones, by=by)
    console.say(f"{written:,} patients have the list's number now.")
    console.next_commands(f"cohort show {campaign}")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The list: .csv, .tsv, .xlsx, .xls or .ods.")],
    scheme: Annotated[
        str,
        typer.Option(
            help=f"Whose columns it must have: {', '.join(_SCHEMES)}; as in the settings if not given."
        ),
    ] = "",
    channel: Annotated[Literal["sms", "email", "voice"], by_channel()] = "sms",
    template: Annotated[
        str | None,
        typer.Option(help="A template's key: also says who lacks a value that it needs."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report as a page for a browser.")
    ] = None,
    json: Json = False,
) -> None:
    """
    Read a list from end to end and say what was found. Nothing is kept and nothing is sent.

    Where there is a record, every row is judged as a campaign by this channel, with this template, would
    judge it; without one, as far as the list alone can tell.

    Exit code 0: somebody can be messaged, whatever the remarks say; 2: nobody can, and why, be it that
    the list cannot be read, that a campaign would stop it, or that every row is left out.
    """
    from clinic.errors import ListRefused
    from data_checks.lists.list_report import list_html, refused_html

    try:
        opened, quality, judged = _examine(file, scheme, channel, template)
    except ListRefused as refusal:
        report = {"file": file.name, "accepted": False, "code": refusal.code, "says": refusal.says}
        page = partial(refused_html, file.name, refusal.code, refusal.says)
        _write(report, page, html=html, json=json)
        raise
    report = report_of(opened, quality, judged)
    page = partial(
        list_html,
        opened,
        quality,
        checks=judged.checks if judged else None,
        outcomes=judged.outcomes if judged else None,
    )
    _write(report, page, html=html, json=json)
    if not json:
        _show(report)
    if not report["messaged"]:
        if not json:
            console.next_commands(*_way_on(report, file))
        raise _refusal(report, quality, judged)
    if not json:
        key = f"--template {template}" if template else "--template …"
        way = "" if channel == "sms" else f" --channel {channel}"
        console.next_commands(f'cohort message {shlex.quote(str(file))} --name "…" {key}{way}')


def _way_on(report: dict[str, Any], file: Path) -> list[str]:
    """Whoever is missing in the record is imported; the rest is put right in the list, and checked again."""
    missing = "patient_not_found" in report["outcomes"]
    first = ["cohort patients import patients.csv"] if missing else []
    return [*first, f"cohort list check {shlex.quote(str(file))} --html report.html"]


def _refusal(report: dict[str, Any], quality: ListQuality, judged: Judged | None) -> CohortRefused:
    """Why nobody of the list can be messaged."""
    from clinic.errors import CohortRefused

    if not report["accepted"]:
        stops = judged.stops if judged else quality.intake.stops + quality.whole.stops
        return CohortRefused("list-refused", " ".join(stops))
    why = ", ".join(f"{rows:,} {code}" for code, rows in report["outcomes"].items())
    return CohortRefused(
        "nobody-accepted", f"no row of this list can be messaged: {why or 'no rows'}"
    )


def _examine(
    file: Path, scheme: str, channel: Literal["sms", "email", "voice"], template: str | None
) -> tuple[ListFile, ListQuality, Judged | None]:
    """
    Read the list, and judge it: by itself, and with the record where there is one.

    Raises:
        ListRefused: it cannot be read
        SettingsWrong: there is no such scheme
    """
    from cli.send.list_judging import judge_as_campaign
    from clinic.clock import SystemClock
    from clinic.cohort.files import open_list
    from clinic.settings import load_settings
    from data_checks.lists.list_quality import check_list

    settings = load_settings()
    wanted = _scheme(scheme) or settings.organisation.id_scheme
    organisation = settings.organisation.model_copy(update={"id_scheme": wanted})
    settings = settings.model_copy(update={"organisation": organisation})
    opened = open_list(file, scheme=wanted)
    today = SystemClock().now().date()
    quality = check_list(opened, settings=settings, today=today, channel=channel)
    return opened, quality, judge_as_campaign(settings, file, channel=channel, template=template)


def report_of(
    opened: ListFile, quality: ListQuality, judged: Judged | None = None
) -> dict[str, Any]:
    """The report on a list that could be read; what a campaign would say goes before what the list says."""
    from clinic.cohort.files import report_rows
    from data_checks.lists.list_report import quality_rows

    stopped = quality.stopped if judged is None else bool(judged.stops)
    outcomes = quality.outcomes if judged is None else judged.outcomes
    checks = quality.intake.checks + quality.whole.checks if judged is None else judged.checks
    return {
        "file": opened.file_name,
        "accepted": not stopped,
        "messaged": 0 if stopped else outcomes.get("accepted", 0),
        "record_asked": judged is not None,
        "said": [one.code for one in judged.said]
        if judged
        else [one.code for one in opened.notices if one.must_be_seen]
        + [check.name for check in checks if not check.passed],
        "rows": opened.row_count,
        "size": opened.size,
        "sha256": opened.sha256,
        "encoding": opened.encoding,
        "delimiter": _DELIMITERS[opened.delimiter],
        "layout": opened.layout,
        "columns": _columns(opened, judged.kept if judged else None),
        "outcomes": outcomes,
        "checks": [asdict(check) for check in checks],
        "remarks": [asdict(row) for row in (*report_rows(opened), *quality_rows(quality))],
    }


def _scheme(given: str) -> Layout | None:
    from clinic.errors import SettingsWrong

    if not given:
        return None
    if given in _SCHEMES:
        return cast("Layout", given)
    raise SettingsWrong("settings", f"--scheme must be one of {', '.join(_SCHEMES)}.")


def _columns(opened: ListFile, kept: Kept | None) -> list[dict[str, Any]]:
    from clinic.cohort.columns import column_letter

    read_as = {heading: field for field, heading in opened.fields.items()}
    return [
        {
            "column": column_letter(i),
            "heading": heading,
            "read_as": read_as.get(heading, ""),
            "kept": kept is None or i in kept.places,
        }
        for i, heading in enumerate(opened.columns)
    ]


def _fate(column: dict[str, Any]) -> str:
    """NEW-39: what nothing uses is not kept."""
    word = "kept" if column["kept"] else "not kept"
    return f"{column['read_as']} ({word})".strip()


def _write(
    report: dict[str, Any], page: Callable[[], str], *, html: Path | None, json: bool
) -> None:
    from clinic.record.private import open_private

    if json:
        console.show_json(report)
    if html is not None:
        with open_private(html, encoding="utf-8") as file:
            file.write(page())
        console.say(f"Report: {html}")


def _show(report: dict[str, Any]) -> None:
    facts = ("rows", "size", "encoding", "delimiter", "layout", "sha256")
    console.show_table(report["file"], ("The list", "is"), [(fact, report[fact]) for fact in facts])
    console.show_table(
        "Headings",
        ("Column", "Heading", "Read as"),
        [
            (c["column"], c["heading"], c["read_as"] if c["read_as"] and c["kept"] else _fate(c))
            for c in report["columns"]
        ],
    )
    if report["record_asked"]:
        title = "Rows by what a campaign would do with them"
    else:
        console.say(
            "There is no record here to ask: the list is judged by itself. See: cohort init"
        )
        title = "Rows by the first error they have"
    outcomes = sorted(report["outcomes"].items(), key=lambda item: -item[1])
    console.show_table(title, ("Outcome", "Rows"), outcomes, right=(1,))
    for check in report["checks"]:
        if not check["passed"]:
            console.say(f"[bold yellow]The list:[/] {escape(check['says'])} ({check['name']})")
    if report["remarks"]:
        console.show_table(
            "Remarks",
            ("Remark", "Column", "How often", "Rows", "What it means"),
            [
                (r["code"], r["column"], r["count"], rows_text(r), r["says"])
                for r in report["remarks"]
            ],
            right=(2,),
        )
    elif all(check["passed"] for check in report["checks"]):
        console.say("Nothing remarkable: every row can be read.")


def rows_text(remark: dict[str, Any]) -> str:
    """The rows of a remark: "2, 5, 9 …"."""
    numbers = ", ".join(str(number) for number in remark["rows"])
    return f"{numbers} …" if remark["rows"] and len(remark["rows"]) < remark["count"] else numbers

"""
`cohort list check FILE`: what a list is, how it is read and what is wrong with it, without a campaign.

The same report goes to the terminal, to a script (`--json`) and to a page (`--html`). No patient's
value is in it: headings, row numbers, counts and codes only.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cli import console

if TYPE_CHECKING:
    from clinic.cohort.files import ListFile
    from clinic.settings import Layout

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", add_completion=False)

_SCHEMES = ("emis", "emis_wales", "systmone", "generic")
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "": "none: a spreadsheet"}


@app.callback()
def lists() -> None:
    """Check a list before anything is sent."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The list: .csv, .tsv, .xlsx or .ods.")],
    scheme: Annotated[
        str,
        typer.Option(
            help=f"Whose columns it must have: {', '.join(_SCHEMES)}; as in the settings if not given."
        ),
    ] = "",
    html: Annotated[
        Path | None, typer.Option(help="Write the report as a page for a browser.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For scripts: the report as JSON.")] = False,
) -> None:
    """
    Read a list from end to end and say what was found. Nothing is kept and nothing is sent.

    Exit code 0: it can be used, whatever the remarks say; 2: it is refused, and why.
    """
    from clinic.errors import ListRefused

    try:
        report = report_of(file, scheme)
    except ListRefused as refusal:
        report = {"file": file.name, "accepted": False, "code": refusal.code, "says": refusal.says}
        _write(report, html=html, json=json)
        if json:
            raise typer.Exit(refusal.exit_code) from None
        raise
    _write(report, html=html, json=json)
    if not json:
        _show(report)
        console.next_commands(f'cohort message {file} --name "…" --template …')


def report_of(file: Path, scheme: str) -> dict[str, Any]:
    """
    The report on a list that can be used.

    Raises:
        ListRefused: it cannot
        SettingsWrong: there is no such scheme
    """
    from clinic.cohort.files import open_list, report_rows

    opened = open_list(file, scheme=_scheme(scheme))
    return {
        "file": opened.file_name,
        "accepted": True,
        "rows": opened.row_count,
        "size": opened.size,
        "sha256": opened.sha256,
        "encoding": opened.encoding,
        "delimiter": _DELIMITERS[opened.delimiter],
        "layout": opened.layout,
        "columns": _columns(opened),
        "remarks": [asdict(row) for row in report_rows(opened)],
    }


def _scheme(given: str) -> Layout:
    from clinic.errors import SettingsWrong
    from clinic.settings import load_settings

    if not given:
        return load_settings().organisation.id_scheme
    if given in _SCHEMES:
        return cast("Layout", given)
    raise SettingsWrong("settings", f"--scheme must be one of {', '.join(_SCHEMES)}.")


def _columns(opened: ListFile) -> list[dict[str, str]]:
    from clinic.cohort.columns import column_letter

    read_as = {heading: field for field, heading in opened.fields.items()}
    return [
        {"column": column_letter(i), "heading": heading, "read_as": read_as.get(heading, "")}
        for i, heading in enumerate(opened.columns)
    ]


def _write(report: dict[str, Any], *, html: Path | None, json: bool) -> None:
    if json:
        console.show_json(report)
    if html is not None:
        from cli.list_page import page

        html.write_text(page(report), encoding="utf-8")
        console.say(f"Report: {html}")


def _show(report: dict[str, Any]) -> None:
    facts = ("rows", "size", "encoding", "delimiter", "layout", "sha256")
    console.show_table(report["file"], ("The list", "is"), [(fact, report[fact]) for fact in facts])
    console.show_table(
        "Headings",
        ("Column", "Heading", "Read as"),
        [(c["column"], c["heading"], c["read_as"] or "(kept)") for c in report["columns"]],
    )
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
    else:
        console.say("Nothing remarkable: every row can be read.")


def rows_text(remark: dict[str, Any]) -> str:
    """The rows of a remark: "2, 5, 9 …"."""
    numbers = ", ".join(str(number) for number in remark["rows"])
    return f"{numbers} …" if remark["rows"] and len(remark["rows"]) < remark["count"] else numbers

"""`cohort operations`: change many records at once; reviewed, approved by another person, undoable."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli import changing, console
from cli.changing import Asking
from cli.proof import Me, SecretFd
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.change.selection import Taken

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    Change many patients' records at once.

    First select whom it concerns, then ask for the operation by the selection's number. You see what
    would change, for whom, and who cannot be changed and why. Another person approves; then it runs.

    [bold]Examples[/]

      cohort operations select --facility F1 --status active

      cohort operations status 1 --to discharged --reason "Facility F1 closes"

      cohort operations undo 1 --reason "Wrong facility"
    """,
)
_DAY = ["%Y-%m-%d", "%d/%m/%Y"]
Selection = Annotated[
    int, typer.Argument(metavar="SELECTION", help="Its number: cohort operations select.")
]
Number = Annotated[
    int, typer.Argument(metavar="OPERATION", help="Its number: cohort operations list.")
]
Reason = Annotated[
    str, typer.Option(help="Why; for the approver and the audit trail. Name no patient.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask for approval without asking you.")]
NoRun = Annotated[
    bool, typer.Option("--no-run", help="Only store and review; start it with: resume OPERATION.")
]
Key = Annotated[
    str, typer.Option(metavar="KEY", help="Yours: the same request twice is one operation.")
]
Json = Annotated[bool, typer.Option("--json", help="For scripts: one JSON document.")]


@app.command()
def select(
    file: Annotated[
        Path | None, typer.Argument(help="A list with a column of ids: CSV, TSV, .xlsx, .ods.")
    ] = None,
    ids_from: Annotated[
        Path | None, typer.Option(help="Ids from a text file; - to paste them.")
    ] = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Search names, ids and postcodes, and pick.")
    ] = None,
    pick: Annotated[str, typer.Option(help='Which of those found: "1,3", or all.')] = "",
    status: Annotated[str | None, typer.Option(help="Filter: of this status.")] = None,
    facility: Annotated[str | None, typer.Option(help="Filter: of this facility.")] = None,
    provider: Annotated[str | None, typer.Option(help="Filter: of this provider.")] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="Filter: registered since.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=_DAY, help="Filter: registered until.")
    ] = None,
    json: Json = False,
) -> None:
    """
    Select patients: by file, pasted ids, search, or filter (one of them). Changes nothing.

    Every row gets an outcome; the selection stays as it is now and is used by its number.
    """
    from clinic.cohort.filters import PatientFilter
    from clinic.errors import OperationRefused

    days = [day.date() if day else None for day in (since, until)]
    wanted = PatientFilter(status, facility, provider, *days)
    ways = [file, ids_from, search, wanted.criteria() or None]
    if sum(way is not None for way in ways) != 1:
        raise OperationRefused(
            "selection-how", "name one of: a file, --ids-from, --search, or a filter"
        )
    if file is not None:
        taken = changing.select_given(changing.ids_in_file(file), source="file", first_row=2)
    elif ids_from is not None:
        taken = changing.select_given(changing.ids_pasted(ids_from), source="ids")
    elif search is not None:
        taken = changing.select_given(changing.ids_picked(search, pick), source="pick")
    else:
        taken = changing.select_filtered(wanted)
    _show_taken(taken, json=json)


def _show_taken(taken: Taken, *, json: bool) -> None:
    from clinic.change.outcomes import SAYS

    if json:
        return console.show_json(asdict(taken))
    rows = [(code, count, SAYS[code]) for code, count in sorted(taken.outcomes.items())]
    console.show_table(
        f"Selection {taken.id}", ["Outcome", "Rows", "What it means"], rows, right=(1,)
    )
    console.next_commands(f'cohort operations status {taken.id} --to … --reason "…"')


@app.command()
def status(
    selection: Selection,
    to: Annotated[str, typer.Option(help="The new status: active, on_hold, discharged, …")],
    reason: Reason,
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """Status change. A manager approves."""
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    _told(changing.request("status", selection, {"to": to}, how))


@app.command()
def provider(
    selection: Selection,
    reason: Reason,
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="A provider; repeatable. None: each facility's default."),
    ] = None,
    by: Annotated[
        Literal["even", "capacity"], typer.Option(help="How several share them.")
    ] = "even",
    visits: Annotated[
        Literal["reassign", "keep", "cancel"],
        typer.Option(help="Future visits: go along, stay, or are cancelled to be booked anew."),
    ] = "reassign",
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """Provider reassignment. A manager approves."""
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    parameters: dict[str, Any] = {"to": to or [], "by": by, "visits": visits}
    _told(changing.request("provider", selection, parameters, how))


@app.command()
def facility(
    selection: Selection,
    to: Annotated[str, typer.Option(metavar="CODE", help="The destination.")],
    reason: Reason,
    provider: Annotated[
        Literal["keep", "default", "later"],
        typer.Option(help="Their provider: stays, becomes the destination's, or is chosen later."),
    ] = "keep",
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """Facility transfer. A manager approves."""
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    _told(changing.request("facility", selection, {"to": to, "provider": provider}, how))


@app.command()
def tag(
    selection: Selection,
    reason: Reason,
    add: Annotated[list[str] | None, typer.Option(metavar="CODE", help="Repeatable.")] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="CODE", help="Repeatable.")] = None,
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """Give tags, or take them away. A team lead approves."""
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    _told(changing.request("tag", selection, {"add": add or [], "remove": remove or []}, how))


@app.command()
def attribute(
    selection: Selection,
    field: Annotated[str, typer.Option(help="insurance_plan, postcode, email, title, sex, …")],
    reason: Reason,
    value: Annotated[str | None, typer.Option(help="The new value; none clears it.")] = None,
    was: Annotated[str | None, typer.Option(help="Only for those who have this now.")] = None,
    tidy: Annotated[
        bool, typer.Option("--tidy", help="Write what is there the usual way instead.")
    ] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """Update one field: insurance, data clean-up. A manager approves."""
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    parameters: dict[str, Any] = {"field": field, "to": value, "was": was, "tidy": tidy}
    _told(changing.request("attribute", selection, parameters, how))


@app.command()
def export(
    selection: Selection,
    reason: Reason,
    what: Annotated[
        Literal["patients", "clinical", "visits", "full"],
        typer.Option(help="Patient list, clinical summary, visit history, or the full record."),
    ] = "patients",
    format_: Annotated[
        Literal["csv", "xlsx"], typer.Option("--format", help="The full record is xlsx only.")
    ] = "xlsx",
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """
    Export patients' data to one file. A team lead approves.

    The file is in the home's folder [bold]exports[/], readable by its owner alone. There is no undo:
    what left cannot be called back.
    """
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    _told(changing.request("export", selection, {"what": what, "format": format_}, how))


@app.command()
def visit(
    selection: Selection,
    reason: Reason,
    visit_type: Annotated[str, typer.Option("--type", help='For example "wellness visit".')],
    since: Annotated[datetime, typer.Option("--from", formats=_DAY, help="First day.")],
    until: Annotated[datetime, typer.Option("--to", formats=_DAY, help="Last day.")],
    minutes: Annotated[int, typer.Option(min=5, max=480, help="How long a visit takes.")] = 15,
    provider: Annotated[
        str,
        typer.Option(help="A provider's code; auto: shared at each facility; own: the patient's."),
    ] = "auto",
    between: Annotated[
        str, typer.Option(help="Time of day, within opening hours: 09:00-12:00.")
    ] = "",
    per_day: Annotated[
        int | None, typer.Option(min=1, help="Most visits a provider and day; none: the settings'.")
    ] = None,
    repeat: Annotated[
        str,
        typer.Option(metavar="RRULE", help='One visit in each span: "FREQ=MONTHLY;INTERVAL=3".'),
    ] = "",
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """
    Book a visit for each patient, where there is time. A manager approves.

    Who cannot be placed is listed with the reason: cohort operations show N --outcome no_slot
    """
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    parameters: dict[str, Any] = {
        "type": visit_type, "from": f"{since:%Y-%m-%d}", "to": f"{until:%Y-%m-%d}",
        "minutes": minutes, "provider": provider, "between": between, "per_day": per_day,
        "repeat": repeat,
    }  # fmt: skip
    _told(changing.request("visit", selection, parameters, how))


@app.command()
def undo(
    operation: Number,
    reason: Reason,
    selection: Annotated[
        int | None, typer.Option(metavar="SELECTION", help="Only these patients.")
    ] = None,
    partly: Annotated[
        bool, typer.Option("--partly", help="Leave out whom a later operation changed too.")
    ] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """
    Put back what an operation changed, for all or for some. A manager approves.

    Patients changed since are left as they are and listed. An undo can be undone.
    """
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    _told(changing.request_undo_of(operation, how, selection_id=selection, partly=partly))


@app.command()
def rerun(
    operation: Number,
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """Ask again for those of an operation who were locked, changed meanwhile, or failed."""
    _told(changing.request_rerun_of(operation, Asking("", me, secret_fd, key, yes, not no_run)))


@app.command()
def resume(operation: Number) -> None:
    """Start the run of an operation that was only stored, or whose run stopped half way."""
    changing.resume(operation)
    console.next_commands(f"cohort operations show {operation}")


def _told(operation_id: int) -> None:
    console.say(f"Operation {operation_id}.")
    console.next_commands(f"cohort operations show {operation_id}", "cohort approvals")


@app.command("list")
def list_all(
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 50, json: Json = False
) -> None:
    """Operations, the newest first."""
    from clinic.change.operations import list_operations

    settings = get_settings()
    with open_record(settings) as record:
        found = list_operations(record, limit)
    if json:
        return console.show_json([asdict(each) for each in found])
    at = LocalTime(settings).show
    console.show_table(
        "Operations",
        ["No", "Kind", "State", "Selected", "Will change", "Asked by", "On", "Reason"],
        [
            (o.id, o.kind, o.state, o.selected, o.will_change, o.requested_by, at(o.requested_at), o.reason)
            for o in found
        ],
        right=(0, 3, 4),
    )  # fmt: skip


@app.command()
def show(
    operation: Number,
    outcome: Annotated[
        list[str] | None, typer.Option(help="Only patients with this outcome; repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many patients to name.")] = 20,
    json: Json = False,
) -> None:
    """One operation: the review, its patients by name, its progress, what is still to be done."""
    from cli.show.operation import show_lines, show_review, show_state
    from clinic.change.operations import get_operation
    from clinic.change.review import count_outcomes, list_tasks, read_lines
    from clinic.change.summary import summarize

    settings = get_settings()
    with open_record(settings) as record:
        if json:
            return console.show_json(
                {
                    "operation": asdict(get_operation(record, operation)),
                    "summary": asdict(summarize(record, operation)),
                    "outcomes": [asdict(c) for c in count_outcomes(record, operation)],
                    "follow_ups": [asdict(task) for task in list_tasks(record, operation)],
                }
            )
        if outcome:
            return show_lines(read_lines(record, operation, outcomes=outcome, limit=limit))
        show_review(record, settings, operation)
        show_state(record, settings, operation)


@app.command()
def visits(operation: Number) -> None:
    """The visits that a reassignment cancelled, to be booked anew."""
    from clinic.change.review import visits_to_book

    settings = get_settings()
    with open_record(settings) as record:
        found = visits_to_book(record, operation)
    at = LocalTime(settings).show
    rows = [(own_id, at(when), kind) for own_id, when, kind in found]
    console.show_table("To be booked anew", ["Patient", "Was on", "Visit"], rows)

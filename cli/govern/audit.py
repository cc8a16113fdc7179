"""`cohort audit`: who did what to whom, and whether the trail is what was written."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import console
from cli.govern.access import odd, require_audit, who_saw
from cli.looks.noting import looked, why
from cli.options import Json, Newest, WhyLook
from cli.proof import Me, SecretFd, anchor_of, claimed, prove_me
from cli.times import day
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.govern.audit_read.read import ActRow, Asked, Folded
    from clinic.govern.people.operators import Operator
    from clinic.record.database import Record
    from clinic.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    The audit trail: append-only, chained, sealed with this installation's key.

    Old and new values of patients are shown and exported to a proven manager only, and that is written
    to the trail too.
    """,
)
Operation = Annotated[int | None, typer.Option(help="Of this record operation.")]
Campaign = Annotated[int | None, typer.Option(help="Of this campaign.")]
Patient = Annotated[
    str | None,
    typer.Option(
        help="Of this patient: NHS number, record number or the record's key. Asks for your password."
    ),
]
By = Annotated[str | None, typer.Option(help="Asked for or approved by this operator.")]
Day = Annotated[
    datetime | None, typer.Option(parser=day, metavar="DAY", help="2026-03-31 or 31/03/2026.")
]
AnchorFile = Annotated[
    Path | None,
    typer.Option("--anchor", help="The anchor file, best kept where this account cannot write."),
]


app.command("who-saw")(who_saw)
app.command("odd-looks")(odd)


@app.command("list")
def list_all(
    operation: Operation = None,
    campaign: Campaign = None,
    patient: Patient = None,
    by: By = None,
    since: Day = None,
    until: Day = None,
    limit: Newest = 50,
    batches: Annotated[
        bool,
        typer.Option(
            "--batches",
            help="A line for each batch of a campaign, not one for all; --json has each.",
        ),
    ] = False,
    reason: WhyLook = "",
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Who did what, newest first: by operation, patient, operator and date."""
    from clinic.clock import SystemClock
    from clinic.govern.audit_read.read import acts, acts_of_patient, folded

    settings = get_settings()
    asked = _asked(settings, operation, campaign, by, since, until)
    with open_record(settings) as record:
        asked = _known(record, asked)
        if asked.subject is None and patient is None:
            _require_all_or_own(record, asked, claimed(settings, me))
        if patient is not None:
            reader = prove_me(record, settings, me, secret_fd)
            asked = _of_person(record, asked, patient)
            require_audit(reader)
            _note(record, settings, asked, reason)
            found = acts_of_patient(record, SystemClock(), asked, by=reader, limit=limit)
        elif batches or json:
            with record.read() as connection:
                found = acts(connection, asked, limit=limit)
        else:
            with record.read() as connection:
                return _show_folded(*folded(connection, asked, limit=limit), settings)
    if json:
        return console.show_json([asdict(act) for act in found])
    _show_acts(found, settings)


@app.command()
def show(
    operation: Annotated[int, typer.Argument(help="The record operation's number.")],
    limit: Annotated[int, typer.Option(min=0, help="Most patients shown.")] = 20,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    One operation: its acts, its approvals, and patients with old and new values.

    Facilities, providers and tags are shown by code and name; --json and exports have the stored keys.
    """
    from clinic.change.core.naming import read_names
    from clinic.clock import SystemClock
    from clinic.govern.access.look import at_some
    from clinic.govern.audit_read.read import Asked, read_operation

    settings = get_settings()
    asked = Asked(subject="operation", subject_id=operation)
    with open_record(settings) as record:
        reader = prove_me(record, settings, me, secret_fd)
        asked = _known(record, asked)
        found, changed = read_operation(record, SystemClock(), asked, by=reader, limit=limit)
        with record.read() as connection:
            names = read_names(connection)
        keys = [row.patient_id for row in changed]
        looked(record, settings, at_some("operation", keys, operation))
    if json:
        patients = [{**asdict(row), "act": None} for row in changed]
        return console.show_json({"acts": [asdict(act) for act in found], "patients": patients})
    _show_acts(found, settings)
    console.show_table(
        "Patients (the first ones)",
        ["Patient", "Old", "New"],
        [
            (
                row.nhs_number or row.local_id or row.patient_id,
                names.values(row.old_values),
                names.values(row.new_values),
            )
            for row in changed
        ],
        right=(0,),
    )
    console.next_commands(f"cohort audit export operation-{operation}.csv --operation {operation}")


@app.command()
def verify(anchor: AnchorFile = None, json: Json = False) -> None:
    """
    Check the whole trail, and name the first place that was changed.

    Exit code 5 if there is one. Then anchors what it found right.
    """
    from clinic.govern.audit.trail import verify as verify_trail
    from clinic.govern.audit.trail import write_anchor

    settings = get_settings()
    path = anchor_of(settings, anchor)
    if anchor is not None and not anchor.exists():
        raise typer.BadParameter(f"there is no anchor {anchor}")
    with open_record(settings) as record:
        result = verify_trail(record, path)
        if result.holds:
            write_anchor(record, path)
    if json:
        console.show_json({**asdict(result), "holds": result.holds})
    else:
        console.say(
            f"Read {result.rows:,} rows in {result.blocks:,} blocks of {result.streams:,} chains, "
            f"{'sealed with the key' if result.keyed else '[yellow]without a key[/]'}."
        )
        if result.marked:
            console.say(f"Compared {result.marked:,} sealed rows with what they are now.")
        if result.redactions:
            of = ", ".join(f"{by} ({count:,})" for by, count in result.redactions)
            total = sum(count for _, count in result.redactions)
            console.say(f"Redactions, each decided by two people: {total:,}, approved by {of}.")
        show = LocalTime(settings).show
        for one in result.removed:
            console.say(
                f"Removed, as old as it may be: {one.count:,} acts of before {show(one.before)}, asked by "
                f"{one.asked_by}, approved by {one.approved_by}. Their blocks are still in the chain."
            )
    for each in result.not_seen:
        some = ", ".join(map(str, each.first))
        of = "campaign" if each.table == "message" else each.table
        console.say(
            f"[yellow]Not seen:[/] {each.count:,} rows of {each.table} were never sealed "
            f"(older than their seals, or put in before them): {of} {some}"
        )
    if result.first_fault is not None:
        console.say(f"[bold red]Not what was written:[/] {result.first_fault}")
        console.say(
            "[yellow]Not seen:[/] what comes after this first place; there may be more that was changed."
        )
        raise typer.Exit(5)
    console.say("All is as it was written.")


@app.command()
def anchor(
    anchor: AnchorFile = None,
    anew: Annotated[
        bool,
        typer.Option(
            "--anew",
            help="The old one is gone or of another state of the trail: begin another. A manager's.",
        ),
    ] = False,
    reason: Annotated[str, typer.Option(help="With --anew: why it is gone.")] = "",
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Note how long the trail is, in a file outside the database: so a cut is noticed later."""
    from clinic.govern.audit.anchor import set_aside
    from clinic.govern.audit.trail import write_anchor

    settings = get_settings()
    path = anchor_of(settings, anchor)
    if anew and not reason.strip():
        raise typer.BadParameter("say why the old one is gone: --reason")
    with open_record(settings) as record:
        if anew:
            _tell_anew(record, prove_me(record, settings, me, secret_fd), reason)
            if kept := set_aside(path):
                console.say(f"The old one is kept as evidence: {kept}")
        moved = write_anchor(record, path, anew=anew)
    console.say(f"{moved} chains have grown; {path} knows.")


def _tell_anew(record: Record, by: Operator, reason: str) -> None:
    """Who begins another anchor, and why, is on the trail before it is begun."""
    from clinic.clock import SystemClock
    from clinic.errors import NotAllowed
    from clinic.govern.audit.trail import Act, record_act
    from clinic.govern.people.roles import may

    # Who reads the trail alone does not say where it begins
    if not (may(by.role, "audit") and may(by.role, "approve", "campaign")):
        raise NotAllowed("audit-role", "another anchor is begun by a manager")
    act = Act(operator=by.name, operation_type="anchor.anew", subject="audit", reason=reason)
    with record.write() as connection:
        record_act(connection, SystemClock(), act)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="A new file; only you will be able to read it.")],
    form: Annotated[
        Literal["csv", "json", "fhir"],
        typer.Option(help="csv; json: a line each; fhir: one R4 AuditEvent a line."),
    ] = "csv",
    operation: Operation = None,
    campaign: Campaign = None,
    patient: Patient = None,
    by: By = None,
    since: Day = None,
    until: Day = None,
    reason: WhyLook = "",
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """A row for each patient changed. A manager's; the export is written to the trail itself."""
    from clinic.clock import SystemClock
    from clinic.govern.audit_read.export import export_trail

    settings = get_settings()
    asked = _asked(settings, operation, campaign, by, since, until)
    with open_record(settings) as record:
        reader = prove_me(record, settings, me, secret_fd)
        asked = _known(record, asked)
        if patient is not None:
            asked = _of_person(record, asked, patient)
        require_audit(reader)
        _note(record, settings, asked, reason)
        count = export_trail(record, SystemClock(), file, form=form, asked=asked, by=reader)
    console.say(f"{count:,} rows are in {file}.")
    # ALC-28
    console.say(
        "This file holds protected health information (PHI): keep to your organisation's policy on it "
        "(UK GDPR; in the United States HIPAA), send it by no unsecured e-mail, delete it when it is no longer "
        "needed."
    )


def _require_all_or_own(record: Record, asked: Asked, me: str) -> None:
    """Acts on patients of all facilities are not for whoever is tied to some; their own acts are."""
    from clinic.govern.tied import require_all

    with record.read() as connection:
        if asked.operator != me:
            require_all(connection, me)


def _note(record: Record, settings: Settings, asked: Asked, reason: str) -> None:
    """Log whose changes will be shown: one patient's, an operation's, or those of everybody."""
    from clinic.govern.access.look import Look, at_patient, count_changed
    from clinic.govern.access.who_saw import TRAIL

    if asked.patient_id is not None:
        return looked(record, settings, at_patient(asked.patient_id), reason=why(reason))
    with record.read() as connection:
        number = asked.subject_id if asked.subject == "operation" else None
        count = count_changed(connection, number)
    look = Look(asked.subject or TRAIL, asked.subject_id, count)
    return looked(record, settings, look)


def _asked(
    settings: Settings,
    operation: int | None,
    campaign: int | None,
    by: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Asked:
    from clinic.govern.audit_read.read import Asked

    about = {"operation": operation, "campaign": campaign}
    given = {subject: number for subject, number in about.items() if number is not None}
    if len(given) > 1:
        raise typer.BadParameter("give --operation or --campaign, not both")
    subject, number = next(iter(given.items()), (None, None))
    days = LocalTime(settings)
    return Asked(
        subject=subject,
        subject_id=number,
        operator=by,
        since=days.begin(since),
        until=days.end(until),
    )


def _known(record: Record, asked: Asked) -> Asked:
    """The same, of a number and a name that there are: an empty answer would be believed."""
    from clinic.govern.audit_read.read import require_operator, require_subject

    with record.read() as connection:
        if asked.subject is not None and asked.subject_id is not None:
            require_subject(connection, asked.subject, asked.subject_id)
        if asked.operator is None:
            return asked
        return replace(asked, operator=require_operator(connection, asked.operator))


def _of_person(record: Record, asked: Asked, given: str) -> Asked:
    """The same part of the trail, of one patient; what was typed goes no further."""
    from clinic.govern.audit_read.person import person_of

    with record.read() as connection:
        return replace(asked, patient_id=person_of(connection, given))


def _show_acts(found: list[ActRow], settings: Settings) -> None:
    _show([(act, act.operation_type, act.patients_affected) for act in found], settings)


def _show_folded(found: list[Folded], hidden: int, settings: Settings) -> None:
    lines = []
    for one in found:
        times = f" ×{one.times:,}" if one.times > 1 else ""
        lines.append((one.act, one.act.operation_type + times, one.patients))
    _show(lines, settings)
    if hidden:
        console.say(
            f"{hidden:,} acts of batches and of the program's own templates are counted in a line (×) and "
            "not shown: cohort audit list --batches"
        )


def _show(lines: list[tuple[ActRow, str, int]], settings: Settings) -> None:
    at = LocalTime(settings).show
    if not lines:
        console.say("Nothing on the trail is of what was asked for: nobody did such a thing then.")
    console.show_table(
        "Audit trail",
        ["When", "Operator", "Approver", "What", "Of", "Patients", "Reason", "Outcome"],
        [
            (
                at(act.timestamp), act.operator, act.approver, what, _about(act), patients,
                act.reason, act.outcome,
            )
            for act, what, patients in lines
        ],
        right=(5,),
    )  # fmt: skip


# What is known by a name of its own, which stands in the act: never a patient
_NAMED = ("operator", "template", "facility", "provider", "tag")


def _about(act: ActRow) -> str:
    """What or whom an act was about: "campaign 3", "operator tim", "template flu-invite"."""
    if act.subject in _NAMED:
        values = loads(act.new_values or act.old_values or "{}")
        for word in ("code", "key", "name"):
            if isinstance(values.get(word), str):
                return f"{act.subject} {values[word]}"
    return act.subject if act.subject_id is None else f"{act.subject} {act.subject_id}"

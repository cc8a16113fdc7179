"""`cohort templates`: what can be sent."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.looks.noting import looked
from cli.looks.theirs import theirs
from cli.options import Json, PatientId
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.message.template.catalogue import TemplateText

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    The catalogue of message templates. A changed text is a new version; what was sent keeps its own.

    A template speaks of the patient with {{ patient.given_name }}, of the next appointment with
    {{ appointment.date }}, of the list's own column "Clinic" with {{ list.Clinic }}.
    Some came with the program and are locked.
    """,
)


Key = Annotated[str, typer.Argument(help="The template's key.")]


@app.command("list")
def list_all(
    search: Annotated[
        str, typer.Argument(help="Only with these characters in key, name or type.")
    ] = "",
    own: Annotated[bool, typer.Option(help="Also texts written for one campaign.")] = False,
    json: Json = False,
) -> None:
    """The newest version of each template."""
    from clinic.message.template.catalogue import list_templates

    with open_record(get_settings()) as record:
        found = list_templates(record, search=search, own=own)
    if json:
        return console.show_json([asdict(text) for text in found])
    console.show_table(
        "Templates",
        ["Key", "Name", "Type", "Version", "Locked", "Purpose", "For", "Needs"],
        [
            (
                t.key,
                t.name,
                t.message_type,
                t.version,
                "locked" if t.locked else "",
                t.purpose,
                "" if t.audience.is_anybody else t.audience.says(),
                _needs(t),
            )
            for t in found
        ],
        right=(3,),
    )
    if not found:
        return console.next_commands(
            "cohort templates list", 'cohort templates add KEY --purpose care --text "…"'
        )
    console.next_commands(f"cohort templates show {found[0].key}")


def _needs(text: TemplateText) -> str:
    """What each patient must have; the organisation has its own."""
    return ", ".join(name for name in text.variables if not name.startswith("organisation."))


@app.command()
def variables(json: Json = False) -> None:
    """Every variable that a template may use; besides these the list's own columns, as list.Heading."""
    from clinic.message.template.variables import ALLOWED

    found = sorted(ALLOWED)
    if json:
        return console.show_json(found)
    rows = [(name, "{{ " + name + " }}") for name in found]
    rows.append(("list.Surgery_date", 'a column of the list, here "Surgery date"'))
    console.show_table("Variables", ["Variable", "As it is written"], rows)
    console.next_commands(
        'cohort templates add KEY --purpose care --text "Dear {{ patient.given_name }}, …"'
    )


@app.command()
def show(key: Annotated[str, typer.Argument(help="Its key.")], json: Json = False) -> None:
    """One template: its text, whom it is for, and all its versions."""
    from clinic.message.template.catalogue import get_versions

    settings = get_settings()
    with open_record(settings) as record:
        versions = get_versions(record, key)
    if json:
        return console.show_json([asdict(text) for text in versions])
    time = LocalTime(settings)
    console.show_table(
        versions[0].name,
        ["Version", "Added", "By", "Subject", "Text", "Purpose", "For"],
        [
            (
                t.version,
                time.show(t.created_at),
                t.created_by,
                t.subject,
                t.body,
                t.purpose,
                t.audience.says(),
            )
            for t in versions
        ],
        right=(0,),
    )
    console.next_commands(
        f"cohort message LIST.csv --name NAME --template {key} --preview 3",
        f"cohort templates for {key} --help",
    )


@app.command()
def add(
    key: Annotated[str, typer.Argument(help="Lower-case letters, digits, hyphens: flu-invite.")],
    text: Annotated[str | None, typer.Option(help="The text; or use --file.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A UTF-8 file with the text.", exists=True, dir_okay=False)
    ] = None,
    subject: Annotated[str | None, typer.Option(help="For e-mail.")] = None,
    name: Annotated[str | None, typer.Option(help="Its name.")] = None,
    message_type: Annotated[
        str | None, typer.Option("--type", help="Its type in the catalogue; else invitation.")
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option(
            help="What it is for: care, administration, recall, feedback, research or marketing; needed for a "
            "new one."
        ),
    ] = None,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Add a template, or a new version of one: text, subject or purpose that is left out stays as it was."""
    from clinic.clock import SystemClock
    from clinic.message.template.catalogue import add_template
    from clinic.message.template.next_version import Typed, next_template

    body = file.read_text(encoding="utf-8") if file else text
    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        new = next_template(record, key, Typed(body, subject, name, message_type, purpose))
        version = add_template(record, SystemClock(), new, by=by)
    whom = "" if new.audience.is_anybody else f": {new.audience.says()}"
    console.say(f"{key} is at version {version}, for {new.purpose}{whom}.")
    console.next_commands(f"cohort templates show {key}")


@app.command("for")
def for_whom(
    key: Annotated[str, typer.Argument(help="Its key; a locked one too: its text stays.")],
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", help="general, sensitive, clinical or recall; again for several."),
    ] = None,
    sex: Annotated[str | None, typer.Option(help="female, male or any.")] = None,
    age: Annotated[str | None, typer.Option(help="24-64, 65+ or any.")] = None,
    not_if_coded: Annotated[
        list[str] | None,
        typer.Option(
            help="Who has it already: codes and since when, 86198006/6m, flu-vaccination/09-01; or none."
        ),
    ] = None,
    exclude_code: Annotated[
        list[str] | None,
        typer.Option(help="Whom it would hurt: loss-of-a-baby/2y, end-of-life/ever; or none."),
    ] = None,
    exclude_group: Annotated[
        list[str] | None, typer.Option(help="The same by a group's code; or none.")
    ] = None,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Say whom a template is for. What is left out stays; a new version keeps it, and campaigns keep theirs.

      cohort templates for smear-recall --class recall --sex female --age 24-64
      cohort templates for flu-invite --not-if-coded flu-vaccination/09-01
      cohort templates for baby-clinic --exclude-code loss-of-a-baby/2y --exclude-group baby-loss
    """
    from clinic.clock import SystemClock
    from clinic.message.audience.groups import missing_groups
    from clinic.message.template.catalogue import add_template, get_versions
    from clinic.message.template.next_version import ForWhom, next_audience

    said = ForWhom(
        classes or (), sex, age, not_if_coded or (), exclude_code or (), exclude_group or ()
    )
    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        version = add_template(record, SystemClock(), next_audience(record, key, said), by=by)
        audience = get_versions(record, key)[0].audience
        with record.read() as connection:
            missing = missing_groups(connection, audience.bounds)
    console.say(f"{key} is at version {version}: {audience.says()}.")
    for code in missing:
        console.say(
            f"[yellow]There is no group {code} yet, so nobody is left out by it[/]; to make it: cohort groups "
            f"add {code} --ids-from ids.txt --name NAME"
        )
    console.next_commands(f"cohort templates show {key}")


@app.command()
def patient(
    key: Key,
    known_as: PatientId,
    reason: Annotated[str, typer.Option(help="Why; kept with the decision.")],
    despite: Annotated[
        list[str] | None,
        typer.Option(
            help="They get it although it is for others: sex, age, excluded (a group or code), "
            "coded (since); again for several."
        ),
    ] = None,
    never: Annotated[bool, typer.Option("--never", help="They never get it.")] = False,
    as_others: Annotated[
        bool, typer.Option("--as-others", help="No decision any more: as for everybody.")
    ] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Decide for one patient, in place of what was decided before. Counts also for messages that still wait.

      cohort templates patient smear-recall 9990000018 --despite sex --reason "trans man, has a cervix"
      cohort templates patient baby-clinic E7 --never --reason "asked not to get it"
    """
    from clinic.clock import SystemClock
    from clinic.errors import TemplateRefused
    from clinic.message.audience.exceptions import NEVER, decide_for
    from clinic.message.outcomes.outreach import find_patient

    if bool(despite) + never + as_others != 1:
        raise TemplateRefused(
            "exception-unknown",
            "say one of --despite sex (age, excluded, coded), --never, --as-others",
        )
    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        with record.read() as connection:
            who = find_patient(connection, known_as)
        lifts = [NEVER] if never else despite or []
        decide_for(record, SystemClock(), key, who, lifts, reason=reason, by=by)
    says = "never gets it" if never else f"gets it despite {' and '.join(despite or [])}"
    console.say(f"{key}: this patient {'is as others are' if as_others else says}.")
    console.next_commands(f"cohort templates exceptions {key}")


@app.command()
def exceptions(key: Key, json: Json = False) -> None:
    """What was decided for single patients, by whom and why."""
    from clinic.govern.access.look import at_some, known_as
    from clinic.govern.tied import kept_ids
    from clinic.message.audience.exceptions import exceptions_of

    settings = get_settings()
    with open_record(settings) as record:
        found = exceptions_of(record, key)
        found = theirs(
            record, settings, found, lambda one: one.nhs_number or one.local_id, kept_ids
        )
        with record.read() as connection:
            keys = known_as(connection, [one.nhs_number or one.local_id for one in found])
        looked(record, settings, at_some("exceptions", keys))
    if json:
        return console.show_json([asdict(one) for one in found])
    time = LocalTime(settings)
    console.show_table(
        f"{key}: decided for single patients",
        ["NHS Number", "Local ID", "Decided", "By", "Since", "Why"],
        [
            (
                one.nhs_number,
                one.local_id,
                "never" if one.lifts == "never" else f"despite {one.lifts}",
                one.set_by,
                time.show(one.set_at),
                one.reason,
            )
            for one in found
        ],
    )
    if not found:
        console.say("Nothing was decided for single patients.")
    console.next_commands(f'cohort templates patient {key} ID --despite sex --reason "…"')


@app.command()
def variant(
    key: Annotated[str, typer.Argument(help="The key of the template in that language or format.")],
    of: Annotated[str, typer.Option(metavar="KEY", help="The template that it says the same as.")],
    language: Annotated[str, typer.Option(help="Its language: Polish, cy …")],
    form: Annotated[
        str,
        typer.Option("--format", help="easy_read, large_print, audio …; none: the language alone."),
    ] = "",
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Let a template stand in for another where a patient needs that language or format.

    A campaign with the other then takes this one for them. Without one a person sees to them: the outcome is
    needs_interpreter or needs_format.

      cohort templates variant flu-invite-pl --of flu-invite --language Polish
    """
    from clinic.clock import SystemClock
    from clinic.message.needs.naming import name_variant

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        said, kept = name_variant(
            record, SystemClock(), key, of=of, language=language, form=form, by=by
        )
    console.say(f"{key} is {of} in: {' '.join(filter(None, (said, kept)))}.")
    console.next_commands(f"cohort templates show {key}")

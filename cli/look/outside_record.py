"""`cohort record`: the practice's clinical record on another system: what is saved there, and what is not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli import console
from cli.options import CampaignNumber, Json, Newest
from cli.proof import Me, SecretFd, prove_me
from cli.wiring import LocalTime, get_settings, open_record

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    The clinical record outside that messages are saved to ([outside_record] in the settings).

    The scheduled flow `settle` saves every five minutes. What cannot be saved now waits, and holds up no
    message; what the other system refuses is listed here.
    """,
)


@app.command()
def status(limit: Newest = 50, json: Json = False) -> None:
    """How many messages, decisions and acts are saved there, wait, or were refused and why."""
    from clinic.outside_record.mesh.reports import list_reports
    from clinic.outside_record.running import is_set
    from clinic.outside_record.standing import standing

    settings = get_settings()
    with open_record(settings) as record:
        found = standing(record, limit=limit)
        reports = list_reports(record, limit=limit)
    if json:
        told = {
            **asdict(found),
            "is_set": is_set(settings),
            "reports": [asdict(one) for one in reports],
        }
        return console.show_json(told)
    show = LocalTime(settings).show
    if not is_set(settings):
        console.say("No record outside is set (outside_record.fhir_url): nothing is saved there.")
    elif found.side.trouble:
        console.say(
            f"[yellow]It takes nothing since {show(found.side.since)}: {found.side.trouble}[/]. "
            f"Asked again from {show(found.side.not_before)}."
        )
    names = {"message": "Messages", "consent": "Decisions", "act": "Acts of the trail"}
    rows = [
        (names.get(kind, kind), count["saved"], count["waiting"], count["refused"])
        for kind, count in sorted(found.counts.items(), reverse=True)
    ]
    head = ["What", "Saved", "Waiting", "Refused"]
    console.show_table("Saved to the record outside", head, rows, right=(1, 2, 3))
    if found.problems:
        console.show_table(
            "Not saved",
            ["No", "What", "Campaign", "Row", "State", "Why", "Since"],
            [
                (one.number, one.kind, one.campaign_id, one.row_number, one.state, one.says, show(one.since))
                for one in found.problems
            ],
            right=(0, 2, 3),
        )  # fmt: skip
    for operation, count in found.differ.items():
        console.say(
            f"[yellow]Operation {operation} changed {count:,} patients there and not here, and could not put "
            "them back[/]: compare them there."
        )
    if reports:
        console.show_table(
            "Reports by MESH",
            ["Campaign", "Report", "State", "Rows", "Sent", "Taken by the practice", "Why"],
            [
                (one.campaign_id, one.number, one.state, one.rows, show(one.sent_at),
                 show(one.acknowledged_at), one.problem)
                for one in reports
            ],
            right=(0, 1, 3),
        )  # fmt: skip
    refused = any(one.state == "refused" for one in found.problems)
    if is_set(settings):
        console.next_commands(*(("cohort record resend",) if refused else ()), "cohort record save")


@app.command()
def save() -> None:
    """Save now what waits, without waiting for the scheduled run."""
    from clinic.clock import SystemClock
    from clinic.errors import Incomplete, SettingsWrong
    from clinic.outside_record.running import is_set, save_outside
    from clinic.outside_record.save import SIDE
    from clinic.outside_record.side import ask_at_once

    settings = get_settings()
    if not is_set(settings):
        raise SettingsWrong(
            "outside-not-set",
            "no record outside is set: set outside_record.fhir_url and save_from (docs/outside-record.md)",
        )
    with open_record(settings) as record:
        ask_at_once(record, SIDE)
        done = save_outside(record, SystemClock(), settings)
    console.say(f"{done.saved:,} saved, {done.refused:,} refused.")
    console.next_commands("cohort record status")
    if done.trouble:
        raise Incomplete(
            "outside-trouble",
            f"the record outside takes nothing now: {done.trouble}. The rest waits",
        )


@app.command()
def resend(
    numbers: Annotated[
        list[int] | None,
        typer.Argument(help="Numbers of cohort record status; all that was refused."),
    ] = None,
    campaign: Annotated[int | None, typer.Option(help="Only messages of this campaign.")] = None,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Ask the other system again for what it refused, and for nothing else. No message is sent again."""
    from clinic.clock import SystemClock
    from clinic.outside_record.standing import ask_again

    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd).name
        count = ask_again(record, SystemClock(), numbers=numbers or (), campaign_id=campaign, by=by)
    console.say(f"{count:,} wait to be saved again.")
    console.next_commands("cohort record save", "cohort record status")


@app.command()
def report(
    campaign: CampaignNumber,
    again: Annotated[
        bool, typer.Option("--again", help="Though one went out already: the practice gets both.")
    ] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Send the report of a campaign to the practice's mailbox by MESH: a row for each message on the record.

    What cannot be sent now waits for the scheduled run, which also asks whether the practice has taken it.
    """
    from clinic.clock import SystemClock
    from clinic.errors import SettingsWrong
    from clinic.outside_record.mesh.asking import ask_for_report
    from clinic.outside_record.mesh.reports import list_reports
    from clinic.outside_record.running import send_by_mesh
    from clinic.record.installation import install

    settings, clock = get_settings(), SystemClock()
    if not settings.mesh.url:
        raise SettingsWrong(
            "mesh-not-set", "MESH is not set: set mesh.url (docs/outside-record.md)"
        )
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd).name
        ask_for_report(
            record, clock, campaign, install_id=install(record, clock), by=by, again=again
        )
        send_by_mesh(record, clock, settings)
        state = list_reports(record, limit=1)[0].state
    console.say(f"The report of campaign {campaign} is {state}.")
    console.next_commands("cohort record status")

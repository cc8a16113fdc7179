"""
The program `cohort`: which commands there are, and where each lives.

Exit codes: 0 done; 1 internal error; 2 input error, nothing was done; 3 not allowed; 4 ended with work
left or with messages of unknown delivery status; 5 the database cannot be trusted (clinic/errors.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import prefect_gone
from cli.acting import declare
from cli.lazy import Lazy, LazyGroup
from clinic.collector import collect_seldom

_START, _SEND, _READ = "Begin", "Send", "Look"
_GOVERN = "Govern"

COMMANDS = {
    "demo": Lazy("cli.begin.demo:demo", "See it all: a synthetic practice, a list with errors, a campaign.", _START),
    "init": Lazy("cli.begin.start:init", "Set this installation up: settings, database, templates.", _START),
    "patients": Lazy("cli.begin.patients:app", "Import patients from an export; say how one may be contacted safely.", _START),
    "import": Lazy("cli.begin.imports:import_kind", "Import patients, appointments, opt-outs and more from another system.", _START),
    "imports": Lazy("cli.begin.imports_made:app", "The imports that were made; put one back.", _START),
    "sources": Lazy("cli.sources:app", "Where data is fetched from: look, import now, accept.", _START),
    "backup": Lazy("cli.begin.backup:backup", "Copy all of this installation into one file.", _START),
    "restore": Lazy("cli.begin.backup:restore", "Restore a backup into an empty home.", _START),
    "practice": Lazy("cli.begin.practice:app", "Move this practice to another machine, or remove it.", _START),
    "health": Lazy("cli.begin.health:app", "What is wrong with this installation, and what to do.", _START),
    "doctor": Lazy("cli.begin.doctor:doctor", "How it is kept: who can read it, encryption, backups, clock.", _START),
    "server": Lazy("cli.begin.server:app", "Start, stop or look at the local Prefect server.", _START),
    "desk": Lazy("desk.serve:app", "The staff desk: web pages for who does not type commands.", _START),
    "door": Lazy("desk.door.serve:app", "The door of patients: the web pages that messages lead to.", _START),
    "deploy": Lazy("cli.begin.prefect.deploy:deploy", "Register every flow with Prefect; write units and images.", _START),
    "message": Lazy("cli.message.command:message", "Message a list, a group, a filter or pasted ids.", _SEND),
    "remind": Lazy("cli.remind.command:remind", "Send appointment reminders now: look, leave out, send.", _SEND),
    "pause": Lazy("cli.send.campaign_control:pause", "Pause a campaign: no more of it is sent for now.", _SEND),
    "resume": Lazy("cli.send.campaign_control:resume", "Resume a paused, halted or missed campaign.", _SEND),
    "cancel": Lazy("cli.send.campaign_control:cancel", "Cancel a campaign: no more of it is ever sent.", _SEND),
    "attachments": Lazy("cli.send.attachments:app", "The documents that campaigns lead to; unlock and revoke links.", _SEND),
    "sending": Lazy("cli.send.sending_switch:app", "Stop all sending, or allow it again.", _SEND),
    "resend": Lazy("cli.send.resend:resend", "Send the failed messages of a campaign again, and only those.", _SEND),
    "correct": Lazy("cli.send.correct:correct", "Send a correction to exactly those who got a campaign.", _SEND),
    "unknown": Lazy("cli.send.unknown:app", "Resolve messages of unknown delivery status.", _SEND),
    "list": Lazy("cli.send.lists:app", "Check a list before anything is sent; see those imported.", _SEND),
    "templates": Lazy("cli.send.templates:app", "The catalogue of message templates, with versions.", _SEND),
    "questionnaires": Lazy("cli.send.questionnaires:app", "Questionnaires: versions, preview, a score tried out.", _SEND),
    "groups": Lazy("cli.send.groups:app", "Patient groups and their members.", _SEND),
    "today": Lazy("cli.look.today:today", "What waits for you, runs, failed or is to be done.", _READ),
    "campaigns": Lazy("cli.look.campaigns:campaigns", "Every campaign, newest first, with its verdict.", _READ),
    "show": Lazy("cli.look.campaigns:show", "One campaign: counts that add up, details, errors.", _READ),
    "outcomes": Lazy("cli.look.campaigns:outcomes", "The outcome of every row of the list, as CSV.", _READ),
    "incident": Lazy("cli.send.correct:incident", "Who got what and when of a campaign, for the regulator.", _READ),
    "replies": Lazy("cli.look.replies:replies", "Patients' replies that a person should read.", _READ),
    "reply": Lazy("cli.look.reply_work:app", "Deal with a reply: take it, give it, close it.", _READ),
    "holds": Lazy("cli.look.holds:app", "Numbers and patients held back by a reply; decide.", _READ),
    "receipts": Lazy("cli.look.receipts:app", "Delivery receipts and replies: receive, apply, count them.", _READ),
    "gateways": Lazy("cli.look.gateways:app", "The gateways: what each promises, whether it answers, a test.", _SEND),
    "record": Lazy("cli.look.outside_record:app", "What is saved to the clinical record outside, and what is not.", _READ),
    "patient": Lazy("cli.look.outreach:patient", "One patient's outreach card: every message ever sent.", _READ),
    "report": Lazy("cli.look.outreach:report", "The Outreach Report: every message sent, filtered.", _READ),
    "review": Lazy("cli.send.campaign_control:review", "What an approver looks at before it is sent.", _GOVERN),
    "approvals": Lazy("cli.govern.approvals:app", "What waits for a second approver.", _GOVERN),
    "confirm": Lazy("cli.govern.confirm:confirm", "Confirm your own request.", _GOVERN),
    "approve": Lazy("cli.govern.approvals:approve", "Approve a request; its run goes on.", _GOVERN),
    "reject": Lazy("cli.govern.approvals:reject", "Reject a request; nothing is changed.", _GOVERN),
    "audit": Lazy("cli.govern.audit:app", "The audit trail: who did what to whom, and whether it is intact.", _GOVERN),
    "sign-in": Lazy("cli.govern.sign_in:sign_in", "Sign in with your password, for an hour.", _GOVERN),
    "sign-out": Lazy("cli.govern.sign_in:sign_out", "Sign out before the hour is over.", _GOVERN),
    "operators": Lazy("cli.govern.operators:app", "Who works here and what they may do.", _GOVERN),
    "operations": Lazy("cli.operations:app", "Change many records at once, with approval and undo.", _GOVERN),
    "settings": Lazy("cli.govern.settings:app", "Settings in force and where they come from; change one.", _GOVERN),
    "follow-ups": Lazy("cli.govern.follow_ups:app", "What people must still do after operations.", _GOVERN),
    "objection": Lazy("cli.govern.objection:objection", "Note that a patient objects to messages, or consents.", _GOVERN),
    "purposes": Lazy("cli.govern.purposes:purposes", "What messages are for: legal basis, objection or consent, owner.", _GOVERN),
    "subject-access": Lazy("cli.personal_data.subject_access:subject_access", "Everything that is held of one person, in a file they can read.", _GOVERN),
    "retention": Lazy("cli.govern.retention:app", "How long data is kept: what is due, held, gone.", _GOVERN),
    "pseudonymise": Lazy("cli.personal_data.pseudonymise:pseudonymise", "A copy with synthetic people, for tests and support.", _GOVERN),
    "tags": Lazy("cli.govern.tags:app", "Patient tags: add one, see how many patients have it.", _GOVERN),
    "places": Lazy("cli.govern.places:app", "The practice's facilities and providers.", _GOVERN),
    "help": Lazy("cli.look.roles_help:show_help", "What your role needs; what a code means; a page of the docs.", _READ),
    "notify": Lazy("cli.govern.notify:notify", "Notify facilities, providers or the team of an operation.", _GOVERN),
}  # fmt: skip


class Program(LazyGroup):
    """All commands; each says in whose name it acts before it is called (cli/acting.py)."""

    TABLE = COMMANDS

    def build(self, name: str) -> Any:
        """The real command, declared."""
        command = super().build(name)
        declare(name, command)
        return command


_HELP = """
Message a cohort: a list of patients goes in, every eligible patient gets one message, every message is
on the patient's record, every row of the list has an outcome.

[bold]Examples[/]

  cohort demo
    See it run on synthetic patients; nothing is sent from this machine.

  cohort message flu.csv --name "Flu 2026" --template flu-invite
    Check and review the list, then send.

  cohort show 1 --errors-only
    Who could not be reached, and why.

  cohort help manager
    Which of these commands a manager needs; so of every role. Of an error: cohort help CODE
"""
_EPILOG = (
    "Exit codes: 0 done · 1 internal error · 2 input error, nothing was done · 3 not allowed · "
    "4 work remains or delivery status unknown · 5 the database cannot be trusted. "
    "Settings: cohort.toml and COHORT_… (cohort init writes one)."
)

app = typer.Typer(
    cls=Program,
    help=_HELP,
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    # --secret-fd was the name of --password-fd: scripts that have it go on working
    context_settings={
        "token_normalize_func": lambda token: token.replace("secret-fd", "password-fd")
    },
    pretty_exceptions_enable=False,  # a traceback with local variables would show patients
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("cohort"))
        raise typer.Exit


@app.callback()
def main(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", envvar="COHORT_CONFIG", help="The settings file; cohort.toml if not named."
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_say_version, is_eager=True),
    ] = False,
) -> None:
    from clinic.record.private import keep_to_owner

    keep_to_owner()  # also for the server, workers and runs that this process starts
    if config is not None:
        # Workers that this process starts must read the same settings
        os.environ["COHORT_CONFIG"] = str(config)


def run() -> None:
    """What `cohort` calls."""
    collect_seldom()
    try:
        app()
    except SystemExit as ended:
        prefect_gone.end(ended.code if isinstance(ended.code, int) else 1)
        raise

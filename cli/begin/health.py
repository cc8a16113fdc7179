"""`cohort health`: what is wrong with this installation, for people, scripts, Prometheus and automations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from cli import console
from cli.begin.looking import look_now
from cli.options import Host, Json, Port
from cli.wiring import get_settings

if TYPE_CHECKING:
    from clinic.health.facts import Facts
    from clinic.health.findings import Finding

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode="rich",
    help="""
    What is wrong with this installation, and what to do. It changes nothing and sends nothing.

    Exit code 0: nothing is wrong; 2: to be put right before it harms; 4: something does not happen that
    should; 5: the record cannot be worked with.

    [bold]Examples[/]

      cohort health --json
        For a monitoring program: each finding with its code, sentence, and what to do.

      cohort health serve
        /metrics for Prometheus, and events for Prefect's automations, also when no worker runs.
    """,
)


@app.callback()
def health(
    context: typer.Context,
    json: Json = False,
) -> None:
    """What is wrong, worst last; nothing is changed."""
    if context.invoked_subcommand is not None:
        return
    from clinic.health.findings import exit_code

    facts, findings = look_now(get_settings())
    if json:
        console.show_json(_document(facts, findings))
    elif not findings:
        console.say("Nothing is wrong.")
    else:
        rows = [(one.code, one.level, one.says, one.do) for one in findings]
        console.show_table(f"Wrong: {len(rows)}", ["Code", "Level", "What", "Do"], rows)
        console.say("[dim]More: cohort help CODE[/]")
    raise typer.Exit(exit_code(findings))


def _document(facts: Facts, findings: list[Finding]) -> dict[str, object]:
    from dataclasses import asdict

    told = [
        {
            "code": one.code,
            "level": one.level,
            "says": one.says,
            "do": one.do,
            "runbook": f"docs/runbook.md#{one.code}",
        }
        for one in findings
    ]
    return {"healthy": not findings, "findings": told, "facts": asdict(facts)}


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
) -> None:
    """
    Serve /metrics, look every minute and tell people and Prefect what began or ended, until told to end.

    `cohort server start` starts the same without /metrics, in the background.

    It asks for no login and tells nothing of a patient: keep it on loopback or your own network.
    """
    from cli.begin.watching import watch

    settings = get_settings()
    at = (host or settings.health.host, settings.health.port if port is None else port)
    console.say(f"Metrics are at http://{at[0]}:{at[1]}/metrics")
    watch(settings, metrics=at)

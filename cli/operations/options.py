"""What the commands of `cohort operations` are told alike, and what each says in the end."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import console
from cli.wiring import get_settings, open_record

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
    str, typer.Option(metavar="KEY", help="Your own key: the same request twice is one operation.")
]
Limit = Annotated[int, typer.Option(min=1, help="How many patients to name.")]
Page = Annotated[
    int, typer.Option(min=1, help="Which so many of them: 2 for those after the first.")
]


def told(operation_id: int) -> None:
    """The operation's number, how it stands, and what one would type next."""
    from cli.operations.session import next_of
    from clinic.change.operations import get_operation

    with open_record(get_settings()) as record:
        state = get_operation(record, operation_id).state
        then = next_of(record, operation_id)
    console.say(f"Operation {operation_id} is {state}.")
    console.next_commands(f"cohort operations show {operation_id}", *then)

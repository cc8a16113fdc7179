"""
Options that commands share: one spelling, one help (tests/house/test_options_once.py).

Of one panel of commands alone: cli/operations/options.py. Who acts, proven: cli/proof.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

WHO, WHAT, HOW = "Who (one of)", "What", "How"  # panels of `cohort message` and `cohort remind`


def by_channel(panel: str | None = None) -> Any:
    """--channel, in a panel of its command's help."""
    return typer.Option(help="How the patient is contacted.", rich_help_panel=panel)


def send_unasked(panel: str | None = None) -> Any:
    """--yes, of what sends."""
    return typer.Option("--yes", "-y", help="Send without asking.", rich_help_panel=panel)


PatientId = Annotated[
    str, typer.Argument(metavar="ID", help="NHS number, or the practice's own id.")
]
Json = Annotated[bool, typer.Option("--json", help="For scripts: one JSON document.")]
MostShown = Annotated[int, typer.Option("--limit", min=1, help="Most rows with problems shown.")]
Newest = Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")]
Unasked = Annotated[bool, typer.Option("--yes", "-y", help="Without asking.")]
WhyLook = Annotated[
    str,
    typer.Option(
        "--reason",
        metavar="WHY",
        help="Why you look at one patient: care, asked, reply, record, complaint, audit or other; after a "
        "colon in words, without a name. Asked for at a terminal.",
    ),
]
Why = Annotated[str, typer.Option("--reason", help="Why; kept in the audit trail. No patient.")]
CampaignNumber = Annotated[
    int, typer.Argument(metavar="CAMPAIGN", help="Its number: cohort campaigns.")
]
ApprovalNumber = Annotated[
    int, typer.Argument(metavar="APPROVAL", help="Its number: cohort approvals.")
]
ListNumber = Annotated[int, typer.Argument(metavar="LIST", help="Its number: cohort list ls.")]
Rows = Annotated[
    str | None, typer.Option("--rows", metavar="2,5,9", help="Only these rows of its list.")
]
Ids = Annotated[
    Path,
    typer.Option(
        "--ids-from", help="A file of NHS numbers or the practice's ids; - to paste them."
    ),
]
Host = Annotated[str | None, typer.Option("--host", help="Address; as set if not given.")]
Port = Annotated[int | None, typer.Option("--port", help="Port; as set if not given.")]

# What `cohort message` and `cohort remind` are told alike
QuerySource = Annotated[
    str | None,
    typer.Option(
        "--source", help="The source of --query: cohort sources list.", rich_help_panel=WHO
    ),
]
ListName = Annotated[str, typer.Option("--name", help="The list's name.", rich_help_panel=WHAT)]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        metavar="COLUMN=REASON",
        help="Keep this column of the file too, and why; repeatable. Else only what identifies, reaches and "
        "checks patients is kept, and what the text prints.",
        rich_help_panel="Who (one of)",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Dry run: nothing is sent.", rich_help_panel=HOW)
]
Outbox = Annotated[
    bool,
    typer.Option(
        "--outbox", help="Keep the messages in the outbox: nothing is sent.", rich_help_panel=HOW
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=64,
        metavar="N",
        help="So many runs send it together, on all machines with a worker; pace and limits hold for all.",
        rich_help_panel=HOW,
    ),
]
AcceptWarnings = Annotated[
    bool,
    typer.Option(
        "--accept-warnings", help="Send it although places are to be filled.", rich_help_panel=HOW
    ),
]
OverrideGate = Annotated[
    str | None,
    typer.Option(
        "--override-gate",
        metavar="REASON",
        help="Why the list is right although its checks stop it. Kept with your name on the audit trail.",
        rich_help_panel=HOW,
    ),
]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="CODE=REASON",
        help="Why what a safety check finds is right; repeatable. Kept with your name on the audit trail.",
        rich_help_panel=HOW,
    ),
]
Covers = Annotated[
    list[str] | None,
    typer.Option(
        "--covers",
        metavar="WHO",
        help="Whom the list should have: group:, status:, facility:, provider: or code: and its code, as "
        "in group:flu-65; repeatable. The review says who is not on it.",
        rich_help_panel=WHAT,
    ),
]
JsonResult = Annotated[
    bool, typer.Option("--json", help="The result for scripts.", rich_help_panel=HOW)
]

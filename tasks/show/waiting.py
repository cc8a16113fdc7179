"""
What people see in the Prefect UI of a run that waits for a person: what it is, who may decide, and how.

Counts, codes, operators' names and our own sentences only: artifacts are copied into Prefect's events. What
people named or wrote (a list, the values of a change) the approver reads where the commands show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clinic.change.review.approve import PARAMETER
from clinic.govern.approvals.approvals import Approval, deciders, latest
from clinic.govern.approvals.confirming import is_confirmed
from clinic.govern.people.roles import decider, with_article
from tasks.show.artifacts import create_markdown_artifact
from tasks.wiring import wiring


def show_waiting_campaign(campaign_id: int) -> str:
    """NEW-1: the campaign that waits, with the commands that show and decide it; who types what next."""
    with wiring().record.read() as connection:
        asked = latest(connection, subject="campaign", subject_id=campaign_id)
        if asked is None:
            return "cohort approvals"
        confirmed = is_confirmed(connection, asked)
    show_waiting(
        asked, key=f"campaign-approval-{campaign_id}", title=f"Campaign {campaign_id}",
        look=f"cohort review {campaign_id}",
    )  # fmt: skip
    return next_steps(asked, confirmed=confirmed)


def next_steps(asked: Approval, *, confirmed: bool) -> str:
    """Who types what: the requester first, if that is still to be done (NEW-1)."""
    then = f"cohort approve {asked.id}"
    if confirmed:
        return then
    return f"{asked.requested_by} types cohort confirm {asked.id}; then another {then}"


def show_waiting(
    asked: Approval,
    *,
    key: str,
    title: str,
    look: str,
    notes: Sequence[str] = (),
) -> None:
    """
    A page of what waits.

    Args:
        asked: the request for approval; key: the artifact's
        title: what waits; look: the command that shows it
        notes: sentences below what the approver sees
    """
    record = wiring().record
    names = ", ".join(deciders(record, asked)) or "nobody: an admin must add one"
    role = decider(asked.kind)
    with record.read() as connection:
        confirmed = is_confirmed(connection, asked)
    first = f"First {asked.requested_by} confirms it: `cohort confirm {asked.id}`. " * (
        not confirmed
    )
    lines = [
        f"# {title} waits for approval",
        f"{first}Needs a **{role}** other than {asked.requested_by}: {names}.",
        f"Open until {asked.expires_at:%Y-%m-%d %H:%M} UTC.",
        "",
        f'```\n{look}\ncohort approve {asked.id}\ncohort reject {asked.id} --note "why"\n```',
        "Resuming this run here decides nothing: without a decision it suspends itself again.",
        "",
        "| | |",
        "|---|---|",
        *(
            f"| {name} | {value} |"
            for name, value in asked.summary.items()
            if _is_ours(name, value)
        ),
        "",
        *notes,
    ]
    create_markdown_artifact(
        key=key,
        markdown="\n".join(lines),
        description=f"Waits for {with_article(role)}: {next_steps(asked, confirmed=confirmed)}",
    )


# Of what an approver sees beside counts: keys, times and money; no list's name, no value that is written
_OURS: Final = frozenset(
    {"template", "by", "as of", "segments", "minutes", "cost", "start", "days", "unusual"}
)


def _is_ours(name: str, value: object) -> bool:
    """Whether a line of what waits is a count, or no words of people."""
    return name in _OURS or (isinstance(value, int) and not name.startswith(PARAMETER))

"""`cohort confirm`: the requester of a campaign says that it is theirs. Also at the end of `cohort message`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from cli import console
from cli.options import ApprovalNumber
from cli.proof import Me, SecretFd, anchor_of, ask_secret, prove_me
from cli.wiring import get_settings, open_record

if TYPE_CHECKING:
    from clinic.clock import Clock
    from clinic.govern.approvals.approvals import Approval
    from clinic.record.database import Record
    from clinic.settings import Settings


def confirm(approval: ApprovalNumber, me: Me = "", secret_fd: SecretFd = None) -> None:
    """
    Confirm your own request: a campaign that waits for approval. Asks for your password.

    Look at it first: cohort review CAMPAIGN. Then another person can approve it. A campaign that has
    changed since is confirmed again. If it is not yours: cohort reject APPROVAL, or tell a manager.
    """
    from clinic.clock import SystemClock
    from clinic.govern.approvals.confirming import confirm as act
    from clinic.govern.audit.trail import write_anchor

    settings = get_settings()
    with open_record(settings) as record:
        person = prove_me(record, settings, me, secret_fd)
        asked = act(record, SystemClock(), approval, by=person)
        write_anchor(record, anchor_of(settings))
    _say_confirmed(asked)
    console.next_commands(*next_steps(asked, confirmed=True))


def wait_for_another(
    record: Record,
    clock: Clock,
    settings: Settings,
    campaign_id: int,
    *,
    ask: Callable[[str], str] | None = None,
) -> list[str]:
    """
    Say that a campaign waits for another person; what one would type next.

    If the requester sits at the terminal, they may confirm it at once.

    Args:
        ask: shows a prompt and gives the secret, empty: not now; None: the terminal, if there is one
    """
    console.say(f"Campaign {campaign_id} waits for another person: nothing was sent.")
    again = f"cohort message --resume {campaign_id}"
    from clinic.message.asking.confirming import waiting_request

    found = waiting_request(record, campaign_id)
    if found is None:
        return ["cohort approvals", again]
    asked, confirmed = found
    if not confirmed and asked.requested_by == settings.operator.strip().lower():
        confirmed = _confirm_now(
            record, clock, settings, asked, secret=(ask or _at_the_terminal)(_question(asked))
        )
    return [*next_steps(asked, confirmed=confirmed), again]


def next_steps(asked: Approval, *, confirmed: bool) -> list[str]:
    """What its requester types, if that is still to be done, and then another person."""
    first = [] if confirmed else [f"cohort confirm {asked.id}"]
    return [*first, f'cohort approve {asked.id} --note "…"']


def asked_by(asked: Approval, *, confirmed: bool) -> str:
    """The requester, and whether that is proven."""
    return asked.requested_by if confirmed else f"{asked.requested_by}, not confirmed"


def _confirm_now(
    record: Record, clock: Clock, settings: Settings, asked: Approval, *, secret: str
) -> bool:
    """Whether its requester confirmed it; a wrong password is said, and the campaign waits all the same."""
    from clinic.errors import NotAllowed
    from clinic.govern.approvals.confirming import confirm as act
    from clinic.govern.audit.trail import write_anchor
    from clinic.govern.people.operators import prove

    if not secret:
        return False
    try:
        act(record, clock, asked.id, by=prove(record, asked.requested_by, secret))
    except NotAllowed as refusal:
        console.show_error(refusal)
        return False
    write_anchor(record, anchor_of(settings))
    _say_confirmed(asked)
    return True


def _question(asked: Approval) -> str:
    return f"Password of {asked.requested_by}, to confirm your own request (empty: not now)"


def _at_the_terminal(prompt: str) -> str:
    return ask_secret(prompt, None, may_be_empty=True) if sys.stdin.isatty() else ""


def _say_confirmed(asked: Approval) -> None:
    console.say(
        f"Request {asked.id} is confirmed by {asked.requested_by}. Another person approves it."
    )

"""What was typed after `cohort remind`: the request that this makes, and the rows that are left out."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import typer

from cli import console
from cli.message.options import valid
from cli.send.resend import row_numbers
from clinic.errors import CohortRefused, NotFound
from clinic.message.reminders.reminder_list import require_rows
from clinic.message.reminders.reminder_request import LONGEST_DAYS, ReminderRequest

# Fields of the request whose option has another name
_OPTIONS = {"first_date": "from", "last_date": "to", "visit_type": "type", "list_name": "name"}


@dataclass(frozen=True)
class Choice:
    """What of the list is wanted, and how much of it is shown. `seen`: the code of the list looked at."""

    only_look: bool = False
    leave_out: tuple[int, ...] = ()
    seen: str | None = None
    show_all: bool = False


def to_request(values: Mapping[str, Any], *, today: date) -> ReminderRequest:
    """
    The request that these words mean.

    Raises:
        CohortRefused: what makes no sense
    """
    asked = dict(values) | {"request_key": f"cli-{uuid.uuid4()}"}
    first, last = asked.get("first_date"), asked.get("last_date")
    if first or last:
        if "days" in asked:
            raise CohortRefused("request-invalid", "name --days, or --from and --to: one of them")
        asked["last_date"] = last or today + timedelta(days=LONGEST_DAYS)
        _require_days(first, asked["last_date"], today)
    return valid(ReminderRequest, asked)


def _require_days(first: date | None, last: date, today: date) -> None:
    farthest = today + timedelta(days=LONGEST_DAYS)
    until = f"reminders leave at most {LONGEST_DAYS} days before, that is until {farthest}"
    if last < today:
        raise CohortRefused("request-invalid", f"--to is in the past: today is {today}")
    if first and first > farthest:
        raise CohortRefused("request-invalid", f"--from is too far ahead: {until}")
    if last > farthest:
        console.say(f"Not all of these days: {until}.")


def require_seen(choice: Choice, code: str, *, unasked: bool) -> None:
    """
    Row numbers are of a list: on another one, another patient stands there.

    unasked: no person looks at the list that `code` means

    Raises:
        CohortRefused: the rows to leave out are, or may be, of another list
    """
    if choice.seen is not None and choice.seen != code:
        raise CohortRefused(
            "list-not-seen",
            "the appointments are not those that you looked at, and the rows have other numbers "
            "now: look again with --preview",
        )
    if choice.leave_out and choice.seen is None and unasked and not choice.only_look:
        raise CohortRefused(
            "list-not-seen",
            "--leave-out with --yes needs --seen CODE, which --preview tells: rows are numbered in "
            "the list that was looked at, and it may have changed",
        )


def ask_rows(rows: int, ask: Callable[[], str] | None = None) -> list[int]:
    """Ask which of so many rows to leave out, until the answer is one."""
    while True:
        try:
            chosen = row_numbers((ask or _prompt)()) or []
            require_rows(chosen, of=rows)
        except typer.BadParameter as error:
            console.say(error.message)
        except NotFound as error:
            console.say(error.says)
        else:
            return chosen


def _prompt() -> str:
    question = "Rows to leave out, as 3,7 (empty: none)"
    return str(typer.prompt(question, default="", show_default=False, err=True))


def commands_after_look(request: ReminderRequest, seen: str) -> list[str]:
    """
    The same command again, to send what was looked at: whole, and without some rows.

    What was accepted for the look is not in it: whoever sends says so again.
    """
    asked = request.model_dump(mode="json", exclude_defaults=True, exclude={"request_key"})
    for name in ("list_name", "override_gate"):  # which are left out of what Prefect keeps
        if (given := getattr(request, name)) != ReminderRequest.model_fields[name].default:
            asked[name] = given
    words = ["cohort", "remind"]
    for name, value in asked.items():
        option = "--" + _OPTIONS.get(name, name).replace("_", "-")
        told = value if isinstance(value, list) else [value]
        words += [option] if value is True else [w for one in told for w in (option, str(one))]
    command = shlex.join([*words, "--seen", seen])
    return [command, f"{command} --leave-out ROWS"]

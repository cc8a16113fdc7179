"""Writes a look down before anything is shown: by whom, by which command, and why (NEW-37)."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Final

import typer

from cli import console
from cli.looks.showing import Call, Shows, running
from clinic.errors import NotAllowed

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from clinic.govern.access.log import Looker
    from clinic.govern.access.look import Look
    from clinic.govern.access.reasons import Reason
    from clinic.record.database import Record
    from clinic.settings import Settings

# What stands in for the patient, or for the number, of a look that was refused
_ONE_PATIENT: Final = ("known_as", "patient")
_NUMBERED: Final = ("campaign", "operation", "selection", "approval")
# Why nobody knows who it was
_UNPROVEN: Final = ("sign-in-needed", "operator-nobody", "operator-unproven", "secret-unread")
# A slip, and no refusal: nobody was kept from anything
_SLIPS: Final = ("access-reason", "access-reason-names", "not-confirmed")


def looked(record: Record, settings: Settings, look: Look, *, reason: Reason | None = None) -> None:
    """
    Write down that this is looked at, with all that will be shown in hand; then it may be shown.

    reason: None: the work on what is looked at

    Raises:
        NotAllowed: the reason names the patient
        RecordUnsafe: it cannot be written: nothing is shown
    """
    from clinic.clock import SystemClock
    from clinic.govern.access.log import note_look
    from clinic.govern.access.reasons import INHERITED
    from clinic.govern.tied import CODE

    call = running()
    looker = _looker(record, settings, call)
    try:
        note_look(record, SystemClock(), looker, look, reason=reason or INHERITED)
    except NotAllowed as refusal:
        if call is not None:  # it is written down by itself, with whom it was of
            call.noted = refusal.code == CODE
        raise
    if call is not None:
        call.noted = True
    console.hold_back(False)


def why(typed: str) -> Reason:
    """
    Why somebody looks at one patient; asked for at a terminal, if it was not typed.

    Raises:
        NotAllowed: it is no reason, or nobody is there to be asked
    """
    from clinic.govern.access.reasons import REASONS, read_reason

    if not typed.strip() and sys.stdin.isatty():
        for code, says in REASONS.items():
            console.say(f"  {code}: {says}")
        typed = str(
            typer.prompt("Why do you look? A word, or word: in words, without names", err=True)
        )
    return read_reason(typed)


def note_refusal(call: Call, code: str) -> None:
    """Write down that a look was refused; where even that cannot be, it stays refused."""
    from cli.wiring import get_settings, open_record
    from clinic.clock import SystemClock
    from clinic.errors import CohortError
    from clinic.govern.access.log import note_look

    acts = call.acts and call.shows is not Shows.ONE and not call.path.startswith("audit ")
    if acts or code in _SLIPS:
        return
    with contextlib.suppress(CohortError):
        settings = get_settings()
        with open_record(settings) as record:
            with record.read() as connection:
                look = _asked_for(connection, call)
            looker = _looker(record, settings, call, proven=code not in _UNPROVEN)
            note_look(record, SystemClock(), looker, look, refused=code)


def _looker(
    record: Record, settings: Settings, call: Call | None, *, proven: bool | None = None
) -> Looker:
    from cli.proof import claimed, is_signed_in
    from clinic.govern.access.log import Looker

    if call is None:
        return Looker(claimed(settings, ""), "demo", proven=False)
    name = claimed(settings, call.given.get("me") or "")
    if (
        proven is None
    ):  # who acts was proven before there was anything to show; a preview only looks
        only_looks = not call.acts or call.given.get("preview") or call.given.get("row")
        proven = is_signed_in(record, settings, name) if only_looks else True
    return Looker(name, call.path, proven)


def _asked_for(connection: Connection, call: Call) -> Look:
    """What would have been shown, as far as what was typed tells."""
    from clinic.govern.access.look import Look, at_patient, known_as

    given: dict[str, Any] = {name: value for name, value in call.given.items() if value}
    for name in _ONE_PATIENT:
        if isinstance(given.get(name), str):
            found = known_as(connection, ["".join(given[name].split())])
            return at_patient(min(found)) if found else Look("patient")
    for name in _NUMBERED:
        if isinstance(given.get(name), int):
            return Look(name, given[name])
    return Look(call.path.split()[0])

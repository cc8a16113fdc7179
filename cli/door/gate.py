"""
Before a command runs: who types it, proven, active, and of a role that has the right (NEW-38).

    what was typed ──► nobody was added yet ──────────────► it runs
                  └──► proven, and the right ─────────────► it runs, in that name (cli/proof.py)
                  └──► anything else ──► on the trail ────► refused, exit code 3

It stands before the command itself, so that a new one cannot forget it; what each takes: cli/acting.py.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clinic.errors import NotAllowed, NotSetUp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.door.need import Need
    from clinic.govern.people.operators import Operator
    from clinic.record.database import Record
    from clinic.settings import Settings

CODE = "other-facility"  # of clinic/govern/tied.py
_OWN = ("operators secret", "operators mfa")  # of oneself, unless --operator says by whom


def stand_before(need: Need, command: Any) -> None:
    """From now on this command runs only for who may."""
    own = command.invoke

    def invoke(ctx: Any) -> Any:
        if getattr(ctx, "_protected_args", None):  # a group on its way to one of its commands
            return own(ctx)
        with _admitted(need, ctx.params) as person:
            try:
                return own(ctx)
            except NotAllowed as refusal:
                if person is not None and refusal.code == CODE:
                    _tell_refused(need, person)
                raise

    command.invoke = invoke


@contextmanager
def _admitted(need: Need, given: Mapping[str, Any]) -> Iterator[Operator | None]:
    from cli.proof import here
    from cli.wiring import get_settings, open_record

    person = None
    if not need.only_with or given.get(need.only_with):
        settings = get_settings()
        try:
            with open_record(settings) as record:
                person = _admit(record, settings, need, given)
        except NotSetUp:  # there is nothing to look at, and nobody to be; the command says it
            person = None
    with here(person, anew=need.anew):
        yield person


def _require_theirs(record: Record, person: Operator, need: Need, given: Mapping[str, Any]) -> None:
    """
    Whoever is tied to facilities does not get as far as what is of other patients: not even to its state.

    Raises:
        NotAllowed: it is
    """
    from cli import console
    from cli.door.reach import REACHES, Reach, asked_for, ids_in
    from clinic.govern.access.look import known_as
    from clinic.govern.tied import codes_of, require_all, require_subject, require_theirs

    with record.read() as connection:
        if not codes_of(connection, person.name):
            return
        if need.whole:
            require_all(connection, person.name)
        require_theirs(connection, person.name, keys=known_as(connection, ids_in(need.path, given)))
        for subject, number in asked_for(need.path, given):
            require_subject(connection, person.name, subject, number)
        if REACHES.get(need.path) is Reach.LEFT_OUT:
            own = " and ".join(codes_of(connection, person.name))
            console.say(f"{person.name} works with the patients of {own}: all others are left out.")


def _tell_refused(need: Need, person: Operator) -> None:
    """What was refused on the way, as it had patients of other facilities, is on the trail as well."""
    from cli.wiring import get_settings, open_record
    from clinic.clock import SystemClock
    from clinic.govern.people.refused import write_refusal

    with open_record(get_settings()) as record:
        write_refusal(record, SystemClock(), name=person.name, command=need.path, why=CODE)


def _admit(
    record: Record, settings: Settings, need: Need, given: Mapping[str, Any]
) -> Operator | None:
    """
    Who types it; None: nobody was added yet.

    Raises:
        NotAllowed: they are not proven, or may not; it is on the trail
    """
    from cli.proof import claimed, prove_now
    from clinic.clock import SystemClock
    from clinic.govern.people.last_use import note_use
    from clinic.govern.people.operators import list_operators
    from clinic.govern.people.refused import require_right, write_refusal
    from clinic.practice.leavers.arrival import end_if_dormant, policy_of, require_second_step

    if not list_operators(record):
        return None
    clock, policy = SystemClock(), policy_of(record, settings)
    own = given.get("name") if need.path in _OWN and not given.get("reset") else ""
    me = claimed(settings, given.get("me") or own or "")
    try:
        end_if_dormant(record, clock, me, policy.dormant_days)
        person = prove_now(record, settings, me, given.get("secret_fd"), anew=need.anew)
        require_right(person, need.right)
        _require_theirs(record, person, need, given)
        if need.path != "operators mfa":
            require_second_step(record, person, policy.mfa)
        note_use(record, clock, person.name)
    except NotAllowed as refusal:
        if refusal.code != "operator-unproven":  # a wrong password is on the trail by itself
            write_refusal(record, clock, name=me, command=need.path, why=refusal.code)
        raise
    return person

"""Lets no command show patients before that is logged, and logs what was refused (NEW-37)."""

from __future__ import annotations

from typing import Any

from cli.looks.noting import note_refusal
from cli.looks.showing import SHOWING, Call, Shows, runs


def declare(path: str, command: Any, *, acts: bool) -> None:
    """
    From now on this command shows nothing before its look is logged.

    Raises:
        LookupError: nobody said whom it shows, or it shows one patient and has no --reason
    """
    shows = SHOWING.get(path)
    if shows is None:
        raise LookupError(f"cli/looks/showing.py does not say whom it shows: cohort {path}")
    if shows is Shows.ONE and not any("--reason" in option.opts for option in command.params):
        raise LookupError(f"cohort {path} shows one patient and has no --reason")
    if shows is Shows.NOBODY:
        return
    command.epilog = " ".join(filter(None, (command.epilog, shows.value)))
    own = command.invoke

    def invoke(ctx: Any) -> Any:
        if getattr(ctx, "_protected_args", None):  # a group on its way to one of its commands
            return own(ctx)
        return _run(Call(path, shows, acts, ctx.params), own, ctx)

    command.invoke = invoke


def _run(call: Call, own: Any, ctx: Any) -> Any:
    from clinic.errors import NotAllowed

    with runs(call):
        try:
            return own(ctx)
        except NotAllowed as refusal:
            if not call.noted:
                note_refusal(call, refusal.code)
            raise

"""How a campaign's story looks: what its runs' logs say, a line a sentence, with its step."""

from __future__ import annotations

from typing import Final

from rich.markup import escape

from cli import console
from clinic.clock import SystemClock
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.story.whole import story

_COLOURS: Final = {"info": "", "warning": "yellow", "error": "red"}


def show_story(record: Record, settings: Settings, campaign: int, *, json: bool) -> None:
    """What the log of its runs says, as far as the record knows it: whole, also where Prefect is gone."""
    told = story(record, settings, timing_of(settings), campaign, SystemClock().now())
    if json:
        console.show_json(
            [{"step": one.step, "level": one.line.level, "says": one.line.says} for one in told]
        )
        return
    out, before = console.out(), ""
    for step, line in told:
        if step != before:
            out.print(f"[bold]{step}[/]" if out.is_terminal else step)
        colour, before = _COLOURS[line.level], step
        level = "" if line.level == "info" else f"{line.level.upper()} "
        says = escape(f"{level}{line.says}")
        out.print(f"  [{colour}]{says}[/]" if colour else f"  {says}")

"""`cohort message --preview` and `--row`: messages as they would leave, and nothing is left behind."""

from __future__ import annotations

import shlex
from dataclasses import asdict, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cli import console
from cli.looks.noting import looked
from cli.message import steps
from cli.message.options import TYPED, Manner, What, Who, to_request
from cli.show.review import show_previews, show_whom_it_lacks
from clinic.errors import CohortRefused
from clinic.gateway.voice.sound import write_sound
from clinic.gateway.voice.spoken import SPOKEN
from clinic.message.asking.going import is_released
from clinic.message.asking.to_decide import look_of
from clinic.message.campaign.counting import count_outcomes
from clinic.message.prepare.review import Preview, Review, read_previews, review_campaign
from tasks.asking.looking import rehearsed
from tasks.wiring import Wiring

# Of the look itself, or asked again by the command that sends
_OF_THE_LOOK: Final = frozenset(
    {
        "file",
        "preview",
        "row",
        "sound",
        "json",
        "yes",
        "accept_warnings",
        "accept",
        "synthetic",
        "secret_fd",
        "proven",
    }
)


def look(parts: Wiring, who: Who, what: What, manner: Manner) -> list[str]:
    """
    Show messages as they would leave, who is not on the list where that is asked, and leave nothing behind
    (ACX-31, NEW-31).

    Raises:
        MendableError: there is nothing to show, and why
    """
    if who.resume is not None:
        if not is_released(parts.record, who.resume):
            steps.prepare(parts, who.resume, look=True)
        previews, review = _previews(parts, who.resume, manner), _review(parts, who.resume)
        _note(parts, review, previews, "campaign")
    else:
        with rehearsed(
            parts, lambda key: to_request(parts, who, what, manner, key=key)
        ) as campaign_id:
            steps.prepare(parts, campaign_id, look=True)
            previews, review = _previews(parts, campaign_id, manner), _review(parts, campaign_id)
            _note(parts, review, previews, "preview")
    show_whom_it_lacks(review)
    if manner.sound is not None and previews[0].encoding != SPOKEN:
        raise CohortRefused(
            "sound-channel", "only a call can be listened to: --channel voice with --sound FILE"
        )
    if manner.json:
        console.show_json([asdict(preview) for preview in previews])
    else:
        show_previews(previews)
    if manner.sound is not None:
        _speak(parts, manner.sound, previews[0])
    return [] if manner.json else [command_after_look(who, what, manner)]


def _speak(parts: Wiring, path: Path, one: Preview) -> None:
    """The first of them as sound; the file says no number, and to whom it is called stands above."""
    language = write_sound(path, parts.settings, one.body)
    console.say(f"Row {one.row_number} as its call says it, read in {language}: {path}")


def _review(parts: Wiring, campaign_id: int) -> Review:
    return review_campaign(parts.record, campaign_id, content=parts.settings.content)


def _note(parts: Wiring, review: Review, previews: list[Preview], of: str) -> None:
    """Log who will be shown; the campaign of a look is gone after it, so that its patients stand by key."""
    seen = replace(review, differences=())  # which a look does not show
    looked(parts.record, parts.settings, look_of(parts.record, seen, previews, of=of))


def command_after_look(who: Who, what: What, manner: Manner) -> str:
    """The same command without the look: the review, then the sending."""
    words = ["cohort", "message", *([str(who.file)] if who.file else [])]
    for part, usual in ((who, Who()), (what, What()), (manner, Manner())):
        for each in fields(part):
            value = getattr(part, each.name)
            if each.name not in _OF_THE_LOOK and value != getattr(usual, each.name):
                words += _option(each.name, value)
    return shlex.join(words)


def _option(name: str, value: Any) -> list[str]:
    """As it is typed."""
    option = TYPED.get(name, "--" + name.replace("_", "-"))
    if isinstance(value, bool):
        return [option]
    if isinstance(value, datetime):
        value = f"{value:%Y-%m-%d %H:%M}" if name == "start" else f"{value:%Y-%m-%d}"
    return [
        word
        for one in (value if isinstance(value, list) else [value])
        for word in (option, str(one))
    ]


def _previews(parts: Wiring, campaign_id: int, manner: Manner) -> list[Preview]:
    found = read_previews(parts.record, campaign_id, limit=manner.preview or 1, row=manner.row)
    if not found:
        with parts.record.read() as connection:
            counts = count_outcomes(connection, campaign_id).items()
        why = ", ".join(f"{rows:,} {code}" for code, rows in counts)
        raise CohortRefused("nobody-accepted", f"no row of this list can be messaged: {why}")
    return found

"""`cohort replies`: what patients answered and a person should read."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import console
from cli.looks.noting import looked
from cli.looks.theirs import theirs
from cli.options import Json
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.message.incoming.replies import Reply

State = Literal["open", "in-hand", "done", "all"]
Mark = Literal["danger", "death", "wrong-number", "do-not-text"]
_DAY = timedelta(days=1)


def replies(
    number: Annotated[
        int | None,
        typer.Argument(metavar="[NO]", help="One reply, and the patients of its number."),
    ] = None,
    state: Annotated[
        State | None, typer.Option(help="Only in this state; if not given: what is not done.")
    ] = None,
    mark: Annotated[Mark | None, typer.Option(help="Only with this mark.")] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only those that this person deals with.")
    ] = None,
    keywords: Annotated[
        bool, typer.Option("--keywords", help="Also STOP and START, which need no action.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, marked ones first.")] = 100,
    json: Json = False,
) -> None:
    """
    What patients answered and nobody has dealt with yet: marked ones first, then the oldest.

    Marks (danger, death, wrong number, do not text) are an aid and miss what nobody listed: every reply is
    read. After "wrong number" or a death nothing is sent to that number until somebody decides: cohort holds.
    STOP and START act by themselves, at once, on the number, when they are all that was said; of others
    who have it a person decides: cohort reply shared. HELP and all else is for a person to read; what may
    be an opt-out is marked.
    """
    from clinic.clock import SystemClock
    from clinic.govern.access.look import Look
    from clinic.govern.tied import kept_replies
    from clinic.message.incoming.replies import Wanted, list_replies
    from clinic.message.incoming.senders import senders_of

    if number is not None:
        return _one(number, json=json)
    settings = get_settings()
    wanted = Wanted(_stored(state), _stored(mark), owner)
    with open_record(settings) as record:
        found = list_replies(record, wanted, keywords=keywords, limit=limit)
        found = theirs(record, settings, found, lambda one: one.id, kept_replies)
        keys = senders_of(record, [one.id for one in found], settings.phones)
        looked(record, settings, Look("replies", None, len(found), keys))
    if json:
        return console.show_json([asdict(one) for one in found])
    show, now = LocalTime(settings).show, SystemClock().now()
    console.show_table(
        f"Replies: {len(found)}",
        ["No", "Mark", "Received", "Age", "By", "From", "Patients", "Keyword", "State", "Text"],
        [
            (
                r.id, _marks(r), show(r.at), age(now - r.at), r.channel, r.address, r.patients,
                _keyword(r), _state(r), r.text,
            )
            for r in found
        ],
        right=(0, 6),
    )  # fmt: skip
    if any(r.marks for r in found):
        _say_limit()
    console.next_commands(*_ways_on(found), "cohort replies --keywords")


def _ways_on(found: list[Reply]) -> list[str]:
    holds = any({"death", "wrong_number"} & set(r.marks) for r in found)
    return [*(f"cohort replies {r.id}" for r in found[:1]), *(["cohort holds"] if holds else [])]


def _stored(word: str | None) -> str | None:
    return word and word.replace("-", "_")


def _say_limit() -> None:
    from clinic.message.words.marks import LIMIT

    console.say(LIMIT)


def _marks(reply: Reply) -> str:
    return ", ".join(mark.replace("_", " ") for mark in reply.marks)


def _state(reply: Reply) -> str:
    return f"{reply.state.replace('_', ' ')}{f', {reply.owner}' if reply.owner else ''}"


def _keyword(reply: Reply) -> str:
    return "may be an opt-out" if reply.may_be_opt_out else reply.keyword or ""


def age(since: timedelta) -> str:
    """How long ago, in the largest unit of which there is one."""
    minutes = int(since.total_seconds()) // 60
    if since >= _DAY:
        return f"{since.days:,} d"
    return f"{minutes // 60} h" if minutes >= 60 else f"{max(0, minutes)} min"


def _one(number: int, *, json: bool) -> None:
    from clinic.govern.access.look import at_some
    from clinic.message.incoming.replies import one_reply

    settings = get_settings()
    with open_record(settings) as record:
        reply, sharers = one_reply(record, number, settings.phones)
        looked(record, settings, at_some("reply", [one.patient_id for one in sharers], number))
    if json:
        return console.show_json(asdict(reply) | {"of": [asdict(one) for one in sharers]})
    show = LocalTime(settings).show
    facts = [
        ("Received", f"{show(reply.at)} by {reply.channel}"),
        ("From", reply.address),
        ("Mark", _marks(reply)),
        ("Keyword", _keyword(reply)),
        ("Text", reply.text),
        ("State", _state(reply)),
        ("Last step", _last_step(reply, show(reply.state_at))),
        ("Note", reply.note),
    ]
    console.show_table(f"Reply {number}", ["What", "Is"], facts)
    console.show_table(
        "Patients who have this number now"
        if reply.channel == "sms"
        else "Patients of this address",
        ["NHS number", "Local id", "Name", "Born", "Status"],
        [(p.nhs_number, p.local_id, p.name, p.birth_date, p.status) for p in sharers],
    )
    ids = [p.nhs_number or p.local_id for p in sharers]
    console.next_commands(
        *_what_to_do(reply),
        *(f"cohort patient {name} --reason reply" for name in ids if name),
        "cohort replies",
    )


def _last_step(reply: Reply, at: datetime | str | None) -> str:
    return f"{reply.state_by}, {at}" if reply.state_by else ""


def _what_to_do(reply: Reply) -> list[str]:
    from clinic.message.incoming.replies import steps_of

    commands = {
        "take": f"cohort reply take {reply.id}",
        "done": f'cohort reply done {reply.id} --note "…"',
        "reopen": f"cohort reply reopen {reply.id}",
    }
    return [commands[step] for step in steps_of(reply)]

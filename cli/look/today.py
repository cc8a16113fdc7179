"""`cohort today`: what waits for me, what runs, what failed or does not move, and the way on. Only looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich.markup import escape

from cli import console
from cli.options import Json
from cli.proof import claimed
from cli.wiring import LocalTime, get_settings, governed, open_record

if TYPE_CHECKING:
    from datetime import datetime

    from clinic.govern.approvals.approvals import Approval
    from clinic.message.incoming.reply_work import Waiting
    from clinic.record.database import Record
    from clinic.settings import Settings


@dataclass(frozen=True)
class Line:
    """One thing of the day. what: "campaign 3"; then: the command that leads on."""

    what: str
    about: str
    state: str
    says: str
    then: str


def today(
    json: Json = False,
) -> None:
    """
    The day's overview: what waits for you, what is under way, what failed or stands still, what is to be done.

    Of what has ended, the last day is shown; of notices to staff, the last week. Changes nothing.
    """
    from clinic.change.review.follow_up import list_follow_ups
    from clinic.clock import SystemClock
    from clinic.govern.people.operators import find_operator
    from clinic.govern.people.review import MAY, to_say
    from clinic.message.campaign.sending_stop import sending
    from clinic.message.incoming.holds import count_undecided
    from clinic.message.incoming.reply_work import count_waiting
    from clinic.message.incoming.shared_stop import count_open
    from clinic.message.recall.follow_ups import open_by_owner
    from tasks.prefect.standing_still import standing_still

    settings, now = get_settings(), SystemClock().now()
    with open_record(settings) as record:
        settings = governed(record, settings)
        me = claimed(settings, "")
        mine, others = _waiting(record, settings, now, me)
        rejected = _rejected(record, now, me)
        under_way, bad = _operations(record, now)
        campaigns = _campaigns(record, settings, now)
        teams = Counter(each.team for each in list_follow_ups(record)) + open_by_owner(record)
        stopped = sending(record).stopped
        bad += [
            *_notices(record, now),
            *_undecidable(record, now),
            *_recalls(record, settings, now),
            *_sources(record, settings, now),
            *_outside(record, now),
        ]
        replies, held = count_waiting(record), count_undecided(record)
        shared = count_open(record)
        with record.read() as connection:
            person = find_operator(connection, me)
            may = person is not None and person.role in MAY
            people = to_say(connection, now, days=settings.people.dormant_days) if may else ()
    under_way += [line for line, failed in campaigns if not failed]
    bad += [line for line, failed in campaigns if failed]
    standing = standing_still(settings, stopped)
    if json:
        return console.show_json(
            {
                "operator": me,
                "standing_still": standing,
                "waits_for_me": list(map(asdict, mine)),
                "rejected": list(map(asdict, rejected)),
                "waits_for_others": list(map(asdict, others)),
                "under_way": list(map(asdict, under_way)),
                "failed": list(map(asdict, bad)),
                "follow_ups": dict(sorted(teams.items())),
                "replies": asdict(replies),
                "holds": held,
                "shared_decisions": shared,
                "people": list(people),
            }
        )
    for says in standing.values():
        console.say(f"[yellow]{escape(says)}[/]")
    _show(f"Waits for {me}", mine)
    _show(f"Rejected since yesterday, asked for by {me}", rejected)
    _show("Failed, or not moving", bad)
    _show("Waits for others", others)
    _show("Under way", under_way)
    if teams:
        open_ones = ", ".join(f"{team} {number:,}" for team, number in sorted(teams.items()))
        console.say(f"Follow-ups open: {open_ones}.")
    coming_back = [*_replies(replies, now), *_holds(held), *_shared(shared), *map(escape, people)]
    for says in coming_back:
        console.say(says)
    if not (standing or mine or rejected or bad or others or under_way or teams or coming_back):
        console.say("Nothing waits, nothing is under way, nothing failed.")
    steps = [*_ways_on(standing), *(line.then for line in (*mine, *rejected, *bad))]
    steps += ["cohort follow-ups"] if teams else []
    steps += ["cohort operators review"] if people else []
    steps += ["cohort replies"] if replies.oldest else []
    steps += ["cohort reply shared"] if shared else []
    steps += ["cohort holds"] if held else []
    console.next_commands(*dict.fromkeys(steps))
    return None


def _show(title: str, lines: Sequence[Line]) -> None:
    if lines:
        rows = [(x.what, x.about, x.state, x.says, x.then) for x in lines]
        console.show_table(title, ["What", "Of", "State", "", "Next"], rows)


def _waiting(
    record: Record, settings: Settings, now: datetime, me: str
) -> tuple[list[Line], list[Line]]:
    """Requests that whoever looks may decide or must confirm; and those that others may."""
    from clinic.govern.approvals.for_person import waiting_for

    mine: list[Line] = []
    others: list[Line] = []
    for one in waiting_for(record, now, me).waits:
        asked = one.asked
        if "confirm" in one.steps:
            mine.append(_asked(asked, settings, "confirm it", f"cohort confirm {asked.id}"))
        elif "approve" in one.steps:
            mine.append(_asked(asked, settings, "decide", f"cohort approvals show {asked.id}"))
        else:
            others.append(_asked(asked, settings, one.whom, f"cohort approvals show {asked.id}"))
    return mine, others


def _rejected(record: Record, now: datetime, me: str) -> list[Line]:
    """By whom and with which note; the request itself says what can be done."""
    from clinic.govern.approvals.queue import rejected_to

    return [
        Line(
            f"{asked.subject} {asked.subject_id}",
            asked.kind,
            "rejected",
            f"by {asked.decided_by}{f': {asked.note}' if asked.note else ''}",
            f"cohort approvals show {asked.id}",
        )
        for asked in rejected_to(record, now, me)
    ]


def _asked(asked: Approval, settings: Settings, says: str, then: str) -> Line:
    until = f"open until {LocalTime(settings).show(asked.expires_at)}"
    about = f"{asked.kind}, by {asked.requested_by}"
    return Line(f"{asked.subject} {asked.subject_id}", about, until, says, then)


def _operations(record: Record, now: datetime) -> tuple[list[Line], list[Line]]:
    """Those under way, and those that failed; one that waits for its approval is told of there."""
    from clinic.change.core.states import WAITING
    from clinic.change.kinds.table import title_of
    from clinic.change.review.next_steps import next_steps
    from clinic.change.review.standing import BAD, operations_now

    under_way: list[Line] = []
    bad: list[Line] = []
    for each in operations_now(record, now):
        if each.state == WAITING:
            continue
        says = "its run has not begun" if each.state == "approved" else each.state_reason or ""
        then = next(iter(next_steps(record, each)), f"cohort operations show {each.id}")
        line = Line(f"operation {each.id}", title_of(each.kind), each.state, says, then)
        (bad if each.state in BAD else under_way).append(line)
    return under_way, bad


def _campaigns(record: Record, settings: Settings, now: datetime) -> list[tuple[Line, bool]]:
    """Each with whether it failed or stands still."""
    from clinic.message.campaign.sending_stop import sending
    from clinic.message.outcomes.standing import STANDS_STILL, campaigns_now

    stopped = sending(record).stopped is not None
    found = []
    for each in campaigns_now(record, now, accepted_errors=settings.release.accepted_errors):
        then = f"cohort show {each.id}"
        if each.state in STANDS_STILL and not stopped:
            then = f"cohort resume {each.id}"
        line = Line(f"campaign {each.id}", each.list_name, each.state, each.says, then)
        found.append((line, each.bad))
    return found


def _notices(record: Record, now: datetime) -> list[Line]:
    from clinic.notify.status import failed_lately

    return [
        Line(
            f"notice of operation {each.operation_id}", f"to {each.audience}", "failed", each.says,
            f"cohort operations show {each.operation_id}",
        )
        for each in failed_lately(record, now)
    ]  # fmt: skip


def _recalls(record: Record, settings: Settings, now: datetime) -> list[Line]:
    """NEW-31: recalls with overdue follow-ups."""
    from clinic.message.recall.standing import standing_of

    today = now.astimezone(LocalTime(settings).zone).date()
    with record.read() as connection:
        found = standing_of(connection, today, None)
    return [
        Line(
            f"recall {each.campaign_id}", each.list_name, f"{each.overdue:,} overdue", each.says,
            f"cohort follow-ups --campaign {each.campaign_id}",
        )
        for each in found
        if each.overdue
    ]  # fmt: skip


def _undecidable(record: Record, now: datetime) -> list[Line]:
    from clinic.govern.approvals.approvals import undecidable

    return [
        Line(
            f"{asked.subject} {asked.subject_id}", asked.kind, "waiting",
            "nobody can decide it: another person with that role must be added",
            f"cohort approvals show {asked.id}",
        )
        for asked in undecidable(record, now)
    ]  # fmt: skip


def _replies(waiting: Waiting, now: datetime) -> list[str]:
    from cli.look.replies import age

    if waiting.oldest is None:
        return []
    marked = f"; {waiting.marked:,} are marked, read these first" if waiting.marked else ""
    return [
        f"Replies open: {waiting.open:,}, being dealt with: {waiting.in_hand:,}; "
        f"the oldest is of {age(now - waiting.oldest)} ago{marked}."
    ]


def _holds(held: int) -> list[str]:
    return [f"Numbers or patients held back by a reply, undecided: {held:,}."] if held else []


def _sources(record: Record, settings: Settings, now: datetime) -> list[Line]:
    """What of other systems was not imported, or is too old."""
    from clinic.record.systems.sync_runs import sources_behind

    with record.read() as connection:
        behind = sources_behind(connection, settings, now, why=True)
    return [
        Line("source", "import", "not imported", says, "cohort sources status") for says in behind
    ]


def _shared(count: int) -> list[str]:
    """NEW-27: of whom a person must say what a STOP from a shared number means."""
    says = f"STOP or START from a shared number, undecided for so many patients: {count:,}."
    return [says] if count else []


def _ways_on(standing: dict[str, str]) -> list[str]:
    commands = {
        "sending_stopped": "cohort sending status",
        "server_away": "cohort server start",
        "no_worker": "cohort server status",
        "queue_paused": "cohort server resume",
    }
    return [commands[code] for code in standing]


def _outside(record: Record, now: datetime) -> list[Line]:
    """What is not saved to the clinical record outside."""
    from clinic.record.systems.outside_behind import outside_behind

    with record.read() as connection:
        behind = outside_behind(connection, now)
    return [Line("outside", "save", "not saved", says, "cohort record status") for says in behind]

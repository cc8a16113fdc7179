"""The things of the day, each with the page where one goes on with it: as `cohort today` has them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from clinic.change.core.states import WAITING
from clinic.change.kinds.table import title_of
from clinic.change.review.follow_up import list_follow_ups
from clinic.change.review.standing import BAD, operations_now
from clinic.govern.approval_rows import Approval
from clinic.govern.approvals.for_person import waiting_for
from clinic.govern.approvals.queue import rejected_to
from clinic.message.incoming.holds import count_undecided
from clinic.message.incoming.reply_work import count_waiting
from clinic.message.incoming.shared_stop import count_open
from clinic.message.outcomes.standing import campaigns_now
from clinic.message.recall.follow_ups import open_by_owner
from clinic.message.recall.standing import standing_of
from clinic.notify.status import failed_lately
from clinic.record.systems.outside_behind import outside_behind
from clinic.values.text import counted
from desk.web.visit import Visit


@dataclass(frozen=True)
class Entry:
    """One thing. what: "Bulk message 3"; about: whose, or of what; href: its page, if there is one."""

    what: str
    about: str
    says: str
    href: str = ""


_SUBJECTS = {"campaign": "Bulk message", "operation": "Operation"}


def approvals(visit: Visit) -> tuple[list[Entry], list[Entry], list[Entry]]:
    """What waits for this person, what waits for others, and what of theirs was rejected within a day."""
    record, now, me = visit.desk.parts.record, visit.desk.parts.clock.now(), visit.person.name
    mine: list[Entry] = []
    others: list[Entry] = []
    for one in waiting_for(record, now, me).waits:
        if "confirm" in one.steps:
            mine.append(_asked(visit, one.asked, "You asked for it: confirm it."))
        elif "approve" in one.steps:
            mine.append(_asked(visit, one.asked, "Decide: approve or reject it."))
        elif not one.deciders:
            says = "Nobody can decide it: another person with that role must be added."
            others.append(_asked(visit, one.asked, says))
        else:
            others.append(_asked(visit, one.asked, f"{one.whom[:1].upper()}{one.whom[1:]}."))
    rejected = [
        _asked(
            visit, asked, f"Rejected by {asked.decided_by}{f': {asked.note}' if asked.note else ''}"
        )
        for asked in rejected_to(record, now, me)
    ]
    return mine, others, rejected


def _asked(visit: Visit, asked: Approval, says: str) -> Entry:
    subject = _SUBJECTS.get(asked.subject, asked.subject.capitalize())
    until = visit.desk.looks.filters["when"](asked.expires_at)
    about = f"{asked.kind}, asked for by {asked.requested_by}, open until {until}"
    return Entry(f"{subject} {asked.subject_id}", about, says, f"/approvals/{asked.id}")


def work(visit: Visit) -> tuple[list[Entry], list[Entry]]:
    """What is under way, and what failed within a day or does not move."""
    record, now = visit.desk.parts.record, visit.desk.parts.clock.now()
    under_way: list[Entry] = []
    bad: list[Entry] = []
    accepted = visit.desk.settings().release.accepted_errors
    for campaign in campaigns_now(record, now, accepted_errors=accepted):
        says = campaign.says or campaign.state.replace("_", " ").capitalize()
        entry = Entry(
            f"Bulk message {campaign.id}", campaign.list_name, says, f"/messages/{campaign.id}"
        )
        (bad if campaign.bad else under_way).append(entry)
    for each in operations_now(record, now):
        if each.state == WAITING:  # told of where its approval is
            continue
        says = (
            "Its run has not begun" if each.state == "approved" else each.state_reason or each.state
        )
        entry = Entry(
            f"Operation {each.id}",
            title_of(each.kind),
            says.replace("_", " "),
            f"/operations/{each.id}",
        )
        (bad if each.state in BAD else under_way).append(entry)
    for notice in failed_lately(record, now):
        number = notice.operation_id
        what, about = f"Notice of operation {number}", f"to {notice.audience}"
        bad.append(Entry(what, about, notice.says, f"/operations/{number}"))
    with record.read() as connection:
        bad += [Entry("The record outside", "", says) for says in outside_behind(connection, now)]
    return under_way, bad


def to_do(visit: Visit) -> list[Entry]:
    """What people must do: overdue recalls, follow-ups by team, replies, whose STOP it was, what is held."""
    record, now = visit.desk.parts.record, visit.desk.parts.clock.now()
    with record.read() as connection:
        recalls = standing_of(connection, visit.desk.today(), None)
    found = [
        Entry(
            f"Recall {each.campaign_id}: {each.overdue:,} overdue", each.list_name, each.says,
            f"/tasks?campaign={each.campaign_id}",
        )
        for each in recalls
        if each.overdue
    ]  # fmt: skip
    teams = Counter(each.team for each in list_follow_ups(record)) + open_by_owner(record)
    found += [
        Entry(
            f"{counted(number, 'follow-up')} open",
            team,
            "Do it, then tick it.",
            f"/tasks?team={team}",
        )
        for team, number in sorted(teams.items())
    ]
    replies = count_waiting(record)
    if replies.oldest is not None:
        hours = int((now - replies.oldest).total_seconds() // 3600)
        age = counted(hours // 24, "day") if hours >= 24 else counted(max(hours, 1), "hour")
        marked = f"; {replies.marked:,} are marked: read these first" if replies.marked else ""
        says = f"{replies.in_hand:,} being dealt with; the oldest is of {age} ago{marked}."
        open_ones = counted(replies.open, "reply", "replies")
        found.append(Entry(f"{open_ones} open", "", says, "/replies"))
    if shared := count_open(record):
        what = f"STOP from a shared number: {counted(shared, 'patient')}"
        found.append(
            Entry(what, "", "Say for each whether it holds for them too.", "/replies/shared")
        )
    if held := count_undecided(record):
        what = f"{counted(held, 'number or patient', 'numbers or patients')} held back"
        found.append(Entry(what, "", "A reply says not to send: decide.", "/holds"))
    return found

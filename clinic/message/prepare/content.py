"""
The content gate: what patients would read is judged as it is staged, whoever sends it and by whatever way;
and so is the campaign as a whole (whole.py).

    staged ─► judged, block by block ─► content_finding: class, phrase, how many messages, first rows
        ─► accepted, class by class, by a named person ─► may be released
        └► not accepted: the campaign is refused, and the same list may be tried again

Terminal, Prefect form, schedule and reminders pass `require_accepted`, and the release itself asks again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import CohortRefused
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign, refuse
from clinic.message.safety.accepted import acceptance_for, apply_acceptance
from clinic.message.sharing.accepting import apply_accepted
from clinic.message.words.classes import (
    CALL,
    CALLING,
    CODE,
    DOMAIN,
    NEUTRAL,
    OTHERS,
    PLACEHOLDER,
    SIZE,
)
from clinic.message.words.classes import REFUSED as NOBODY_ACCEPTS
from clinic.message.words.judging import Hit
from clinic.message.words.phrases import word_list
from clinic.record.database import Record
from clinic.record.schema.safety import content_finding
from clinic.settings import Content, Settings
from clinic.values.text import counted

_MOST_ROWS: Final = 5
_MOST_PHRASES: Final = 8
_MOST_DAYS: Final = 60  # over which a campaign can be spread
_ANY: Final = ""  # in the place of a phrase: the messages that have any of the class, each once
REFUSED: Final = "content-not-accepted"


@dataclass(frozen=True)
class Finding:
    """A class of words that is in the messages. rows: the first of them; accepted: by whom, or None."""

    code: str
    phrases: tuple[str, ...]
    messages: int
    rows: tuple[int, ...]
    accepted: str | None

    @property
    def to_accept(self) -> bool:
        """Whether nothing is sent before somebody accepted it; else it is a warning."""
        return self.accepted is None and self.code != CODE + CALLING

    def says(self, found: str, todo: str, *, two_persons: bool) -> str:
        """For whoever decides: what was found, where, and what it takes."""
        some = ", ".join(f"“{one}”" for one in self.phrases[:_MOST_PHRASES])
        more = len(self.phrases) - _MOST_PHRASES
        named = f" ({some}{f' and {more} more' if more > 0 else ''})" if self.phrases else ""
        rows = ", ".join(f"{row:,}" for row in self.rows)
        first = "row" if self.messages == 1 else "first rows"
        sentence = f"{found}{named}: {counted(self.messages, 'message')}, {first} {rows}."
        if self.accepted:
            return f"{sentence} Accepted by {self.accepted}."
        if not self.to_accept:
            return f"{sentence} {todo}."
        if not may_be_accepted(self.code):
            return f"{sentence} {todo}. Nobody can accept it."
        second = ", and a second approver approves it" if two_persons else ""
        return (
            f"{sentence} {todo}, or whoever knows that it is right gives a "
            f"reason{second}: --accept {self.code}=REASON."
        )


def keep_findings(
    connection: Connection, campaign_id: int, hits: Iterable[Hit], staged: pd.Index, among: pd.Index
) -> None:
    """
    Add what was found in a block of messages to what was found before.

    Args:
        staged: the row numbers of the texts that were judged; among: those that are messages now
    """
    own = content_finding.c
    found: dict[tuple[str, str], pd.Index] = {}
    for hit in hits:
        code = CODE + hit.phrase.subject
        rows = staged[hit.places]
        if len(among) < len(staged):
            rows = rows.intersection(among)
        for key in ((code, hit.phrase.written[:80]), (code, _ANY)):
            found[key] = found[key].union(rows) if key in found else rows
    kept = {
        (row.check_code, row.phrase): row
        for row in connection.execute(
            sa.select(content_finding).where(own.campaign_id == campaign_id)
        )
    }
    for key, rows in found.items():
        if not len(rows):
            continue
        before = kept.get(key)
        first = before.first_rows.split(",") if before else []
        values = {
            "messages": len(rows) + (before.messages if before else 0),
            "first_rows": ",".join([*first, *map(str, rows[:_MOST_ROWS].tolist())][:_MOST_ROWS]),
        }
        if before is None:
            names = {"campaign_id": campaign_id, "check_code": key[0], "phrase": key[1]}
            connection.execute(sa.insert(content_finding).values(**names, **values))
        else:
            which = (own.campaign_id == campaign_id) & (own.check_code == key[0])
            connection.execute(
                sa.update(content_finding).where(which, own.phrase == key[1]).values(**values)
            )


def findings_of(connection: Connection, campaign_id: int) -> list[Finding]:
    """What was found in the campaign's messages, a class each, and who accepted it."""
    own = content_finding.c
    rows = connection.execute(
        sa.select(content_finding)
        .where(own.campaign_id == campaign_id, own.check_code != CODE + NEUTRAL)
        .order_by(own.check_code, own.messages.desc(), own.phrase)
    ).all()
    return [
        _finding(connection, campaign_id, code, [row for row in rows if row.check_code == code])
        for code in dict.fromkeys(row.check_code for row in rows)
    ]


def _finding(
    connection: Connection, campaign_id: int, code: str, rows: list[sa.Row[tuple[object, ...]]]
) -> Finding:
    whole = next(row for row in rows if row.phrase == _ANY)
    return Finding(
        code,
        tuple(row.phrase for row in rows if row.phrase != _ANY),
        whole.messages,
        tuple(int(number) for number in whole.first_rows.split(",") if number),
        _accepted_by(connection, campaign_id, code, whole.messages),
    )


def _accepted_by(connection: Connection, campaign_id: int, code: str, messages: int) -> str | None:
    """Who accepted it; a size by its number."""
    found = acceptance_for(connection, campaign_id, code)
    counts = found and (code != SIZE or has_number(found.reason, messages))
    return found.by if found and counts else None


def still_open(connection: Connection, job: Campaign) -> list[Finding]:
    """What must be accepted before it is sent; nothing of a dry run, which reaches nobody."""
    if job.dry_run:
        return []
    return [one for one in findings_of(connection, job.id) if one.to_accept]


def require_accepted(record: Record, clock: Clock, settings: Settings, campaign_id: int) -> None:
    """
    Go on with a campaign of which every finding is accepted, and note that it counts; else close it.

    Raises:
        CohortRefused: something is not accepted; what, where, and how it is
    """
    words = word_list(settings.content)
    with record.write() as connection:
        job = get_campaign(connection, campaign_id)
        if job.state != states.CHECKING or job.dry_run:
            return
        left = still_open(connection, job)
        apply_accepted(connection, clock, campaign_id)
        for one in findings_of(connection, campaign_id):
            if one.accepted is not None:
                apply_acceptance(
                    connection, clock, campaign_id, one.code,
                    found={"phrases": list(_without_words(one).phrases)}, rows=one.messages,
                    two_persons=one.code == SIZE or one.code.removeprefix(CODE) in words.two_persons,
                )  # fmt: skip
    if left:
        refuse(record, campaign_id, REFUSED)
        raise CohortRefused(
            REFUSED, " ".join(told(_without_words(one), settings.content) for one in left)
        )


def _without_words(finding: Finding) -> Finding:
    """For a run's state and the sealed trail: without what stands in the text and in no list of ours."""
    own = finding.code in (CODE + PLACEHOLDER, CODE + DOMAIN)
    return replace(finding, phrases=()) if own else finding


def told(finding: Finding, content: Content) -> str:
    """The finding in a sentence, as these settings judge it."""
    if finding.code == SIZE:
        return _told_size(finding)
    words = word_list(content)
    subject = finding.code.removeprefix(CODE)
    if subject in (CALL, CALLING):
        return finding.says(OTHERS[CALL][0], _how_to_spread(finding, content), two_persons=False)
    if subject in OTHERS:
        return finding.says(*OTHERS[subject], two_persons=False)
    found = f"The message seems to be about {words.about[subject]}"
    todo = "Ask the patient to call instead"
    return finding.says(found, todo, two_persons=subject in words.two_persons)


def _told_size(finding: Finding) -> str:
    says = f"{finding.messages:,} messages are an unusual number here ({finding.phrases[0]})."
    if finding.accepted:
        return f"{says} Accepted by {finding.accepted}."
    return (
        f"{says} Make sure that the list is right, or whoever knows that it is types the number with the "
        "reason, and a second approver approves it: "
        f'--accept {SIZE}="{finding.messages} REASON".'
    )


def _how_to_spread(finding: Finding, content: Content) -> str:
    """The pace at which the lines take all who are asked to call, and how long it takes then."""
    calls = content.calls_an_hour or finding.messages
    hours = -(-finding.messages // calls)
    days = f"; or --days {hours}" if hours <= _MOST_DAYS else ""
    return (
        f"The lines take {calls:,} calls an hour (content.calls_an_hour): at that pace it takes {hours:,} "
        f"hours in which messages may be sent: --per-hour {calls}, in a run per_hour{days}"
    )


def has_number(reason: str, messages: int) -> bool:
    """Whether a reason names this number of messages: nobody accepts a size that they have not seen."""
    return str(messages) in re.findall(r"\d+", reason.replace(",", ""))


def may_be_accepted(code: str) -> bool:
    """Whether a person may answer for it at all."""
    return code.removeprefix(CODE) not in NOBODY_ACCEPTS

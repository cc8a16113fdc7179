"""
STOP and START from a number that several patients have (NEW-27).

    the number                        is stopped at once, whosever it is (replies.py): nothing goes to it
    the only adult who has it         sent it: their own decision is written at once
    everybody else who has it         a person decides: a mother's STOP is not her child's
    several adults, none told apart   a person decides of each
    whose proxy has it                a person decides, as of somebody who has another number that is safe

A number that is safe for a patient (NEW-26) is theirs, whatever number is on the record.

Until then nothing reaches any of them on that number. A person says for each whether they are opted out too, or
are to be messaged on it all the same; a later START of the number makes what is still open idle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock
from clinic.errors import NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.message.eligibility.decisions import write_consents
from clinic.message.eligibility.suppress import opted_out
from clinic.message.incoming.senders import Senders, read_safe
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import consent, patient
from clinic.record.schema.receipts import reply, shared_decision
from clinic.record.schema.safety import safe_contact
from clinic.values.purposes import ANY, NATIONAL_OPT_OUT

LIFTED: Final = "lifted"
_ADULT: Final = 16
_DECISIONS: Final = {"stop": "opt_out", "start": "opt_in"}
Decided = Literal["opt_out", "opt_in"]


@dataclass(frozen=True)
class Meant:
    """What a reply decides of a patient at once, and of whom a person decides."""

    at_once: tuple[int, ...]
    by_a_person: tuple[int, ...]


@dataclass(frozen=True)
class Open:
    """A patient of whom a person must say what a reply from their number means."""

    reply_id: int
    at: datetime
    channel: str
    keyword: str
    patient_id: int
    name: str
    nhs_number: str | None
    local_id: str | None
    birth_date: date | None


def who_is_meant(born: Mapping[int, date | None], today: date) -> Meant:
    """
    Whose reply it was, of those who have its number; who has no date of birth is taken for an adult.

    Args:
        born: dates of birth of everybody alive who has the number
    """
    adults = [key for key, day in born.items() if day is None or not _is_child(day, today)]
    sender = list(born) if len(born) == 1 else adults if len(adults) == 1 else []
    return Meant(tuple(sender), tuple(key for key in born if key not in sender))


def _is_child(born: date, today: date) -> bool:
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return years < _ADULT


class Asked(NamedTuple):
    """A reply that asks for no more messages ("stop"), or for them again ("start"), and from whom."""

    reply_id: int
    keyword: str
    channel: str
    address: str
    at: datetime
    senders: Senders


def take_in(connection: Connection, asked: Sequence[Asked], *, source: str) -> None:
    """
    Write the decisions of those who sent these replies, and keep of whom a person must decide.

    A START asks nothing of whom no decision of their own holds back.
    """
    everybody = sorted({key for one in asked for key in one.senders.all})
    born = _births(connection, everybody)
    safe = dict(read_safe(connection, safe_contact.c.patient_id, everybody))
    meant = {one.reply_id: _meant(one, born, safe) for one in asked}
    consents = [
        {
            "patient_id": key, "channel": one.channel, "purpose": "any",
            "decision": _DECISIONS[one.keyword], "decided_at": one.at, "source": source,
        }
        for one in asked
        for key in meant[one.reply_id].at_once
    ]  # fmt: skip
    write_consents(connection, consents)
    _leave_to_a_person(connection, [(one, meant[one.reply_id].by_a_person) for one in asked])
    for one in asked:
        if one.keyword == "start":
            _lift(connection, one)


def _meant(one: Asked, born: Mapping[int, date | None], safe: Mapping[int, str]) -> Meant:
    """Nobody who has another number that is safe is opted out by whoever has this one."""
    own = {key: born[key] for key in one.senders.patients if key in born}
    meant = who_is_meant(own, one.at.date())
    other = {
        key
        for key in meant.at_once
        if one.channel != "email" and safe.get(key, one.address) != one.address
    }
    others = [key for key in one.senders.proxied if key in born]
    return Meant(
        tuple(key for key in meant.at_once if key not in other),
        (*meant.by_a_person, *sorted(other), *others),
    )


def _births(connection: Connection, ids: Sequence[int]) -> dict[int, date | None]:
    """Of those of these patients who are alive, and are no test patients; one statement."""
    rows = connection.execute(
        sa.select(patient.c.id, patient.c.birth_date).where(
            is_any_of(patient.c.id, ids),
            patient.c.death_date.is_(None),
            ~patient.c.fictitious,
        )
    )
    return dict(rows.tuples().all())


def _leave_to_a_person(connection: Connection, left: Sequence[tuple[Asked, Sequence[int]]]) -> None:
    rows: list[dict[str, Any]] = []
    for channel in {one.channel for one, _ in left}:
        own = [(one, keys) for one, keys in left if one.channel == channel]
        ids = sorted({key for _, keys in own for key in keys})
        among = sa.select(patient.c.id).where(is_any_of(patient.c.id, ids))
        out = set(connection.scalars(opted_out(channel, "any", among))) if ids else set()
        rows += [
            {"reply_id": one.reply_id, "patient_id": key}
            for one, keys in own
            for key in keys
            if one.keyword == "stop" or key in out
        ]
    if not rows:
        return
    insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(
        shared_decision
    )
    # The same reply may ask again, once a person says that it counts like STOP: who was to be messaged on the
    # number all the same is stopped with it, and asked about again
    asked_again = insert.on_conflict_do_update(
        index_elements=["reply_id", "patient_id"],
        set_={"decision": None, "decided_by": None, "decided_at": None},
        where=shared_decision.c.decision != "opt_out",
    )
    connection.execute(asked_again, rows)


def _lift(connection: Connection, start: Asked) -> None:
    """What is open because of a STOP of the number before is idle."""
    earlier = sa.select(reply.c.id).where(
        reply.c.channel == start.channel,
        reply.c.address == start.address,
        reply.c.keyword.is_distinct_from("start"),
        reply.c.happened_at <= start.at,
    )
    connection.execute(
        sa.update(shared_decision)
        .where(shared_decision.c.decision.is_(None), shared_decision.c.reply_id.in_(earlier))
        .values(decision=LIFTED, decided_at=start.at)
    )


def list_open(record: Record) -> list[Open]:
    """Of whom a person must decide, the oldest reply first."""
    columns = ("id", "given_name", "family_name", "nhs_number", "local_id", "birth_date")
    query = (
        sa.select(
            reply.c.id.label("reply_id"), reply.c.happened_at, reply.c.channel, reply.c.keyword,
            *(patient.c[name] for name in columns),
        )
        .join(shared_decision, shared_decision.c.reply_id == reply.c.id)
        .join(patient, patient.c.id == shared_decision.c.patient_id)
        .where(shared_decision.c.decision.is_(None))
        .order_by(reply.c.id, patient.c.id)
    )  # fmt: skip
    with record.read() as connection:
        return [
            Open(
                row.reply_id, row.happened_at, row.channel, row.keyword or "", row.id,
                f"{row.given_name} {row.family_name}".strip(), row.nhs_number, row.local_id,
                row.birth_date,
            )
            for row in connection.execute(query)
        ]  # fmt: skip


def count_open(record: Record) -> int:
    """Of how many patients a person must decide."""
    query = sa.select(sa.func.count(shared_decision.c.patient_id.distinct()))
    with record.read() as connection:
        return int(connection.scalar(query.where(shared_decision.c.decision.is_(None))) or 0)


def decide(
    record: Record, clock: Clock, reply_id: int, patient_id: int, decision: Decided, *, by: str
) -> int:
    """
    Say what a reply from a shared number means for one who has it; how many open questions that answers.

    Their decision is on their record as one made with staff: opted in, they are messaged on that number
    although it is stopped. That it was another's STOP says nothing of what they had opted out of before: that
    stands. What else is open of them for the number is answered too. Again: nothing.

    Raises:
        NotFound: nobody was asked that of this patient
    """
    own = shared_decision.c
    with record.write() as connection:
        asked = connection.execute(
            sa.select(reply.c.channel, reply.c.address, reply.c.keyword)
            .join(shared_decision, own.reply_id == reply.c.id)
            .where(own.reply_id == reply_id, own.patient_id == patient_id)
        ).one_or_none()
        if asked is None:
            raise NotFound(
                "stop-unknown",
                f"reply {reply_id} asks nothing of this patient; see: cohort reply shared",
            )
        same = sa.select(reply.c.id).where(
            reply.c.channel == asked.channel, reply.c.address == asked.address
        )
        now = clock.now()
        count = connection.execute(
            sa.update(shared_decision)
            .where(own.patient_id == patient_id, own.decision.is_(None), own.reply_id.in_(same))
            .values(decision=decision, decided_by=by, decided_at=now)
        ).rowcount
        if count:
            of_another = decision == "opt_in" and asked.keyword != "start"
            before = _in_force(connection, patient_id, asked.channel) if of_another else {}
            given = {
                "patient_id": patient_id, "channel": asked.channel, "decided_at": now, "source": "staff",
            }  # fmt: skip
            write_consents(
                connection,
                [given | each for each in _all_the_same(decision, before)],
            )
            act = Act(
                operator=by, operation_type="reply.decided", subject="reply", subject_id=reply_id,
                patients_affected=1, new_values={"decision": decision, "answered": count},
            )  # fmt: skip
            record_act(connection, clock, act)
    return int(count)


def _in_force(connection: Connection, patient_id: int, channel: str) -> dict[str, str]:
    """A patient's decisions by purpose, in the order in which they count: the latest that speaks of it."""
    own = consent.c
    rows = connection.execute(
        sa.select(own.purpose, own.decision)
        .where(own.patient_id == patient_id, own.channel.in_([channel, "any"]))
        .order_by(own.decided_at, own.id)
    )
    found: dict[str, str] = {}
    for purpose, decision in rows.tuples():
        # One for "any" speaks of all, and one for a purpose, coming later, of its parts too
        kept = (
            {}
            if purpose == ANY
            else {other: said for other, said in found.items() if other != purpose}
        )
        found = kept | {purpose: decision}
    return found


def _all_the_same(decision: Decided, before: Mapping[str, str]) -> list[dict[str, str]]:
    """What to write so that it counts from now on, with what was decided for one purpose or all before."""
    first = [{"purpose": ANY, "decision": decision}]
    if before.get(ANY) == "opt_out":
        first = []
    others = [
        {"purpose": purpose, "decision": said}
        for purpose, said in before.items()
        if purpose not in (ANY, NATIONAL_OPT_OUT) and (said == "opt_in" or first)
    ]
    return [*first, *others]

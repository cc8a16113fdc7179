"""
Erases a patient: asked by one, approved by another, and done to its end wherever it is killed.

    asked ─► approved ─► begun (approval used, restricted, on the list of erasures)
          ─► files ─► rows and acts, one transaction ─► space ─► ended

Each step finds what is left and may be done again. What is asked for is bound to what the dry run counted:
a row more, and the approval is void. The patient's own row stays, empty, so that all
counts add up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.states import ENDED as OPERATION_ENDED
from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.approval_rows import Approval
from clinic.govern.approvals.approvals import request_approval, require_approved
from clinic.govern.audit.chain import hold
from clinic.govern.audit.redacted import ERASED_LIST
from clinic.govern.held import held
from clinic.govern.people.operators import Operator
from clinic.govern.redact.opened import (
    begin_redaction,
    decision_of,
    end_redaction,
    insert_redaction,
    open_redactions,
)
from clinic.message.states import CHECKING
from clinic.personal_data.erase.files import files_of, remove
from clinic.personal_data.erase.outside import Outside, outside_of
from clinic.personal_data.erase.restrict import in_force, lift_restriction, set_restriction
from clinic.personal_data.erase.rows import erase_rows, find_rows
from clinic.personal_data.erase.said import Said, read_said, say
from clinic.personal_data.erase.space import forget_old_pages
from clinic.personal_data.erase.strangers import of_strangers, stand_in
from clinic.personal_data.erase.whom import digest_of_person, read_whom
from clinic.record.database import Record
from clinic.record.schema.change import operation, operation_item
from clinic.record.schema.govern import ERASED, redaction
from clinic.record.schema.messages import QUEUED, campaign, recipient
from clinic.record.schema.people import patient
from clinic.settings import Phones, Settings

ERASURE: Final = "erasure"
RESTRICTION: Final = "restriction"
LIFT: Final = "lift"


@dataclass(frozen=True)
class Plan:
    """
    What an erasure would take: rows of each table, files; and what is under way and must end before.

    outside: what it does not take
    """

    counts: Mapping[str, int]
    files: int
    under_way: tuple[str, ...]
    outside: Outside

    def digest(self, patient_id: int, ground: str) -> str:
        """Of all that is reviewed."""
        return _digest([ERASURE, patient_id, ground, dict(self.counts), self.files])


def plan_erasure(connection: Connection, home: Path, patient_id: int) -> Plan:
    """Count it; nothing is written."""
    whom = read_whom(connection, patient_id)
    found = find_rows(connection, whom)
    files = files_of(connection, home, whom)
    keys = whom.subject.keys
    return Plan(
        found.counts(),
        len(files),
        tuple(_under_way(connection, keys)),
        outside_of(connection, keys),
    )


def ask(
    record: Record,
    clock: Clock,
    settings: Settings,
    patient_id: int,
    *,
    what: str,
    by: Operator,
    ground: str,
) -> int:
    """
    Ask for an erasure, a restriction or its end; the number of the request.

    Raises:
        NotAllowed: something is under way with this patient's data (erasure), or the ground names them
    """
    with record.write() as connection:
        whom = read_whom(connection, patient_id)
        packed = "".join(ground.split()).lower()
        if any("".join(name.split()).lower() in packed for name in whom.words.names):
            raise NotAllowed(
                "ground-names-them",
                "the ground stays for ever: give it without the patient's name, number or address",
            )
        if what == ERASURE:
            plan = plan_erasure(connection, settings.home, patient_id)
            if plan.under_way:
                raise _busy(plan.under_way)
            digest, summary = plan.digest(patient_id, ground), _summary(plan)
        else:
            digest, summary = _digest([what, patient_id, ground]), {"what": what}
        return request_approval(
            connection, clock, subject=_subject(what), subject_id=patient_id, kind=_subject(what),
            digest=digest, requested_by=by.name, summary=summary, reason=ground, flow_run_id=None,
            expires_in=timedelta(hours=settings.release.approval_hours),
        )  # fmt: skip


def apply(record: Record, clock: Clock, home: Path, asked: Approval) -> dict[str, int]:
    """
    Do what was approved, once; for an erasure, what it took.

    Raises:
        NotAllowed: it is not approved, what was counted has changed since, or something is under way
    """
    what = str(asked.summary.get("what", ERASURE))
    if what != ERASURE:
        _restrict(record, clock, home, asked, what)
        return {}
    with record.write() as connection:
        hold(connection, f"erasure {asked.subject_id}")
        whom = read_whom(connection, asked.subject_id)
        plan = plan_erasure(connection, home, asked.subject_id)
        if plan.under_way:
            raise _busy(plan.under_way)
        used = require_approved(
            connection, subject=ERASURE, subject_id=asked.subject_id,
            digest=plan.digest(asked.subject_id, asked.reason), now=clock.now(),
        )  # fmt: skip
        number = begin_redaction(connection, clock, used, patient_id=asked.subject_id, who=whom.who)
        _forever(
            connection, clock, asked.subject_id, used.reason, used.requested_by, used.decided_by
        )
    return finish(record, clock, home, number)


def finish(record: Record, clock: Clock, home: Path, redaction_id: int) -> dict[str, int]:
    """Bring an erasure that was begun to its end; what it took now. Again: nothing."""
    with record.read() as connection:
        row = connection.execute(sa.select(redaction).where(redaction.c.id == redaction_id)).one()
        patient_id = int(row.patient_id)
        whom = read_whom(connection, patient_id)
        files = files_of(connection, home, whom)
        _say(connection, home, ERASURE, row.who, patient_id, row)
    took = {"files": remove(files)}
    with record.write() as connection:
        if not _is_empty(connection, patient_id):
            found = find_rows(connection, whom)
            erase_rows(connection, clock, whom, found, decision_of(connection, redaction_id))
            took |= found.counts()
    forget_old_pages(record)
    with record.write() as connection:
        end_redaction(connection, clock, redaction_id, took)
    forget_old_pages(record)
    return took


def finish_all(record: Record, clock: Clock, home: Path) -> int:
    """Bring every erasure that was killed to its end; how many."""
    with record.read() as connection:
        left = [number for number, whose, _ in open_redactions(connection) if whose is not None]
    for number in left:
        finish(record, clock, home, number)
    return len(left)


def apply_said(
    record: Record,
    clock: Clock,
    home: Path,
    path: Path | None = None,
    *,
    phones: Phones | None = None,
) -> dict[str, int]:
    """
    Do again what was decided since this record was copied: before anything is sent from it.

    Args:
        phones: how numbers are read, of whoever is on no record
        path: the list of erasures; None: the home's own

    Returns:
        how many of each: erasure, restriction, lift
    """
    done: dict[str, int] = {}
    with record.read() as connection:
        people = {
            digest_of_person(connection, row.nhs_number, row.id): int(row.id)
            for row in connection.execute(sa.select(patient.c.id, patient.c.nhs_number))
        }
        lines = list(read_said(connection, path or home / ERASED_LIST))
        known = set(connection.scalars(sa.select(redaction.c.who)))
    newest = _newest(lines)
    left = {said.who for said in newest if said.what == ERASURE} - people.keys() - known
    people |= _strangers(record, left, phones)
    for said in newest:
        if (key := people.get(said.who)) is None or said.who in known:
            continue
        with record.read() as connection:
            if said.what != ERASURE and is_restricted_now(connection, key) is (said.what != LIFT):
                continue
        with record.write() as connection:
            number = _again(connection, clock, said, key)
        if number is not None:
            finish(record, clock, home, number)
        done[said.what] = done.get(said.what, 0) + 1
    return done


def _strangers(record: Record, wanted: set[str], phones: Phones | None) -> dict[str, int]:
    """Whoever of these is on no record, and on lists or in replies again: a row that stands in for each."""
    if not wanted:
        return {}
    with record.read() as connection:
        found = {who: given for who, given in of_strangers(connection) if who in wanted}
    return {who: stand_in(record, given, phones or Phones()) for who, given in found.items()}


def _newest(lines: list[Said]) -> list[Said]:
    """What counts of each person: that they were erased, else whether they are restricted at last."""
    newest: dict[str, Said] = {}
    for said in lines:
        if said.who not in newest or newest[said.who].what != ERASURE:
            newest[said.who] = said
    return list(newest.values())


def _again(connection: Connection, clock: Clock, said: Said, key: int) -> int | None:
    people = {"ground": said.ground, "asked_by": said.asked_by, "approved_by": said.approved_by}
    if said.what == LIFT:
        lift_restriction(connection, clock, key, **people)
        return None
    set_restriction(connection, clock, key, **people)
    if said.what == RESTRICTION:
        return None
    values = {
        "kind": ERASURE, "patient_id": key, "who": said.who, "said": said.line,
        "begun_at": clock.now(), **people,
    }  # fmt: skip
    return insert_redaction(connection, clock, values)


def erased(connection: Connection, nhs_number: str) -> int | None:
    """The number of the redaction of somebody with this NHS number, ended or not; None: there is none."""
    who = digest_of_person(connection, "".join(nhs_number.split()), 0)
    query = sa.select(redaction.c.id).where(redaction.c.who == who).order_by(redaction.c.id.desc())
    found: int | None = connection.scalar(query.limit(1))
    return found


def is_restricted_now(connection: Connection, patient_id: int) -> bool:
    """Whether a restriction holds for this patient."""
    return in_force(connection, patient_id) is not None


def _restrict(record: Record, clock: Clock, home: Path, asked: Approval, what: str) -> None:
    with record.write() as connection:
        used = require_approved(
            connection, subject=RESTRICTION, subject_id=asked.subject_id,
            digest=_digest([what, asked.subject_id, asked.reason]), now=clock.now(),
        )  # fmt: skip
        change = set_restriction if what == RESTRICTION else lift_restriction
        change(
            connection, clock, asked.subject_id, ground=used.reason, asked_by=used.requested_by,
            approved_by=used.decided_by or "",
        )  # fmt: skip
        whom = read_whom(connection, asked.subject_id)
        says = {
            "what": what, "who": whom.who, "key": asked.subject_id, "ground": used.reason,
            "asked": used.requested_by, "approved": used.decided_by, "at": clock.now().isoformat(),
        }  # fmt: skip
        say(connection, home, says)


def _say(connection: Connection, home: Path, what: str, who: str, key: int, row: Any) -> None:
    if row.said:
        return  # it is of that list
    says = {
        "what": what, "who": who, "key": key, "ground": row.ground, "asked": row.asked_by,
        "approved": row.approved_by, "at": row.begun_at.isoformat(),
    }  # fmt: skip
    say(connection, home, says)


def _forever(
    connection: Connection, clock: Clock, key: int, ground: str, asked: str, approved: str | None
) -> None:
    set_restriction(
        connection, clock, key, ground=ground, asked_by=asked, approved_by=approved or ""
    )


def _is_empty(connection: Connection, patient_id: int) -> bool:
    name = connection.scalar(sa.select(patient.c.given_name).where(patient.c.id == patient_id))
    return name == ERASED


def _under_way(connection: Connection, keys: tuple[int, ...]) -> list[str]:
    """Campaigns that may still send and operations that have not ended, with something of this patient."""
    campaigns = connection.scalars(
        sa.select(campaign.c.id)
        .where(
            campaign.c.state.in_((*QUEUED, CHECKING)),
            campaign.c.id.in_(
                sa.select(recipient.c.campaign_id).where(recipient.c.patient_id.in_(keys))
            ),
        )
        .order_by(campaign.c.id)
    )
    operations = connection.scalars(
        sa.select(operation.c.id)
        .where(
            operation.c.state.not_in(OPERATION_ENDED),
            operation.c.id.in_(
                sa.select(operation_item.c.operation_id).where(
                    operation_item.c.patient_id.in_(keys)
                )
            ),
        )
        .order_by(operation.c.id)
    )
    one = sa.literal(keys[0], sa.BigInteger)  # of the record; the other is minus the NHS number
    is_held = connection.scalar(sa.select(one.in_(held("patient"))))
    return [
        *(f"campaign {n}" for n in campaigns),
        *(f"operation {n}" for n in operations),
        *(["a legal hold on them"] if is_held else []),
    ]


def _busy(what: tuple[str, ...]) -> NotAllowed:
    return NotAllowed(
        "erase-under-way",
        f"something with this patient is under way: {', '.join(what)}. Restrict them first, so that nothing "
        "is sent: cohort patients restrict; erase them once that has ended, or was cancelled",
    )


def _summary(plan: Plan) -> dict[str, int | str]:
    outside = {"outside": plan.outside.saved + plan.outside.changes} if plan.outside.says else {}
    return {"what": ERASURE, **plan.counts, "files": plan.files, **outside}


def _subject(what: str) -> str:
    return ERASURE if what == ERASURE else RESTRICTION


def _digest(says: list[Any]) -> str:
    text = orjson.dumps(says, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()

"""
What staff decided for one patient and one template, both ways, with a reason (NEW-28).

    never                never gets it, whatever the bounds say
    sex, age             gets it although the record's sex or age is outside: organs, not the marker
    excluded, coded      although a code or group leaves them out, or although it was coded since

A decision is not changed: a newer one ends it, and the trail has both. The reason is a person's words and
stays where it is; the act has its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotFound, TemplateRefused
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.tied import require_theirs
from clinic.record.database import Record
from clinic.record.schema.lists import template, template_exception
from clinic.record.schema.people import patient

NEVER: Final = "never"
LIFTS: Final = ("sex", "age", "excluded", "coded")


@dataclass(frozen=True)
class PatientException:
    """A decision that holds. nhs_number, local_id: whose it is."""

    nhs_number: str | None
    local_id: str | None
    lifts: str
    reason: str
    set_by: str
    set_at: datetime


def decide_for(
    record: Record, clock: Clock, key: str, patient_id: int, lifts: Iterable[str], *, reason: str, by: str
) -> None:  # fmt: skip
    """
    Decide for a patient; the decision before it ends. Nothing in `lifts`: as for everybody again.

    Raises:
        NotFound: there is no such template
        TemplateRefused: no bound is called so, or there is no reason
    """
    words = _words(lifts)
    if len(reason.strip()) < 3:
        raise TemplateRefused(
            "exception-reason",
            "who decides for a patient says why: --reason, of three letters or more",
        )
    with record.write() as connection:
        require_theirs(connection, by, keys=[patient_id])
        template_id = _template(connection, key)
        c = template_exception.c
        own = (c.template_id == template_id) & (c.patient_id == patient_id) & c.ended_at.is_(None)
        ended = connection.scalars(
            sa.update(template_exception)
            .where(own)
            .values(ended_at=clock.now(), ended_by=by)
            .returning(c.id)
        ).all()
        made = list(ended)
        if words:
            row = {
                "template_id": template_id, "patient_id": patient_id, "lifts": words,
                "reason": reason.strip(), "set_by": by, "set_at": clock.now(),
            }  # fmt: skip
            new = sa.insert(template_exception).values(**row).returning(c.id)
            made.append(connection.execute(new).scalar_one())
        digest = hashlib.sha256(reason.strip().encode()).hexdigest()
        act = Act(
            operator=by, operation_type="template.exception", subject="template", subject_id=template_id,
            patients_affected=1, new_values={"key": key, "lifts": words, "reason_sha256": digest},
        )  # fmt: skip
        record_act(connection, clock, act, rows={template_exception: made})


def exceptions_of(record: Record, key: str) -> list[PatientException]:
    """
    The decisions that hold for a template, the newest first.

    Raises:
        NotFound: there is no such template
    """
    c = template_exception.c
    with record.read() as connection:
        rows = connection.execute(
            sa.select(
                patient.c.nhs_number, patient.c.local_id, c.lifts, c.reason, c.set_by, c.set_at
            )
            .join(patient, patient.c.id == c.patient_id)
            .where(c.template_id == _template(connection, key), c.ended_at.is_(None))
            .order_by(c.id.desc())
        )
        return [PatientException(*row) for row in rows]


def _words(lifts: Iterable[str]) -> str:
    wanted = {word.strip().lower() for word in lifts}
    if wanted == {NEVER}:
        return NEVER
    if unknown := wanted - set(LIFTS):
        raise TemplateRefused(
            "exception-unknown",
            f"a patient can be let through {', '.join(LIFTS)}, not {', '.join(sorted(unknown))!r}",
        )
    return " ".join(word for word in LIFTS if word in wanted)


def _template(connection: Connection, key: str) -> int:
    found = connection.scalar(sa.select(template.c.id).where(template.c.key == key))
    if found is None:
        raise NotFound(
            "template-unknown", f"there is no template {key}; see: cohort templates list"
        )
    return int(found)

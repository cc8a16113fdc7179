"""
Writes down who looks at which patients, and why, before anything is shown: no log, no view (NEW-37).

One short transaction a look, whatever the number of patients; nothing for a message that is sent. Killed
between the two, the log tells of a look that showed nothing: never the other way round.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from clinic.clock import Clock
from clinic.errors import CohortError, NotAllowed, RecordUnsafe
from clinic.govern.access.look import Look
from clinic.govern.access.reasons import INHERITED, Reason, require_nameless
from clinic.govern.tied import is_own_work, require_all, require_subject, require_theirs
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.outage import outage
from clinic.record.schema.govern import access_log, access_patient, operator
from clinic.record.schema.people import patient
from clinic.settings.installation import account_name

_HOST_LETTERS = 80


@dataclass(frozen=True)
class Looker:
    """
    Who looks. proven: signed in, or by their password

    command: what was typed after `cohort`, or the page's own name
    """

    name: str
    command: str
    proven: bool


def note_look(
    record: Record,
    clock: Clock,
    looker: Looker,
    look: Look,
    *,
    reason: Reason = INHERITED,
    refused: str | None = None,
) -> None:
    """
    Write it down. Call it with all that will be shown in hand, and show nothing before it returns.

    refused: the code of why nothing is shown

    Raises:
        NotAllowed: the reason names the patient; or some of them are of other facilities than those that the
            looker is tied to, which is written down as refused
        RecordUnsafe: it cannot be written, so that nothing may be shown
    """
    try:
        with record.write() as connection:
            if reason.words:
                require_nameless(reason, _names(connection, look))
            not_theirs = None if refused else _not_theirs(connection, looker.name, look)
            refused = not_theirs.code if not_theirs else refused
            query = sa.select(operator.c.role).where(operator.c.name == looker.name)
            role = connection.scalar(query)
            key = connection.execute(
                access_log.insert().returning(access_log.c.id),
                {
                    "at": clock.now(), "person": looker.name, "role": role,
                    "proven": looker.proven and role is not None, "host": socket.gethostname()[:_HOST_LETTERS],
                    "account": account_name(), "command": looker.command, "subject": look.subject,
                    "subject_id": look.number, "sent_from": look.sent_from,
                    "sent_before": look.sent_before, "patients": look.patients,
                    "reason": reason.code, "words": reason.words or None, "refused": refused,
                },
            ).scalar_one()  # fmt: skip
            if look.keys:
                rows = [{"access_id": key, "patient_id": each} for each in sorted(look.keys)]
                connection.execute(access_patient.insert(), rows)
        if not_theirs is not None:  # only now: that they tried is committed
            raise not_theirs
    except CohortError:
        raise
    except (SQLAlchemyError, OSError) as error:
        known = outage(error)
        why = f": {known.says}" if known else ""
        raise RecordUnsafe(
            "access-not-logged",
            f"nothing is shown, since it cannot be written down that you look{why}",
        ) from None


def _not_theirs(connection: sa.Connection, name: str, look: Look) -> NotAllowed | None:
    """Why this may not be shown to whom it is shown; None: it may."""
    try:
        if look.keys and not is_own_work(connection, name, look.subject, look.number):
            require_theirs(connection, name, keys=look.keys)
        elif look.patients and look.number is not None:
            require_subject(connection, name, look.subject, look.number)
        elif look.patients:  # nobody can tell whose they are
            require_all(connection, name)
    except NotAllowed as refusal:
        return refusal
    return None


def _names(connection: sa.Connection, look: Look) -> list[str]:
    p = patient.c
    query = sa.select(p.given_name, p.family_name).where(is_any_of(p.id, sorted(look.keys)))
    return [name for row in connection.execute(query) for name in row]

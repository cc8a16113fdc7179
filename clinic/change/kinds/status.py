"""
Status change (ALC-2, ALC-14, ALC-16): Active, On Hold, Discharged, or another status of this practice.

Which change is allowed from which status is a setting; a patient in a status it does not name, or from
which the wanted one cannot be reached, is left as they are and listed.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.operation_kind import (
    Items,
    Kind,
    Parameters,
    Plan,
    Reason,
    has_died,
    patient_items,
)
from clinic.change.core.outcomes import TRANSITION_NOT_ALLOWED
from clinic.cohort.filters import status_like
from clinic.errors import OperationRefused
from clinic.record.schema.people import patient
from clinic.settings import Settings


def require(_connection: Connection, settings: Settings, parameters: Parameters) -> Parameters:
    """
    `to`: the target status, by its code or its label ("On Hold").

    Raises:
        OperationRefused: this practice has no such status
    """
    given = str(parameters.get("to", ""))
    known = settings.organisation.statuses
    to = status_like(given, known)
    if to is None:
        raise OperationRefused(
            "status-unknown", f"there is no status {given!r}; there are: {', '.join(known)}"
        )
    return {"to": to}


def items(_connection: Connection, plan: Plan) -> Iterator[Items]:
    """One item a patient."""
    to = plan.parameters["to"]
    transitions = plan.settings.operations.transitions
    allowed = [status for status, targets in transitions.items() if to in targets]
    yield patient_items(
        plan,
        field="status",
        old=patient.c.status,
        new=sa.literal(to),
        reasons=(
            Reason(patient.c.status == to, "already_so"),
            has_died(),
            Reason(patient.c.status.not_in(allowed), TRANSITION_NOT_ALLOWED, patient.c.status),
        ),
    )


STATUS = Kind(
    name="status",
    title="Status change",
    flow="status-change",
    fields=("status",),
    require=require,
    items=items,
)

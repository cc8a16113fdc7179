"""
The requester of a notice, proven. Prefect knows no identities: whether who is named asked, the trail says.

Otherwise who may start runs there could ask in another's name, and approve it as themselves.
"""

from __future__ import annotations

from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import require_may_ask
from clinic.notify.ready import require_tellable
from clinic.notify.request import NoticeRequest
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.settings import Settings

ASKED: Final = "notification.asked"
FAILED: Final = "notification.failed"


def ask_for(
    record: Record, clock: Clock, settings: Settings, request: NoticeRequest, *, by: Operator
) -> None:
    """
    Write to the trail that a proven operator asks for exactly this notice, if it can be sent.

    Args:
        by: of `prove`; the request names them

    Raises:
        NotAllowed: the role may not, or it names somebody else; and as `require_tellable`
    """
    if request.requested_by != by.name:
        raise NotAllowed("request-not-allowed", "the requester of a notice is who is named in it")
    require_may_ask(by.role, "notification")
    if not request.reason.strip():
        raise NotAllowed(
            "request-not-allowed", "say why they are to be told: the approver reads it"
        )
    require_tellable(record, settings, request.audience, request.operation_id)
    with record.write() as connection:
        record_act(
            connection,
            clock,
            Act(
                operator=by.name,
                operation_type=ASKED,
                subject="notice",
                subject_id=request.operation_id,
                new_values=_exactly(request),
                reason=request.reason,
                outcome="begun",
            ),
        )


def tell_failed(record: Record, clock: Clock, request: NoticeRequest, code: str) -> None:
    """Write to the trail that a notice which was asked for cannot be made, and why."""
    with record.write() as connection:
        record_act(
            connection,
            clock,
            Act(
                operator=request.requested_by,
                operation_type=FAILED,
                subject="notice",
                subject_id=request.operation_id,
                new_values=_exactly(request) | {"code": code},
                outcome="failed",
            ),
        )


def require_asked(connection: Connection, request: NoticeRequest) -> None:
    """
    Refuse a request that nobody proved to be theirs.

    Raises:
        NotAllowed: the trail does not say that this operator asked for exactly this
    """
    c = audit_act.c
    asked = connection.scalars(
        sa.select(c.new_values).where(
            c.operation_type == ASKED,
            c.operator == request.requested_by,
            c.subject == "notice",
            c.subject_id == request.operation_id,
        )
    )
    if _exactly(request) not in [orjson.loads(values or "null") for values in asked]:
        raise NotAllowed(
            "notice-unasked",
            f"{request.requested_by} did not ask for this notice; ask with: "
            f"cohort notify {request.operation_id} --to {request.audience}",
        )


def _exactly(request: NoticeRequest) -> dict[str, str]:
    return {
        "audience": request.audience,
        "template": request.template,
        "request_key": request.request_key,
    }

"""A piece of work of other facilities' patients is kept from whoever is tied to some (NEW-38)."""

from __future__ import annotations

from starlette.exceptions import HTTPException

from clinic.errors import NotAllowed
from clinic.govern.people.refused import write_refusal
from clinic.govern.tied import require_subject
from desk.web.visit import Visit


def require_theirs(visit: Visit, subject: str, number: int) -> None:
    """
    Answer as if it were not there, if it has patients of others; that they tried is on the trail.

    Args:
        subject, number: as the trail has them: "operation" 3
    """
    parts, name = visit.desk.parts, visit.person.name
    try:
        with parts.record.read() as connection:
            require_subject(connection, name, subject, number)
    except NotAllowed as refusal:
        write_refusal(
            parts.record, parts.clock, name=name, command=f"desk {visit.page}", why=refusal.code
        )
        raise HTTPException(404) from None

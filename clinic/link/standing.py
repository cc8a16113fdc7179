"""How the links of a campaign stand, and what staff do with them: unlock those of a patient, revoke all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.link.entry import note_use
from clinic.record.database import Record
from clinic.record.schema.door.links import link_use, patient_link
from clinic.record.schema.messages import message


@dataclass(frozen=True)
class LinksStanding:
    """
    How many links were sent, and of these: opened once at least, locked, too old, taken back.
    """

    sent: int
    opened: int
    locked: int
    expired: int
    revoked: int

    @property
    def says(self) -> str:
        """As a line of `cohort show`."""
        parts = [f"{self.sent:,} sent", f"{self.opened:,} opened"]
        for name in ("locked", "expired", "revoked"):
            if count := getattr(self, name):
                parts.append(f"{count:,} {name}")
        return ", ".join(parts)


def links_of(connection: Connection, campaign_id: int, now: datetime) -> LinksStanding:
    """How a campaign's links stand (ACX-14, ACX-15)."""
    own = patient_link.c
    opened = sa.exists().where(link_use.c.digest == own.digest, link_use.c.what == "opened")

    def count(of: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.count(sa.case((of, 1)))

    lives = own.revoked_at.is_(None)
    row = connection.execute(
        sa.select(
            sa.func.count(), count(opened), count(lives & own.locked_at.is_not(None)),
            count(lives & own.locked_at.is_(None) & (own.expires_at <= now)),
            count(own.revoked_at.is_not(None)),
        ).where(own.campaign_id == campaign_id)
    ).one()  # fmt: skip
    return LinksStanding(*row)


def unlock(record: Record, clock: Clock, campaign_id: int, row: int, *, by: str) -> int:
    """
    Let a patient try their link again, by the row of the campaign's list; how many links were unlocked.

    Raises:
        NotFound: that row was sent no link
    """
    now, own = clock.now(), patient_link.c
    with record.write() as connection:
        found = connection.execute(
            sa.select(own.digest, own.tries, own.locked_at)
            .join(message, message.c.id == own.message_id)
            .where(own.campaign_id == campaign_id, message.c.row_number == row)
        ).one_or_none()
        if found is None:
            raise NotFound(
                "link-unknown",
                f"row {row} of campaign {campaign_id} was sent no link to a document",
            )
        if not found.tries and found.locked_at is None:
            return 0
        connection.execute(
            sa.update(patient_link)
            .where(own.digest == found.digest)
            .values(tries=0, wait_until=None, locked_at=None)
        )
        note_use(connection, found.digest, "unlocked", now)
        _tell(connection, clock, "links.unlocked", campaign_id, by, 1, {"row": row})
        return 1


def revoke(record: Record, clock: Clock, campaign_id: int, *, by: str, reason: str) -> int:
    """Take back every link of a campaign that was sent; how many. Again: those that were sent since."""
    own = patient_link.c
    with record.write() as connection:
        count = connection.execute(
            sa.update(patient_link)
            .where(own.campaign_id == campaign_id, own.revoked_at.is_(None))
            .values(revoked_at=clock.now())
        ).rowcount
        if count:
            _tell(connection, clock, "links.revoked", campaign_id, by, count, {}, reason)
        return count


def _tell(
    connection: Connection, clock: Clock, what: str, campaign_id: int, by: str, patients: int,
    values: dict[str, int], reason: str | None = None,
) -> None:  # fmt: skip
    act = Act(
        operator=by, operation_type=what, subject="campaign", subject_id=campaign_id, reason=reason,
        patients_affected=patients, new_values={**values, "links": patients},
    )  # fmt: skip
    record_act(connection, clock, act)

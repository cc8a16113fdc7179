"""Puts a campaign straight into the ledger, for tests of what sends it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.message import states
from clinic.message.codes import batch_id
from clinic.message.sending.ledger import Ledger
from clinic.message.sending.worker import Worker
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.lists import cohort_list, template, template_version
from clinic.record.schema.messages import batch, campaign, message, recipient
from clinic.record.schema.people import patient
from tests.references import base_of, message_id


def add_patients(record: Record, count: int) -> None:
    """Patients 1 to `count`, alive, with a mobile each."""
    with record.write() as connection:
        insert_rows(
            connection,
            patient,
            ("id", "given_name", "family_name", "mobile"),
            ((n, "Given", "Family", f"+4477009{n:05}") for n in range(1, count + 1)),
        )


def add_campaign(
    record: Record,
    clock: Clock,
    count: int,
    *,
    batch_size: int = 1000,
    state: str = states.RUNNING,
    **settings: object,
) -> int:
    """A campaign with a message to each of the patients 1 to `count`, staged; its id."""
    install(record, clock)
    with record.write() as connection:
        number = connection.execute(
            sa.select(sa.func.coalesce(sa.func.max(campaign.c.id), 0) + 1)
        ).scalar_one()
        if number == 1:
            _catalogue(record, connection, clock)
        list_id = connection.execute(
            sa.insert(cohort_list)
            .values(
                request_key=f"list-{number}", name="Everybody", source="ids", sha256=f"{number}",
                columns="[]", fields="{}", rows=count, taken_at=clock.now(), taken_by="tests",
            )
            .returning(cohort_list.c.id)
        ).scalar_one()  # fmt: skip
        values = {
            "id": number, "message_base": base_of(number),
            "request_key": f"campaign-{number}", "list_id": list_id,
            "template_version_id": 1, "list_name": "Everybody", "channel": "sms",
            "purpose": "any", "gateway": "fake", "state": state, "rows": count,
            "batch_size": batch_size, "requested_by": "tests", "created_at": clock.now(),
            "released_at": clock.now(),
        }  # fmt: skip
        connection.execute(sa.insert(campaign).values(values | settings))
        _stage(connection, number, count, batch_size)
    return int(number)


def _catalogue(record: Record, connection: sa.Connection, clock: Clock) -> None:
    if connection.scalar(sa.select(template.c.id).where(template.c.id == 1)):
        return  # an installation that was set up has one
    connection.execute(
        sa.insert(template).values(id=1, key="plain", name="Plain", message_type="notice")
    )
    connection.execute(
        sa.insert(template_version).values(
            id=1, template_id=1, version=1, body="Hello", variables="[]", sha256="0",
            created_at=clock.now(), created_by="tests",
        )
    )  # fmt: skip


def _stage(connection: sa.Connection, number: int, count: int, batch_size: int) -> None:
    insert_rows(
        connection,
        recipient,
        ("campaign_id", "row_number", "patient_id", "outcome", "address"),
        ((number, n, n, "accepted", f"+4477009{n:05}") for n in range(1, count + 1)),
    )
    insert_rows(
        connection,
        message,
        ("id", "campaign_id", "batch_id", "patient_id", "row_number", "channel", "address", "body"),
        (
            (
                message_id(number, n), number, batch_id(number, (n - 1) // batch_size + 1), n, n,
                "sms", f"+4477009{n:05}", f"Hello {n}",
            )
            for n in range(1, count + 1)
        ),
    )  # fmt: skip
    sizes = [min(batch_size, count - first) for first in range(0, count, batch_size)]
    insert_rows(
        connection,
        batch,
        ("id", "campaign_id", "number", "state", "size"),
        (
            (batch_id(number, n), number, n, states.READY, size)
            for n, size in enumerate(sizes, start=1)
        ),
    )


def make_ledger(record: Record, clock: Clock, folder: Path, **options: object) -> Ledger:
    """A ledger with a worker of its own, and no waiting."""
    return Ledger(
        record,
        clock,
        Worker(folder / "workers"),
        back_off=timedelta(seconds=1),
        **options,  # type: ignore[arg-type]
    )


def message_states(record: Record, campaign_id: int) -> dict[str, int]:
    """Messages by state."""
    with record.read() as connection:
        rows = connection.execute(
            sa.select(message.c.state, sa.func.count())
            .where(message.c.campaign_id == campaign_id)
            .group_by(message.c.state)
        ).all()
    return {row[0]: row[1] for row in rows}

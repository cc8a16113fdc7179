"""Writes the copy: a new SQLite record of the same version, every table but the trail's and the settings'."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.errors import CohortRefused, NotAllowed
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import may
from clinic.personal_data.catalogue import CATALOGUE
from clinic.personal_data.pseudonymise.pseudonyms import Pseudonyms
from clinic.personal_data.pseudonymise.values import made_up
from clinic.personal_data.reach import packed
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.record.private import claim
from clinic.record.schema import METADATA
from clinic.record.schema.campaigns import draft
from clinic.record.schema.change import field_edit, operation_item
from clinic.record.schema.door.links import link_use, patient_link
from clinic.record.schema.govern import (
    audit_act,
    audit_block,
    audit_row_seal,
    desk_session,
    operator_identity,
    sign_in,
)
from clinic.record.schema.messages import installation
from clinic.record.schema.people import patient
from clinic.record.schema.receipts import receipt_cursor
from clinic.record.schema.settings import governed_setting
from clinic.record.schema.systems.imports import (
    import_added,
    import_change,
    import_run,
    patient_digest,
)
from clinic.record.schema.systems.mesh import mesh_report
from clinic.record.schema.systems.outside_record import (
    outside_batch,
    outside_item,
    outside_patient,
    outside_push,
    outside_side,
)

LEFT_OUT: Final = frozenset(
    {
        audit_act,
        audit_block,
        audit_row_seal,
        sign_in,
        desk_session,
        operator_identity,
        draft,
        patient_link,
        link_use,
        governed_setting,
        receipt_cursor,
        mesh_report,
        outside_item,
        outside_batch,
        outside_patient,
        outside_push,
        outside_side,
        import_added,
        import_change,
        import_run,
        patient_digest,
    }
)
# Triggers note what is written to patients that these name: they come when all else is there
_LAST: Final = (operation_item, field_edit)
_PAGE: Final = 2_000


def pseudonymise(record: Record, clock: Clock, path: Path, *, by: Operator) -> dict[str, int]:
    """
    Write a copy with synthetic people to a new file; how many rows each table has.

    It is another installation: it has a name of its own, no settings and no trail; nobody can sign in.

    Raises:
        NotAllowed: it is a manager's to make
        CohortRefused: the file is there
    """
    if not may(by.role, "audit"):
        raise NotAllowed("pseudonymise-role", "a copy for tests or support is made by a manager")
    if path.exists():
        raise CohortRefused("pseudonymise-there", f"{path} is there already: name a new file")
    os.close(claim(path))
    copy = Record.open(f"sqlite:///{path.resolve()}")
    try:
        migrate(copy)
        counts = _fill(record, copy)
    finally:
        copy.close()
    act = Act(
        operator=by.name, operation_type="record.pseudonymised", subject="record",
        new_values={"rows": sum(counts.values()), "tables": len(counts)},
    )  # fmt: skip
    with record.write() as connection:
        record_act(connection, clock, act)
    return counts


def _taken(record: Record) -> frozenset[str]:
    """Numbers that are somebody's already: in a record for trying out they may be of the synthetic ranges."""
    query = sa.select(patient.c.nhs_number, patient.c.mobile)
    with record.read() as connection:
        rows = connection.execute(query).all()
    return frozenset(
        [row.nhs_number for row in rows if row.nhs_number]
        + [packed(row.mobile)[-9:] for row in rows if row.mobile]
    )


def _fill(record: Record, copy: Record) -> dict[str, int]:
    names, counts = Pseudonyms(taken=_taken(record)), {}
    tables = [one for one in METADATA.sorted_tables if one not in LEFT_OUT and one not in _LAST]
    with record.read() as source, copy.write() as target:
        for table in (*tables, *_LAST):
            held = CATALOGUE[table.name]
            target.execute(table.delete())
            count = 0
            for page in source.execute(sa.select(table)).mappings().partitions(_PAGE):
                target.execute(table.insert(), [made_up(held, row, names) for row in page])
                count += len(page)
            counts[table.name] = count
        target.execute(installation.update().values(install_id=str(uuid.uuid4()), cluster=None))
    return counts

"""What is known of systems of others (clinic/record/schema/systems)."""

from __future__ import annotations

from typing import Final

from clinic.personal_data.held import TableHeld
from clinic.personal_data.kinds import Kind, Purpose, Retention, Rows, Section
from clinic.personal_data.reach import ByKey
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

SYSTEMS: Final = (
    TableHeld(
        table=outside_item,
        about="that a message or a decision is saved to the clinical record outside, or is to be, and why not",
        purpose=Purpose.CARE,
        retention=Retention.LEDGER,
        section=Section.MESSAGES,
        rows=Rows.KEEP,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.EVENT: "kind state wanted has tries not_before problem problem_says changed_at",
            Kind.KEY: "id item_id stream patient_id remote_id version",
        },
    ),
    TableHeld(
        table=outside_patient,
        about="by which id the clinical record outside knows a patient",
        purpose=Purpose.CARE,
        retention=Retention.RECORD,
        section=Section.YOU,
        rows=Rows.DELETE,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.IDENTITY: "remote_id",
            Kind.EVENT: "found_at",
            Kind.KEY: "patient_id",
        },
    ),
    TableHeld(
        table=outside_push,
        about="that an operation changed a patient on the clinical record outside",
        routes=(ByKey("patient_id"),),
        rows=Rows.KEEP,
        section=Section.CHANGES,
        retention=Retention.BEFORE_IMAGES,
        purpose=Purpose.CHANGES,
        columns={
            Kind.EVENT: "state changed_at",
            Kind.KEY: "operation_id patient_id remote_id",
        },
    ),
    TableHeld(
        table=outside_batch,
        about="which batches are saved outside to their last message",
        purpose=Purpose.RUNNING,
        retention=Retention.LEDGER,
        section="nothing of one person",
        rows=Rows.NONE,
        columns={Kind.WORK: "batch_id"},
    ),
    TableHeld(
        table=mesh_report,
        about="a report of a campaign that went to the practice's mailbox by MESH: counts, no row of it",
        purpose=Purpose.CARE,
        retention=Retention.TRAIL,
        section="of a campaign, not of one person",
        rows=Rows.NONE,
        columns={
            Kind.WORK: "id campaign_id number local_id state message_id rows sha256 asked_at sent_at"
            " acknowledged_at problem",
            Kind.STAFF: "asked_by",
        },
    ),
    TableHeld(
        table=outside_side,
        about="whether the clinical record outside answers",
        purpose=Purpose.RUNNING,
        retention=Retention.INSTALLATION,
        section="nothing of one person",
        rows=Rows.NONE,
        columns={
            Kind.WORK: "name owner lease_until tries not_before trouble trouble_since",
        },
    ),
    TableHeld(
        table=import_run,
        about="an import of another system's data: when, by whom, from which file, counts",
        purpose=Purpose.CHANGES,
        retention=Retention.TRAIL,
        section="nothing of one person",
        rows=Rows.NONE,
        columns={
            Kind.STAFF: "began_by undone_by",
            Kind.WORK: "id kind source sha256 rows began_at ended_at counts undone_at more values_gone_at",
        },
    ),
    TableHeld(
        table=import_added,
        about="the keys of rows that an import added, as ranges",
        purpose=Purpose.CHANGES,
        retention=Retention.INSTALLATION,
        section="nothing of one person",
        rows=Rows.NONE,
        columns={Kind.KEY: "import_id table_name first_id last_id"},
    ),
    TableHeld(
        table=import_change,
        about="what an import changed of a patient: the value before and after",
        purpose=Purpose.CHANGES,
        retention=Retention.IMPORT_VALUES,
        section=Section.CHANGES,
        rows=Rows.DELETE,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.CONTENT: "old new",
            Kind.EVENT: "table_name field",
            Kind.KEY: "import_id row_id patient_id",
        },
    ),
    TableHeld(
        table=patient_digest,
        about="a digest of a patient's row in another system, so that an unchanged one is not read again",
        purpose=Purpose.RUNNING,
        retention=Retention.RECORD,
        section=Section.SOURCES,
        rows=Rows.DELETE,
        routes=(ByKey("patient_id"),),
        columns={Kind.KEY: "patient_id source digest version"},
    ),
)

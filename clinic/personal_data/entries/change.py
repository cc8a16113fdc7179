"""Operations on many records: whom they concern, what they changed (clinic/record/schema: change, visits)."""

from __future__ import annotations

from typing import Final

from clinic.personal_data.held import TableHeld
from clinic.personal_data.kinds import Kind, Purpose, Retention, Rows, Section
from clinic.personal_data.reach import ByKey, ByWords, Through
from clinic.record.schema.change import (
    field_edit,
    follow_up,
    operation,
    operation_chunk,
    operation_item,
    operation_writing,
    selection,
    selection_row,
)
from clinic.record.schema.clinical import export_file
from clinic.record.schema.visits import visit_plan

_MANY: Final = "of an operation as a whole: nothing of one person"

CHANGE: Final = (
    TableHeld(
        table=operation,
        about="an operation: what was done to many records, by whom, and why",
        purpose=Purpose.CHANGES,
        retention=Retention.TRAIL,
        section=Section.SOURCES,
        rows=Rows.KEEP,
        routes=(
            Through(operation_item, "id", "operation_id"),
            Through(selection_row, "selection_id", "selection_id"),
        ),
        columns={
            Kind.PRACTICE: "kind parameters",
            Kind.WORDS: "reason state_reason",
            Kind.EVENT: "requested_at finished_at state",
            Kind.STAFF: "requested_by",
            Kind.KEY: "id request_key selection_id undo_of rerun_of approval_id",
            Kind.WORK: "depth digest selected will_change planned_at started_at",
        },
        third="reason state_reason",
    ),
    TableHeld(
        table=operation_item,
        about="what an operation changed of a patient: the value before and after",
        purpose=Purpose.CHANGES,
        retention=Retention.BEFORE_IMAGES,
        section=Section.CHANGES,
        rows=Rows.EMPTY,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.CONTENT: "old new",
            Kind.EVENT: "field outcome detail",
            Kind.KEY: "operation_id patient_id subject_id version_before",
        },
    ),
    TableHeld(
        table=operation_chunk,
        about="a range of patients' keys that is changed at once",
        purpose=Purpose.CHANGES,
        retention=Retention.TRAIL,
        section=_MANY,
        rows=Rows.NONE,
        columns={
            Kind.KEY: "first_patient last_patient",
            Kind.WORK: "operation_id number size state applied conflicts failed edits_seen applied_at"
            " root marks",
        },
    ),
    TableHeld(
        table=operation_writing,
        about="which operation is writing now",
        purpose=Purpose.RUNNING,
        retention=Retention.INSTALLATION,
        section=_MANY,
        rows=Rows.NONE,
        columns={Kind.WORK: "operation_id"},
    ),
    TableHeld(
        table=field_edit,
        about="that somebody else changed a field of a patient since an operation: which, and no value",
        purpose=Purpose.CHANGES,
        retention=Retention.BEFORE_IMAGES,
        section=Section.CHANGES,
        rows=Rows.KEEP,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.EVENT: "field edited_at",
            Kind.KEY: "id patient_id subject_id",
        },
    ),
    TableHeld(
        table=selection,
        about="whom an operation concerns: how they were chosen, and a digest",
        purpose=Purpose.CHANGES,
        retention=Retention.TRAIL,
        section=Section.SOURCES,
        rows=Rows.KEEP,
        routes=(Through(selection_row, "id", "selection_id"),),
        columns={
            Kind.PRACTICE: "source criteria",
            Kind.EVENT: "taken_at",
            Kind.STAFF: "taken_by",
            Kind.KEY: "id",
            Kind.WORK: "sha256 rows selected",
        },
        hidden={"criteria": "what was asked for, which may name codes of others' conditions"},
    ),
    TableHeld(
        table=selection_row,
        about="a row that was typed or uploaded to choose a patient",
        purpose=Purpose.CHANGES,
        retention=Retention.BEFORE_IMAGES,
        section=Section.CHANGES,
        rows=Rows.EMPTY,
        routes=(ByKey("patient_id"), ByWords("given", unless="patient_id")),
        columns={
            Kind.CONTENT: "given",
            Kind.EVENT: "outcome",
            Kind.KEY: "selection_id row_number patient_id",
        },
    ),
    TableHeld(
        table=visit_plan,
        about="a visit as an operation proposed it for a patient",
        purpose=Purpose.CHANGES,
        retention=Retention.BEFORE_IMAGES,
        section=Section.CHANGES,
        rows=Rows.EMPTY,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.CARE: "starts_at ends_at minutes visit_type told provider_id facility_id",
            Kind.EVENT: "occurrence reason",
            Kind.KEY: "id operation_id patient_id",
            Kind.WORK: "looks_back_to",
        },
        kept={"minutes": "a length without whom"},
    ),
    TableHeld(
        table=follow_up,
        about="what people must still do after an operation",
        purpose=Purpose.CHANGES,
        retention=Retention.TRAIL,
        section=_MANY,
        rows=Rows.NONE,
        columns={
            Kind.STAFF: "done_by",
            Kind.WORK: "operation_id code subject count done_at",
        },
    ),
    TableHeld(
        table=export_file,
        about="a file that was exported: its name, fingerprint and number of rows",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.TRAIL,
        section=Section.FILES,
        rows=Rows.KEEP,
        routes=(Through(operation_item, "operation_id", "operation_id"),),
        columns={
            Kind.EVENT: "name sha256 written_at",
            Kind.KEY: "operation_id",
            Kind.WORK: "size rows",
        },
    ),
)

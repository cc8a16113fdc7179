"""Lists as they came in, and the templates they are used with (clinic/record/schema/lists.py)."""

from __future__ import annotations

from typing import Final

from clinic.personal_data.held import TableHeld
from clinic.personal_data.kinds import Kind, Purpose, Retention, Rows, Section
from clinic.personal_data.reach import ByWords, OfList, Through
from clinic.record.schema.lists import (
    cohort_list,
    list_row,
    questionnaire_version,
    template,
    template_audience,
    template_purpose,
    template_variant,
    template_version,
)
from clinic.record.schema.messages import campaign

_OWN: Final = "the practice's own words: nothing of one person"

LISTS: Final = (
    TableHeld(
        table=cohort_list,
        about="a list as it came in: its name, its file's name and fingerprint, its headings",
        purpose=Purpose.MESSAGING,
        retention=Retention.TRAIL,
        section=Section.SOURCES,
        rows=Rows.KEEP,
        routes=(Through(list_row, "id", "list_id"),),
        columns={
            Kind.PRACTICE: "name source layout file_name columns criteria as_of",
            Kind.EVENT: "taken_at sha256 emptied_at",
            Kind.STAFF: "taken_by emptied_by",
            Kind.KEY: "id request_key",
            Kind.WORK: "size encoding fields rows date_order remarks as_of_from rows_gone_at",
            Kind.WORDS: "kept emptied_why",
        },
        hidden={
            "criteria": "what was asked for, which may name codes of others' conditions",
        },
    ),
    TableHeld(
        table=list_row,
        about="a row of a list, with all its cells as they came",
        purpose=Purpose.MESSAGING,
        retention=Retention.LIST_ROWS,
        section=Section.LISTS,
        rows=Rows.EMPTY,
        routes=(OfList(),),
        also=(ByWords("cells"),),
        columns={
            Kind.CONTENT: "cells",
            Kind.KEY: "list_id row_number patient_id",
            Kind.WORK: "unreadable",
        },
        third="cells",
    ),
    TableHeld(
        table=template,
        about="a template: what it is for",
        purpose=Purpose.MESSAGING,
        retention=Retention.INSTALLATION,
        section=_OWN,
        rows=Rows.NONE,
        columns={Kind.PRACTICE: "key name message_type purpose", Kind.WORK: "id locked"},
    ),
    TableHeld(
        table=template_version,
        about="a version of a template: its text",
        purpose=Purpose.MESSAGING,
        retention=Retention.INSTALLATION,
        section=Section.SOURCES,
        rows=Rows.KEEP,
        routes=(Through(campaign, "id", "template_version_id"),),
        columns={
            Kind.PRACTICE: "subject body",
            Kind.EVENT: "created_at",
            Kind.STAFF: "created_by",
            Kind.KEY: "id template_id",
            Kind.WORK: "version variables sha256",
        },
    ),
    TableHeld(
        table=questionnaire_version,
        about="a version of a questionnaire: what is asked, of whoever it is sent to",
        purpose=Purpose.MESSAGING,
        retention=Retention.INSTALLATION,
        section=_OWN,
        rows=Rows.NONE,
        columns={
            Kind.PRACTICE: "key title resource",
            Kind.EVENT: "created_at retired_at",
            Kind.STAFF: "created_by retired_by",
            Kind.WORK: "id version sha256",
        },
    ),
    TableHeld(
        table=template_purpose,
        about="what a version of a template is for",
        purpose=Purpose.MESSAGING,
        retention=Retention.INSTALLATION,
        section=_OWN,
        rows=Rows.NONE,
        columns={Kind.PRACTICE: "purpose mapped_from", Kind.WORK: "template_version_id"},
    ),
    TableHeld(
        table=template_audience,
        about="for whom a version of a template is",
        purpose=Purpose.MESSAGING,
        retention=Retention.INSTALLATION,
        section=_OWN,
        rows=Rows.NONE,
        columns={Kind.PRACTICE: "classes bounds", Kind.WORK: "template_version_id"},
    ),
    TableHeld(
        table=template_variant,
        about="which template says the same in another language or format",
        purpose=Purpose.MESSAGING,
        retention=Retention.INSTALLATION,
        section=_OWN,
        rows=Rows.NONE,
        columns={
            Kind.PRACTICE: "language format",
            Kind.STAFF: "set_by",
            Kind.WORK: "template_id variant_id set_at",
        },
    ),
)

"""Lists as they came in: the file's fingerprint, every original row, and the templates they are used with."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import UtcDateTime

# A cohort's rows, whatever they came from. source: file, group, filter, ids, report, resend, correction
cohort_list = Table(
    "cohort_list",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column(
        "request_key", String(80), nullable=False, unique=True
    ),  # asked for twice, taken in once
    Column("name", Text, nullable=False),  # PAT-6: required
    Column("source", String(10), nullable=False),
    Column("layout", String(10)),  # emis, systmone, generic; empty unless from a file
    Column("file_name", Text),
    Column("sha256", String(64), nullable=False),  # of the original bytes, or of the criteria
    Column("size", BigInteger),
    Column("encoding", String(20)),
    Column("columns", Text, nullable=False),  # JSON array: the original headings, in their order
    Column("fields", Text, nullable=False),  # JSON object: our field name → their heading
    Column("criteria", Text),  # JSON: what a filter asked for
    Column("rows", Integer),  # empty until every row is in
    Column("date_order", String(10)),  # of days and months: what the whole column proves
    Column("remarks", Text),  # JSON array: what the reader of the file left out, changed or ignored
    Column("taken_at", UtcDateTime, nullable=False),
    Column("taken_by", String(80), nullable=False),
    # NEW-29: of what day it is, and by what that is known: given, column, name, file, made
    Column("as_of", Date),
    Column("as_of_from", String(10)),
    # NEW-39: which columns are kept, and why (clinic/cohort/keeping.py); empty: all, or the record made it
    Column("kept", Text),
    # When its cells went by the clock (clinic/retention); empty: they are there
    Column("rows_gone_at", UtcDateTime),
    # Its rows and files are gone, by whom and why: this row, with count and SHA-256, is what stays
    Column("emptied_at", UtcDateTime),
    Column("emptied_by", String(80)),
    Column("emptied_why", Text),
)

# row_number is what a person sees in the spreadsheet: the first row under the heading is 2
list_row = Table(
    "list_row",
    METADATA,
    Column("list_id", ForeignKey("cohort_list.id"), nullable=False),
    Column("row_number", Integer, nullable=False),
    Column("patient_id", BigInteger),  # known at once where the source is the record itself
    Column(
        "unreadable", Boolean, nullable=False, server_default=text("false")
    ),  # too few or many cells
    Column("cells", Text, nullable=False),  # JSON array in the order of cohort_list.columns
    PrimaryKeyConstraint("list_id", "row_number"),
    sqlite_with_rowid=False,
)

template = Table(
    "template",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String(60), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("message_type", String(60), nullable=False),  # ARC-2: the catalogue's type
    Column("purpose", String(40), nullable=False, server_default="any"),  # which consent it needs
    Column("locked", Boolean, nullable=False, server_default=text("false")),  # COM-3
)

template_version = Table(
    "template_version",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("template_id", ForeignKey("template.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("subject", Text),
    Column("body", Text, nullable=False),
    Column("variables", Text, nullable=False),  # JSON array: what it needs of each recipient
    Column("sha256", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(80), nullable=False),
    UniqueConstraint("template_id", "version"),
)

# For what kind of message and for whom a version is (clinic/message/audience); none: general, for everybody
template_audience = Table(
    "template_audience",
    METADATA,
    Column(
        "template_version_id",
        ForeignKey("template_version.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("classes", String(60), nullable=False, server_default=""),  # with a space between two
    Column("bounds", Text),  # JSON: clinic/message/audience/bounds.py; empty: none
)

# What a version is for (clinic/values/purposes.py). Of a version without one, `template.purpose` says it
template_purpose = Table(
    "template_purpose",
    METADATA,
    Column(
        "template_version_id",
        ForeignKey("template_version.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("purpose", String(40), nullable=False),
    Column("mapped_from", String(40)),  # what stood there while purposes were free text
)

# A version of a questionnaire (clinic/ask/versions.py): never changed, but for who retired it and when.
# resource: FHIR R4 JSON; sha256: of what it says, whatever its order and spaces
questionnaire_version = Table(
    "questionnaire_version",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("retired_at", UtcDateTime),
    Column("retired_by", String(80)),
    UniqueConstraint("key", "version"),
)

# What staff decided for one patient (clinic/message/audience/exceptions.py); ended_at: empty while it holds
template_exception = Table(
    "template_exception",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("template_id", ForeignKey("template.id"), nullable=False),
    Column("patient_id", ForeignKey("patient.id"), nullable=False),
    Column("lifts", String(40), nullable=False),  # never; or bounds, with a space between two
    Column("reason", Text, nullable=False),  # their words: the trail has a digest of it
    Column("set_by", String(80), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", String(80)),
)
Index(
    "uq_template_exception_holds",
    template_exception.c.template_id,
    template_exception.c.patient_id,
    unique=True,
    sqlite_where=template_exception.c.ended_at.is_(None),
    postgresql_where=template_exception.c.ended_at.is_(None),
)

# Which template says the same in another language or format; format: empty where it is the language alone
template_variant = Table(
    "template_variant",
    METADATA,
    Column("template_id", ForeignKey("template.id"), nullable=False),
    Column("language", String(20), nullable=False),
    Column("format", String(20), nullable=False, server_default=""),
    Column("variant_id", ForeignKey("template.id"), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("set_by", String(80), nullable=False),
    PrimaryKeyConstraint("template_id", "language", "format"),
)

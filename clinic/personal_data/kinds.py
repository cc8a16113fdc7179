"""
The words of the catalogue: kind of data, what for, how long, where a person is shown it, how it is erased.

Each word has the sentence that people read (docs/data-protection.md is made of them).
"""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """What a column or file holds."""

    IDENTITY = "who somebody is: names, numbers, dates of birth and death"
    CONTACT = "where somebody is reached: address, number, e-mail"
    HEALTH = "health: diagnoses, medication, needs, codes; special category data"
    CARE = "care as it is organised: appointments, registration, groups, tags"
    CHOICE = "what somebody decided about being contacted"
    CONTENT = "what was said to or by a patient, whole lines of a list, values as they were: may hold anything"
    WORDS = "words that staff typed: a reason, a note; may name somebody"
    EVENT = "that something was done with a patient's data, when, and what became of it; no value of theirs"
    KEY = "a number by which rows find each other: it says who only together with the patient's own row"
    STAFF = "who works here: names of operators, roles, registrations"
    SECRET = "what proves who somebody is, as a hash or a key"
    PRACTICE = "the organisation's own: templates, facilities, codes, settings"
    WORK = "how far the work is: states, counts, digests of many; nothing of one person"


# Of one person, so that something must be done with it when they are erased
PERSONAL = frozenset(
    {Kind.IDENTITY, Kind.CONTACT, Kind.HEALTH, Kind.CARE, Kind.CHOICE, Kind.CONTENT}
)


class Purpose(Enum):
    """What it is processed for."""

    CARE = "knowing who the patients are, and what care they are due"
    MESSAGING = "sending patients what concerns their care, once, and knowing what became of it"
    CHOICES = "doing what patients said about being contacted, and keeping them safe"
    CHANGES = "changing many records at once, in a way that can be reviewed and taken back"
    ACCOUNTABILITY = "showing who did, asked, approved and saw what"
    SECURITY = "knowing who may do what"
    RUNNING = "running the program: queues, locks, health, versions"


class Retention(Enum):
    """How long, by class; the periods are the controller's (`[retention]`), these are the defaults."""

    RECORD = "as the health record: 8 years after a patient was last seen, a child's until 25 or 26"
    LEDGER = (
        "address and text of a message as the record where it is on one, else 24 months; two people decide; "
        "that it was sent, to whom and what became of it stays"
    )
    OUTBOX = "none beside a gateway; in a demonstration 30 days"
    LIST_ROWS = "90 days after the campaign's end; refused, unconfirmed or wrong lists 7 days"
    FILES = "30 days"
    CHOICES = "while the patient is on the record, then as a keyed hash"
    BEFORE_IMAGES = "24 months, then redacted when two people decide it; that it was done stays"
    IMPORT_VALUES = (
        "24 months, then deleted when two people decide it; that the import was made stays"
    )
    TRAIL = (
        "acts and looks 8 years, when two people decide it; the chain of blocks, and what was asked and "
        "approved, as long as the installation"
    )
    RECEIPTS = "90 days"
    PREFECT = "30 days, then forgotten by Prefect"
    LOGS = "12 months"
    STUBS = "20 years: a log of what was destroyed"
    BACKUPS = "35 days, beyond use until then"
    INSTALLATION = "as long as the installation"


class Section(Enum):
    """Where it stands in the file of a subject access request, by its heading."""

    YOU = "Who you are, and how you are reached"
    CARE = "Your care, as this program knows it"
    NEEDS = "What you need when we contact you"
    CHOICES = "What you decided about being contacted"
    MESSAGES = "What was sent to you"
    FROM_YOU = "What came from you"
    LISTS = "Lists that you stood on"
    CHANGES = "What was changed in your record"
    DECISIONS = "What staff decided and noted about you"
    SOURCES = "Where it came from, and what it belongs to"
    FILES = "Files that hold something of you"
    ACCESS = "Who looked at your data"


class Erasure(Enum):
    """What an erasure does with it."""

    ROW = "the row is deleted"
    NULL = "the value becomes empty"
    STUB = "the value becomes a stub that says that it was erased"
    HASH = "the value becomes a keyed hash, so that an objection still holds"
    UNNAME = "a number below 0, which is minus an NHS number, becomes 0; a key of ours stays"
    FILE = "the file is removed, or the person's lines in it become a stub"
    KEEP = "it stays"


class Rows(Enum):
    """What an erasure does with a patient's rows of a table; each column's `Erasure` follows from it."""

    DELETE = "the rows are deleted"
    EMPTY = "the rows stay, without values: so counts add up, and nobody is messaged twice"
    KEEP = "the rows stay as they are"
    NONE = "no row is one patient's"

"""
Triggers of what is kept, with the one change that is allowed: a value becomes a stub while a redaction is open.

Each value of these rows keeps what was first written. A redaction of two people (schema/govern.py) lets values
of one patient, or of one operation, become the stub or empty, and nothing else; who they are of, and all other
columns, stay. A redaction itself can only be begun with an approval that was used, or with the line of the list
of erasures that tells of one. What somebody does past the triggers, `cohort audit verify` finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from clinic.record.schema.govern import ERASED


class Kept(NamedTuple):
    """
    What triggers keep of a table.

    stays: columns that keep their first value whatever happens; erasable: texts that may become the stub;
    emptied: columns that may become empty
    whose: SQL that is true of an open redaction `r` for this row
    only: SQL that is true of the rows that are kept; empty: all are
    stubs: what may stand where a text was
    """

    stays: tuple[str, ...]
    erasable: tuple[str, ...]
    whose: str
    emptied: tuple[str, ...] = ()
    only: str = ""
    stubs: tuple[str, ...] = (ERASED,)


_PATIENTS: Final = "r.patient_id = OLD.patient_id"
# A reason or a typed id names no patient: found by its words, while somebody is erased
_ANYBODYS: Final = "r.patient_id IS NOT NULL"

KEPT: Final[Mapping[str, Kept]] = {
    "clinical_item": Kept(
        ("id", "patient_id", "campaign_id", "channel", "sent_at"),
        ("address", "subject", "text"),
        _PATIENTS,
        ("snomed_codes",),
    ),
    "operation_item": Kept(
        ("operation_id", "patient_id", "field", "subject_id"),
        ("old", "new"),
        f"({_PATIENTS} OR r.operation_id = OLD.operation_id)",
    ),
    "selection_row": Kept(
        ("selection_id", "row_number", "patient_id", "outcome"),
        ("given",),
        f"({_PATIENTS} OR OLD.patient_id IS NULL)",
    ),
    "visit_plan": Kept(
        ("id", "operation_id", "patient_id", "occurrence", "minutes", "reason"),
        ("told", "visit_type"),
        f"({_PATIENTS} OR r.operation_id = OLD.operation_id)",
        ("starts_at", "ends_at", "looks_back_to", "provider_id", "facility_id"),
    ),
    "audit_act": Kept(
        (
            "stream", "number", "timestamp", "operator", "approver", "operation_type",
            "patients_affected", "old_values", "new_values", "subject", "subject_id", "outcome",
        ),
        ("reason",),
        _ANYBODYS,
    ),
    "approval": Kept(
        (
            "id", "subject", "subject_id", "kind", "digest", "requested_by", "requested_at",
            "expires_at", "summary",
        ),
        ("reason",),
        _ANYBODYS,
    ),
    "operation": Kept(
        (
            "id", "request_key", "kind", "parameters", "selection_id", "undo_of", "rerun_of", "depth",
            "requested_by", "requested_at",
        ),
        ("reason",),
        _ANYBODYS,
    ),
}  # fmt: skip


def keep_values(dialect: str, table: str, kept: Kept) -> list[str]:
    """Statements after which only a redaction changes what is kept of a table, and only to a stub."""
    says = f"{table}: update refused, what was recorded stays"
    moved = " OR ".join(_differs(dialect, name) for name in kept.stays)
    values = (*kept.erasable, *kept.emptied)
    stubs = ", ".join(f"'{stub}'" for stub in kept.stubs)
    touched = " OR ".join(_differs(dialect, name) for name in values)
    beyond = " OR ".join(
        f"({_differs(dialect, name)} AND NEW.{name} IS NOT NULL"
        + (f" AND NEW.{name} NOT IN ({stubs}))" if name in kept.erasable else ")")
        for name in values
    )
    is_open = f"EXISTS (SELECT 1 FROM redaction r WHERE r.ended_at IS NULL AND {kept.whose})"  # noqa: S608  ours
    wrong = f"({moved}) OR {beyond} OR (({touched}) AND NOT {is_open})"
    event = "UPDATE"
    if kept.only:
        # What is written with every message that is sent must not ask for more than its own columns
        event = f"UPDATE OF {', '.join((*kept.stays, *values))}"
        wrong = f"({wrong}) AND {kept.only}"
    return _guard(
        dialect, f"refuse_update_{table}", table, event, wrong, says, f"{moved} OR {touched}"
    )


def keep_rows(dialect: str, table: str, only: str) -> list[str]:
    """Statements after which rows that `only` is true of are not deleted, nor the table emptied at once."""
    says = f"{table}: delete refused, what was recorded stays"
    name = f"refuse_delete_{table}"
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {name} BEFORE DELETE ON {table} FOR EACH ROW WHEN {only} "
            f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
        ]
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF TG_OP = 'TRUNCATE' THEN RAISE EXCEPTION '{says}'; END IF; "
        f"IF {only} THEN RAISE EXCEPTION '{says}'; END IF; RETURN OLD; END $$",
        f"CREATE TRIGGER {name} BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        f"CREATE TRIGGER {name}_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
    ]


def guard_redaction(dialect: str, *more: str) -> list[str]:
    """
    Statements after which no redaction begins without a decision of two people, and none is changed.

    more: columns that came later
    """
    decided = (
        "EXISTS (SELECT 1 FROM approval a WHERE a.id = NEW.approval_id AND a.state = 'used' "
        "AND a.kind = NEW.kind)"
    )
    columns = (
        "id", "kind", "patient_id", "operation_id", "who", "ground", "approval_id", "asked_by",
        "approved_by", "said", "begun_at", *more,
    )  # fmt: skip
    changed = " OR ".join(_differs(dialect, name) for name in columns)
    reopened = "(OLD.ended_at IS NOT NULL AND " + _differs(dialect, "ended_at") + ")"
    return [
        *_guard(
            dialect, "refuse_insert_redaction", "redaction", "INSERT",
            f"NEW.said IS NULL AND NOT {decided}",
            "redaction: refused, two people decide", "NEW.said IS NULL",
        ),
        *_guard(
            dialect, "refuse_update_redaction", "redaction", "UPDATE", f"{changed} OR {reopened}",
            "redaction: update refused, what was recorded stays", f"{changed} OR {reopened}",
        ),
    ]  # fmt: skip


def _differs(dialect: str, name: str) -> str:
    unlike = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
    return f"NEW.{name} {unlike} OLD.{name}"


def _guard(
    dialect: str, name: str, table: str, event: str, wrong: str, says: str, when: str
) -> list[str]:
    """A trigger that refuses what is `wrong`; `when`: what must hold for it to be asked, without a query."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN {wrong} "
            f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
        ]
    return [
        f"CREATE OR REPLACE FUNCTION {name}_but_stub() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {wrong} THEN RAISE EXCEPTION '{says}'; END IF; RETURN NEW; END $$",
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN ({when}) "
        f"EXECUTE FUNCTION {name}_but_stub()",
    ]

"""
Triggers that keep what must not change, spelled for both databases.

COM-10: the record of a sent message cannot be deleted from anywhere, nor its text be changed.
"""

from __future__ import annotations

from collections.abc import Sequence


def refuse_delete(dialect: str, table: str) -> list[str]:
    """Statements after which no row of `table` can be deleted."""
    return _refuse(dialect, table, "delete", "DELETE", condition="")


def refuse_update(dialect: str, table: str, columns: Sequence[str] = ()) -> list[str]:
    """Statements after which `columns` of `table` (all of them if none is named) keep their first value."""
    condition = " OR ".join(f"NEW.{c} IS DISTINCT FROM OLD.{c}" for c in columns)
    if dialect == "sqlite":
        condition = condition.replace("IS DISTINCT FROM", "IS NOT")
    return _refuse(dialect, table, "update", "UPDATE", condition)


def _refuse(dialect: str, table: str, word: str, event: str, condition: str) -> list[str]:
    says = f"{table}: {word} refused, what was recorded stays"
    name = f"refuse_{word}_{table}"
    when = f" WHEN ({condition})" if condition else ""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW{when} "
            f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
        ]
    statements = [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{says}'; END $$",
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW{when} "
        f"EXECUTE FUNCTION {name}()",
    ]
    if not condition:
        statements.append(
            f"CREATE TRIGGER {name}_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )
    return statements


def drop_trigger(dialect: str, name: str, table: str) -> str:
    """The statement after which there is no such trigger."""
    return f"DROP TRIGGER {name}" + (f" ON {table}" if dialect == "postgresql" else "")


_SEALED = (
    "EXISTS (SELECT 1 FROM audit_block b WHERE b.stream = 'operation-' || OLD.operation_id "
    "AND b.holds = 'items' AND OLD.patient_id BETWEEN b.first_patient AND b.last_patient)"
)


def refuse_outcome_of_sealed(dialect: str) -> list[str]:
    """Statements after which an operation's item that an audit block seals keeps its outcome (NEW-10)."""
    changed = "OLD.outcome = 'will_change' AND NEW.outcome <> OLD.outcome"
    return _refuse_sealed(dialect, "outcome", changed, _SEALED)


def refuse_version_of_sealed(dialect: str) -> list[str]:
    """
    Statements after which the version of an operation's item only ever rises, while the operation runs
    and until it is sealed: it notes what else was changed of a patient since the review.
    """
    changed = "NEW.version_before IS DISTINCT FROM OLD.version_before"
    if dialect == "sqlite":
        changed = changed.replace("IS DISTINCT FROM", "IS NOT")
    runs = (
        "EXISTS (SELECT 1 FROM operation o WHERE o.id = OLD.operation_id AND o.state = 'running')"
    )
    why = f"(NEW.version_before < OLD.version_before OR NOT {runs} OR {_SEALED})"
    return _refuse_sealed(dialect, "version_before", changed, why)


def _refuse_sealed(dialect: str, column: str, changed: str, why: str) -> list[str]:
    name = f"refuse_{column}_of_sealed"
    says = "operation_item: update refused, what was sealed stays"
    trigger = f"CREATE TRIGGER {name} BEFORE UPDATE OF {column} ON operation_item FOR EACH ROW"
    if dialect == "sqlite":
        return [f"{trigger} WHEN {changed} AND {why} BEGIN SELECT RAISE(ABORT, '{says}'); END"]
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {why} THEN RAISE EXCEPTION '{says}'; END IF; RETURN NEW; END $$",
        f"{trigger} WHEN ({changed}) EXECUTE FUNCTION {name}()",
    ]

"""
Triggers that note who else changed a field that operations change, spelled for both databases.

An undo must know whether a field was touched since, even if its value is the same again. Versions
do not tell fields apart and not everybody goes through our code, so the database itself notes it:
only for patients that an operation names, and not while an operation writes. Which field of whom, and never
its values: what is noted here cannot be taken out again.
"""

from __future__ import annotations

from collections.abc import Mapping

_NOBODY_WRITES = {
    "sqlite": "NOT EXISTS (SELECT 1 FROM operation_writing)",
    "postgresql": "coalesce(current_setting('cohort.operation', true), '') = ''",
}


def note_updates(
    dialect: str, table: str, fields: Mapping[str, str], *, patient: str, subject: str
) -> list[str]:
    """
    Statements after which a changed column of `table` leaves a row in `field_edit`.

    Args:
        fields: the field's name in `field_edit` → its column
        patient: the column with the patient's id
        subject: the column with the subject's id, or "0"
    """
    statements = [] if dialect == "sqlite" else [_function(table, patient, subject)]
    for field, column in fields.items():
        if dialect == "sqlite":
            statements.append(
                f"CREATE TRIGGER note_{field} AFTER UPDATE OF {column} ON {table} FOR EACH ROW "
                f"WHEN NEW.{column} IS NOT OLD.{column} AND {_NOBODY_WRITES[dialect]} "
                f"AND {_named(f'NEW.{patient}')} BEGIN "
                + _insert(f"NEW.{patient}", field, _of("NEW", subject))
                + "; END"
            )
        else:
            statements.append(
                f"CREATE TRIGGER note_{field} AFTER UPDATE OF {column} ON {table} FOR EACH ROW "
                f"WHEN (NEW.{column} IS DISTINCT FROM OLD.{column} AND {_NOBODY_WRITES[dialect]}) "
                f"EXECUTE FUNCTION note_{table}('{field}')"
            )
    return statements


def note_membership(
    dialect: str, table: str, field: str, *, patient: str, subject: str
) -> list[str]:
    """Statements after which a row added to or taken from `table` is noted."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER note_{field}_{event.lower()} AFTER {event} ON {table} FOR EACH ROW "
            f"WHEN {_NOBODY_WRITES[dialect]} AND {_named(f'{row}.{patient}')} BEGIN "
            + _insert(f"{row}.{patient}", field, f"{row}.{subject}")
            + "; END"
            for event, row in (("INSERT", "NEW"), ("DELETE", "OLD"))
        ]
    statements = []
    for event, row in (("INSERT", "NEW"), ("DELETE", "OLD")):
        name = f"note_{field}_{event.lower()}"
        statements += [
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {_named(f'{row}.{patient}')} THEN "
            + _insert(f"{row}.{patient}", field, f"{row}.{subject}", "now()")
            + "; END IF; RETURN NULL; END $$",
            f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW "
            f"WHEN ({_NOBODY_WRITES[dialect]}) EXECUTE FUNCTION {name}()",
        ]
    return statements


def _function(table: str, patient: str, subject: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION note_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608
        f"IF {_named(f'NEW.{patient}')} THEN "
        "INSERT INTO field_edit (patient_id, field, subject_id, edited_at) "
        f"VALUES (NEW.{patient}, TG_ARGV[0], {_of('NEW', subject)}, now()); "
        "END IF; RETURN NULL; END $$"
    )


def _of(row: str, column: str) -> str:
    return column if column == "0" else f"{row}.{column}"


def _named(patient: str) -> str:
    return f"EXISTS (SELECT 1 FROM operation_item i WHERE i.patient_id = {patient})"  # noqa: S608


def _insert(patient: str, field: str, subject: str, now: str = "") -> str:
    # As SQLAlchemy writes an instant on SQLite: UTC, six digits
    now = now or "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    return (
        "INSERT INTO field_edit (patient_id, field, subject_id, edited_at) "  # noqa: S608
        f"VALUES ({patient}, '{field}', {subject}, {now})"
    )

"""What and when: write the file of an export, once its patients are noted in the audit trail."""

from __future__ import annotations

from clinic.change.export.file import Written
from clinic.change.export.sheets import REMINDER
from clinic.change.exported import export
from tasks.guard.decorators import task
from tasks.guard.while_away import WHILE_AWAY
from tasks.show.artifacts import create_markdown_artifact
from tasks.wiring import wiring


@task(name="write-export", **WHILE_AWAY)
def write_export(operation_id: int) -> Written:
    """Write it whole, or not at all; tried again, it begins again."""
    parts = wiring()
    written = export(parts.record, parts.clock, parts.settings, operation_id)
    _show(operation_id, written)
    return written


def _show(operation_id: int, written: Written) -> None:
    """ALC-28: the file by its name and fingerprint, with the reminder."""
    lines = [
        f"# {written.name}",
        f"{written.rows:,} rows, {written.size:,} bytes, in `exports` of the installation's home, readable "
        "by its owner alone.",
        f"SHA-256 `{written.sha256}`",
        "",
        f"**{REMINDER}**",
    ]
    create_markdown_artifact(
        key=f"export-{operation_id}",
        markdown="\n".join(lines),
        description=f"Export of operation {operation_id}",
    )

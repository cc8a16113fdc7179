"""
Export many patients' data to one file: a list, a clinical summary, visits, or the full record.

    select_patients ─► plan_changes ─► check_changes
        ─► wait_for_approval      suspended, without a process, until a team lead has decided
        ─► apply_changes          one for each span of chunks: whose data leave is audited first
        ─► write_export           one file: whole, or not there
        ─► summarize_changes

Run it again: it carries on where it stopped, and a file that was half written is begun again. What
Prefect stores is the operation's number, chunk numbers, counts, the file's name and SHA-256. There is
no undo: what was exported cannot be called back.
"""

from prefect.task_runners import ThreadPoolTaskRunner

from clinic.change.run.summary import Summary
from tasks.change import (
    apply_changes,
    begin_changes,
    check_changes,
    plan_changes,
    select_patients,
    summarize_changes,
    wait_for_approval,
)
from tasks.export import write_export
from tasks.guard.decorators import flow


@flow(
    name="export-data",
    flow_run_name="export-data-{operation_id}",
    task_runner=ThreadPoolTaskRunner(max_workers=2),
)
def export_data(operation_id: int) -> Summary:
    """
    Export the selected patients' data.

    Args:
        operation_id: a stored request: `cohort operations export …` makes one
    """
    selected = select_patients(operation_id, "export")
    planned = plan_changes(selected)
    checked = check_changes(planned)
    approved = wait_for_approval(checked)

    noted = apply_changes.map(begin_changes(approved))

    # Without a trace of every patient no file is written, and without a file nothing is through
    written = write_export(operation_id, wait_for=[noted])
    summary = summarize_changes(operation_id, wait_for=[written])
    return summary.raise_if_incomplete()

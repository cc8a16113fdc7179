"""
Sync, every night: what other systems have of patients, opt-outs and appointments comes into the record.

    list_steps ─► fetch ─► check ─► import      for each kind of each source, patients before what is theirs
               └► summarize                     always, whatever failed

A check that fails stops that kind of that source, and no other. Run it again: what was imported changes
nothing; killed, the next run goes on. Prefect stores names of sources, kinds and counts.
"""

from tasks.guard.decorators import flow
from tasks.sync import (
    SyncRequest,
    check_step,
    fetch_step,
    import_step,
    list_steps,
    summarize_sync,
)


@flow(name="sync", flow_run_name="sync")
def sync(request: SyncRequest) -> object:
    """
    Import from the sources of the settings.

    Args:
        request: which sources; see the form's descriptions
    """
    steps = list_steps(request)
    for step in steps:  # one after the other: appointments need their patients
        given = fetch_step(step, return_state=True)
        checked = check_step(given, request, return_state=True)
        import_step(checked, request, return_state=True)
    return summarize_sync(steps)

"""A flow that leaves a mark in the record that it worked on."""

from __future__ import annotations

from clinic.message.template.catalogue import NewTemplate, add_template
from tasks.guard.decorators import flow, task
from tasks.wiring import wiring


@task(name="leave-mark")
def leave_mark(mark: str) -> None:
    parts = wiring()
    add_template(parts.record, parts.clock, NewTemplate(mark, mark, "review", "Hello."), by="nia")


@flow(name="marked", flow_run_name="marked-{mark}")
def marked(mark: str) -> None:
    """
    Make a template with this key.

    Args:
        mark: its key
    """
    leave_mark(mark)

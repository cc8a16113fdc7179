"""Their addresses, and the rights that the same commands take; each kind has its own (ALC-44)."""

from __future__ import annotations

from typing import Final

from clinic.change.kinds.table import KINDS, UNDO
from desk.staff.operations.acting import ask_again, ask_approval, carry_on, take_back
from desk.staff.operations.asking import ask_for, form_of, show_selection
from desk.staff.operations.choosing import choose, show_new
from desk.staff.operations.export_file import download
from desk.staff.operations.listing import show_list
from desk.staff.operations.notifying import ask_to_tell, show_notify
from desk.staff.operations.one import show_one, show_progress
from desk.staff.operations.undoing import ask_back, show_undo
from desk.web.page import Page

_LARGEST: Final = 5 * 1024 * 1024
_ONE: Final = "/operations/{number:int}"
_NEW: Final = "/operations/new/{number:int}"

PAGES: Final = (
    Page("/operations", "operations", show=show_list, right="view"),
    Page(
        "/operations/new", "new operation", show=show_new, act=choose, right="send", largest=_LARGEST, files=1
    ),
    Page(_NEW, "selection", show=show_selection, right="send"),
    *(
        Page(
            f"{_NEW}/{kind}", f"ask {kind}", show=form_of(kind), act=ask_for(kind), kind=kind,
            right="export" if kind == "export" else "send",
        )
        for kind in KINDS
    ),
    Page(_ONE, "operation", show=show_one, right="view"),
    Page(f"{_ONE}/progress", "operation progress", show=show_progress, right="view"),
    Page(f"{_ONE}/confirm", "ask approval", act=ask_approval, right="send"),
    Page(f"{_ONE}/withdraw", "withdraw", act=take_back, right="send"),
    Page(f"{_ONE}/resume", "resume operation", act=carry_on, right="send"),
    Page(f"{_ONE}/rerun", "rerun", act=ask_again, right="send"),
    Page(f"{_ONE}/undo", "undo", show=show_undo, act=ask_back, right="send", kind=UNDO),
    Page(
        f"{_ONE}/notify", "notify staff", show=show_notify, act=ask_to_tell, right="send", kind="notification"
    ),
    Page(f"{_ONE}/file", "export file", show=download, right="export"),
)  # fmt: skip

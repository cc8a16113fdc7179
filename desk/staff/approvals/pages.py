"""Their addresses, and the rights that the same commands take."""

from __future__ import annotations

from typing import Final

from desk.staff.approvals.deciding import carry_on, confirm_one, decide_one
from desk.staff.approvals.listing import show_list
from desk.staff.approvals.one import show_one
from desk.web.page import Page

PAGES: Final = (
    Page("/approvals", "approvals", show=show_list, right="view"),
    Page("/approvals/{number:int}", "approval", show=show_one, right="view"),
    Page("/approvals/{number:int}/decide", "decide", act=decide_one, right="send"),
    Page("/approvals/{number:int}/confirm", "confirm request", act=confirm_one, right="send"),
    Page("/approvals/{number:int}/carry-on", "carry on", act=carry_on, right="send"),
)

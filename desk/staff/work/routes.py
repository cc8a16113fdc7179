"""The pages of people's own work."""

from __future__ import annotations

from typing import Final

from desk.staff.work import holds, replies, reply, shared, tasks
from desk.web.page import Page

PAGES: Final[tuple[Page, ...]] = (
    *tasks.PAGES,
    *replies.PAGES,
    *reply.PAGES,
    *shared.PAGES,
    *holds.PAGES,
)

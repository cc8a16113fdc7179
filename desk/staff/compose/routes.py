"""The pages of composing a bulk message."""

from __future__ import annotations

from typing import Final

from desk.staff.compose import code, drafts, review, text, when, whom
from desk.web.page import Page

PAGES: Final[tuple[Page, ...]] = (
    *drafts.PAGES, *whom.PAGES, *text.PAGES, *code.PAGES, *when.PAGES, *review.PAGES,
)  # fmt: skip

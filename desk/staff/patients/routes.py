"""The pages of patients."""

from __future__ import annotations

from typing import Final

from desk.staff.patients import card, needs, objection, safe_contact, searching, seen, why
from desk.web.page import Page

PAGES: Final[tuple[Page, ...]] = (
    *searching.PAGES, *why.PAGES, *card.PAGES, *safe_contact.PAGES, *needs.PAGES, *objection.PAGES,
    *seen.PAGES,
)  # fmt: skip

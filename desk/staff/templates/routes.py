"""The pages of templates; what has a name of its own stands before /templates/{key}."""

from __future__ import annotations

from typing import Final

from desk.staff.templates import audience, editing, listing, variants
from desk.web.page import Page

PAGES: Final[tuple[Page, ...]] = (
    *editing.PAGES, *audience.PAGES, *variants.PAGES, *listing.PAGES,
)  # fmt: skip

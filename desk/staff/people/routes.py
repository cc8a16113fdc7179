"""The pages of staff."""

from __future__ import annotations

from typing import Final

from desk.staff.people import changing, own
from desk.web.page import Page

PAGES: Final[tuple[Page, ...]] = (*changing.PAGES, *own.PAGES)

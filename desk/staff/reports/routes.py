"""The pages of reports."""

from __future__ import annotations

from typing import Final

from desk.staff.reports import choosing, outreach, taking
from desk.web.page import Page

PAGES: Final[tuple[Page, ...]] = (*outreach.PAGES, *choosing.PAGES, *taking.PAGES)

"""The pages of bulk messages."""

from __future__ import annotations

from typing import Final

from desk.staff.messages import errors, listing, one, resend, steps
from desk.web.page import Page

PAGES: Final[tuple[Page, ...]] = (
    *listing.PAGES,
    *one.PAGES,
    *errors.PAGES,
    *steps.PAGES,
    *resend.PAGES,
)

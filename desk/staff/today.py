"""Today: what waits, runs, failed or is to be done."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from desk.web.page import Page
from desk.web.visit import Visit


def _today(visit: Visit) -> Response:
    return visit.show("today.jinja", title="Today")


PAGES: Final = (Page("/", "today", show=_today),)

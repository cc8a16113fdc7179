"""Every page of the staff desk: what the application serves, and what the tests go through."""

from __future__ import annotations

from typing import Final

from desk.staff import counting, provider, second_step, sign_in
from desk.staff.approvals import pages as approvals
from desk.staff.audit import pages as audit
from desk.staff.compose import routes as compose
from desk.staff.messages import routes as messages
from desk.staff.operations import pages as operations
from desk.staff.patients import routes as patients
from desk.staff.people import routes as people
from desk.staff.reports import routes as reports
from desk.staff.templates import routes as templates
from desk.staff.today import page as today
from desk.staff.work import routes as work
from desk.web.page import Page

PAGES: Final[tuple[Page, ...]] = (
    *sign_in.PAGES,
    *provider.PAGES,
    *second_step.PAGES,
    *today.PAGES,
    *counting.PAGES,
    *templates.PAGES,
    *approvals.PAGES,
    *operations.PAGES,
    *audit.PAGES,
    *messages.PAGES,
    *compose.PAGES,
    *work.PAGES,
    *patients.PAGES,
    *reports.PAGES,
    *people.PAGES,
)

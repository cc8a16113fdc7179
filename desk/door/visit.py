"""One request of a patient: the parts that answer it, and how a page is shown."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from clinic.clock import Clock
from clinic.record.database import Record
from clinic.settings import Settings
from desk.door.words import WORDS, language_of
from desk.web.throttle import Throttle

# Of one network within five minutes: a town of telephones may have one address
FAILURES: Final = "300 per 5 minute"


@dataclass
class Door:
    """What all visits share. key: of this process alone, for who proved their date of birth"""

    settings: Settings
    record: Record
    clock: Clock
    looks: Environment
    throttle: Throttle = field(default_factory=lambda: Throttle(FAILURES))
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def show(
        self, request: Request, template: str, title: str, *, status: int = 200, **values: Any
    ) -> Response:
        """A whole page; `title`: the name of its sentence. Nothing of it is the patient's."""
        language = language_of(
            request.query_params.get("lang", ""), request.headers.get("accept-language", "")
        )
        words, own = WORDS[language], self.settings.organisation
        body = self.looks.get_template(f"door/{template}").render(
            words=words, language=language, other="en" if language == "cy" else "cy",
            title=words[title], organisation=own.name, phone=own.phone, here=request.url.path, **values,
        )  # fmt: skip
        return HTMLResponse(
            body, status, headers={"content-language": language, "x-robots-tag": "noindex"}
        )

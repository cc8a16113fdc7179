"""
The events that say what is wrong with an installation and what is right again: one a finding (docs/running.md).

They go to Prefect's server in one request. Its own emitter would do, but its imports double what the watch of
each practice takes of the machine's memory.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException

from clinic.health.findings import Finding
from clinic.health.noted import News
from tasks.processes.identity import INSTALLATION, Installation

HEALTH_BEGUN: Final = "cohort.health.begun"
HEALTH_ENDED: Final = "cohort.health.ended"


def health_news(who: Installation, news: News) -> bool:
    """Tell Prefect; False where that could not be done now."""
    told = [_event(who, HEALTH_BEGUN, one.code, _payload(one)) for one in news.begun]
    told += [_event(who, HEALTH_ENDED, code, {}) for code in news.ended]
    try:
        with get_client(sync_client=True) as client:
            client.request("POST", "/events", json=told)
    except (PrefectException, httpx.HTTPError, OSError):
        return False
    return True


def _payload(found: Finding) -> dict[str, str]:
    return {"level": found.level, "says": found.says, "do": found.do}


def _event(who: Installation, event: str, code: str, payload: dict[str, str]) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": event,
        "resource": {"prefect.resource.id": f"cohort.health.{code}", INSTALLATION: who.key},
        "payload": {"code": code, **payload},
    }

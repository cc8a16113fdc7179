"""The desk itself: the record, the clock, the settings in force, and how pages look."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment

from clinic.govern.rules.governed import in_force
from clinic.settings import Settings
from desk.web.kept import Kept
from desk.web.looks import environment
from desk.web.throttle import Throttle
from tasks.wiring import Wiring

# Jinja's compiled templates: made once, 1.6 s without
_TEMPLATES: Final = "desk-templates"
_KEPT: Final = timedelta(seconds=5)
"""So long the settings that two people change are not asked for again."""


@dataclass
class Desk:
    """What all visits share. parts: of this process; each visit acts with a copy in its person's name."""

    parts: Wiring
    looks: Environment
    throttle: Throttle
    kept: Kept
    _in_force: tuple[datetime, Settings] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(
        cls, parts: Wiring, templates: Path | None = None, throttle: Throttle | None = None
    ) -> Desk:
        """The desk of this process's parts; `templates`: where compiled ones are kept, if not in the home."""
        zone = ZoneInfo(parts.settings.organisation.time_zone)
        looks = environment(templates or parts.settings.home / _TEMPLATES, zone)
        return cls(parts, looks, throttle or Throttle(), Kept(parts.clock))

    def settings(self) -> Settings:
        """The settings in force; at most some seconds old."""
        now = self.parts.clock.now()
        with self._lock:
            if self._in_force is None or not timedelta() <= now - self._in_force[0] < _KEPT:
                self._in_force = now, in_force(self.parts.record, self.parts.settings).settings
            return self._in_force[1]

    def today(self) -> date:
        """The day in the practice's own time."""
        zone = ZoneInfo(self.parts.settings.organisation.time_zone)
        return self.parts.clock.now().astimezone(zone).date()

    def acting(self, name: str) -> Wiring:
        """The parts in the name of whoever is signed in: what they do is theirs on the trail."""
        own = self.settings().model_copy(update={"operator": name})
        # Made again from the settings; the gateways, once made, are shared
        return replace(self.parts, settings=own)

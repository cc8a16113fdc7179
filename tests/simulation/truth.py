"""What is true of the patients, kept beside the record so that the record is not its own judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass
class Truth:
    """Who has died and who does not want texts now; how often one may be messaged."""

    cap: int
    cap_period: timedelta
    dead: set[int] = field(default_factory=set)
    opted_out: set[int] = field(default_factory=set)

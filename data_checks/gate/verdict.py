"""
What the gate found: one verdict, a few checks, counts and sentences. Kept with the campaign and shown.

It holds no patient's value by construction: a check has numbers and a sentence of ours, nothing else.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Check:
    """
    One thing that must be true of a list as a whole.

    says: what was found, what is allowed, and, if it failed, what to do
    broken: rows that break it; share: of all rows, 0 to 1; allowed: the largest share that passes.
        All three are empty for a check that counts no rows
    errored: it could not be carried out, so nobody knows: that stops, whatever the severity
    """

    name: str
    says: str
    severity: Severity
    passed: bool
    broken: int | None = None
    share: float | None = None
    allowed: float | None = None
    errored: bool = False

    @property
    def stops(self) -> bool:
        """Whether the list may not be acted on because of this check."""
        return self.errored or (not self.passed and self.severity == "critical")


@dataclass(frozen=True)
class Verdict:
    """Whether a list as a whole may be acted on."""

    outcome: Literal["pass", "warn", "stop"]
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, checks: tuple[Check, ...]) -> Verdict:
        """Stop if any check stops, warn if any failed, else pass. No checks at all: stop."""
        if not checks or any(check.stops for check in checks):
            return cls("stop", checks)
        return cls("pass" if all(check.passed for check in checks) else "warn", checks)

    def with_check(self, check: Check) -> Verdict:
        """The same with one more check."""
        return Verdict.of((*self.checks, check))

    @property
    def stops(self) -> list[str]:
        """Why the list may not be acted on, each with what to do; empty unless `stop`."""
        return [check.says for check in self.checks if check.stops]

    @property
    def warnings(self) -> list[str]:
        """What a person should look at before going on."""
        return [check.says for check in self.checks if not check.passed and not check.stops]

    def to_json(self) -> str:
        """About 2 KB, to be kept with the campaign."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """What `to_json` wrote."""
        kept = json.loads(text)
        return cls(kept["outcome"], tuple(Check(**check) for check in kept["checks"]))

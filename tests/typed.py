"""What came of a command that was typed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Typed:
    """Its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its result, for commands with --json."""
        return json.loads(self.out)

    def rows(self) -> list[list[str]]:
        """Its table without the heading, as it is written when nobody is looking."""
        return [line.split("\t") for line in self.out.splitlines()[1:]]

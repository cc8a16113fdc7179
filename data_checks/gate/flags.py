"""
The expectation that a flag holds, in a column of True and False.

It is the library's own for a set of values, but for one thing: the library asks an expectation forty
times a judgement for its configuration, and writes it anew each time, which was a third of the time of
judging a list. Import this after `expectations.load()`: it imports the library.
"""

from __future__ import annotations

from typing import Any

from great_expectations.compatibility import pydantic
from great_expectations.expectations import ExpectColumnValuesToBeInSet


class ExpectFlagToHold(ExpectColumnValuesToBeInSet):  # type: ignore[misc]  # the library is not read by mypy
    """All but a share of the values are True."""

    _written: Any = pydantic.PrivateAttr(default=None)

    @property
    def configuration(self) -> Any:
        """As the library writes it, kept until a field changes."""
        if self._written is None:
            self._written = super().configuration
        return self._written

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field: what was written of the expectation does not hold any more."""
        super().__setattr__(name, value)
        if name != "_written":
            super().__setattr__("_written", None)

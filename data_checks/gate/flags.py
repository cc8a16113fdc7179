"""
The library's expectations as the suites use them, each with its configuration written once.

The library asks an expectation forty times a judgement for its configuration, and writes it again each time:
a third of the time of judging a list. Import this after `expectations.load()`: it imports the library.
"""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe
from great_expectations.compatibility import pydantic


class _WrittenOnce:
    """Before one of the library's expectations among the bases of a class that has `_written`."""

    _written: Any

    @property
    def configuration(self) -> Any:
        """As the library writes it, kept until a field changes."""
        if self._written is None:
            self._written = super().configuration  # type: ignore[misc]  # the other base has it
        return self._written

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field: what was written of the expectation does not hold any more."""
        super().__setattr__(name, value)
        if name != "_written":
            super().__setattr__("_written", None)


class ExpectFlagToHold(_WrittenOnce, gxe.ExpectColumnValuesToBeInSet):  # type: ignore[misc]
    """All but a share of a column of True and False are True."""

    _written: Any = pydantic.PrivateAttr(default=None)


class ExpectCountToBeWithin(_WrittenOnce, gxe.ExpectColumnValuesToBeBetween):  # type: ignore[misc]
    """A count is within its bounds."""

    _written: Any = pydantic.PrivateAttr(default=None)


class ExpectFieldToBeThere(_WrittenOnce, gxe.ExpectColumnToExist):  # type: ignore[misc]
    """The list has a column for a field."""

    _written: Any = pydantic.PrivateAttr(default=None)

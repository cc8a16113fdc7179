"""What is dear to count is kept in memory for seconds, so that many who look at it cost one who does."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from clinic.clock import Clock

T = TypeVar("T")
# Values; the one that was not asked for the longest goes first
_MOST: Final = 500


@dataclass
class Kept:
    """A memory of this process, shared by all visits. Nothing that is a patient's is put into it."""

    clock: Clock
    _values: OrderedDict[Hashable, tuple[datetime, timedelta, Any]] = field(
        default_factory=OrderedDict
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(
        self, key: Hashable, lasts: timedelta | Callable[[T], timedelta], make: Callable[[], T]
    ) -> T:
        """What was made for this key within `lasts`, or is made now. lasts: perhaps told by what it is."""
        now = self.clock.now()
        with self._lock:
            if (found := self._values.get(key)) is not None:
                made_at, kept_for, value = found
                if timedelta() <= now - made_at < kept_for:
                    self._values.move_to_end(key)
                    known: T = value
                    return known
        new = make()
        with self._lock:
            self._values[key] = now, lasts(new) if callable(lasts) else lasts, new
            self._values.move_to_end(key)
            while len(self._values) > _MOST:
                self._values.popitem(last=False)
        return new

    def forget(self, key: Hashable) -> None:
        """It was just changed: the next who looks sees it as it is."""
        with self._lock:
            self._values.pop(key, None)

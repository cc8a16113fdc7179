"""What a call has learnt so far, message by message, and what a gateway's own words may keep."""

from __future__ import annotations

import re
from collections.abc import Iterable

from clinic.gateway.protocol import Answer, Taken, Turned

# A number or an address in a provider's sentence is a patient's
_TELLING = re.compile(r"\S*@\S*|\+?\d(?:[ ().-]?\d){5,}")


class Tally:
    """
    Gathers an `Answer`. A message nobody speaks of stays ambiguous.

    Each message belongs to one worker, and a dict or set takes an entry at once, so that several
    threads may share a tally. `stopped`: no further request may begin.
    """

    def __init__(self, asked: frozenset[int]) -> None:
        self.stopped = False
        self.strays = 0
        self._asked = asked
        self._results: dict[int, Taken | Turned] = {}
        self._not_sent: set[int] = set()
        self._unlisted: set[int] = set()
        self._retry_after: float | None = None
        self._halt: str | None = None
        self._trouble = ""

    @property
    def decided(self) -> int:
        """Of how many messages is known by now what becomes of them."""
        return len(self._results)

    def note(self, reference: int, result: Taken | Turned) -> None:
        """The gateway decided this message; kept if it was asked about."""
        if reference in self._asked:
            self._results[reference] = result

    def not_sent(self, references: Iterable[int]) -> None:
        """This call did not hand these over: proven."""
        self._not_sent.update(self._asked.intersection(references))

    def unlisted(self, references: Iterable[int]) -> None:
        """The request was answered in good form, without a word on these."""
        self._unlisted.update(self._asked.intersection(references))

    def stop(self, *, retry_after: float | None = None, halt: str | None = None) -> None:
        """
        Begin nothing more: wait (the longest wait asked for counts), or a person must look.

        To be asked to wait 0 seconds is no reason to stop: the others may have better luck.
        """
        self.stopped = self.stopped or retry_after != 0
        self._halt = self._halt or halt
        if retry_after is not None:
            self._retry_after = max(retry_after, self._retry_after or 0.0)

    def blame(self, trouble: str) -> None:
        """Why something was not taken, in a sentence without patient data; the first is kept."""
        self._trouble = self._trouble or trouble[:200]

    def answer(self) -> Answer:
        """All of it."""
        return Answer(
            results=self._results,
            not_sent=frozenset(self._not_sent),
            unlisted=frozenset(self._unlisted),
            retry_after=self._retry_after,
            halt=self._halt,
            trouble=self._trouble,
            strays=self.strays,
        )


def clean(says: object, *, limit: int = 200) -> str:
    """A gateway's own words, without numbers, addresses and unprintable characters, cut short."""
    text = "".join(c if c.isprintable() else " " for c in str(says)[: 4 * limit])
    return _TELLING.sub("…", text)[:limit].strip()

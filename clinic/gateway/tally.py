"""What a call has learnt so far, message by message, and what a gateway's own words may keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from clinic.gateway.protocol import Answer, Outgoing, Taken, Turned

_MONTHS: Final = (
    "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
    "|ionawr|chwefror|mawrth|ebrill|mai|mehefin|gorffennaf|awst|medi|hydref|tachwedd|rhagfyr)[a-z]*"
)
# A number, a date or an address in a provider's sentence is a patient's
_TELLING: Final = re.compile(
    r"\S*@\S*"
    r"|\+?\d(?:[ ().,/_–-]{0,3}\d){5,}"
    r"|\b\d{1,2} ?[/-] ?\d{1,2} ?[/-] ?\d{2}\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)?[ ./-]{{0,2}}{_MONTHS}\b[ .,/-]{{0,2}}(?:\d{{2,4}}\b)?"
    rf"|\b{_MONTHS}[ ./-]{{1,2}}\d{{1,2}}(?:st|nd|rd|th)?\b[ .,/-]{{0,2}}(?:\d{{2,4}}\b)?",
    re.IGNORECASE,
)
_QUOTED: Final = 4  # words in a row that a sentence does not share with a text by chance


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

    def knows(self, references: Iterable[int]) -> bool:
        """Whether it is known of each of these, where it was asked about, what becomes of it now."""
        asked = self._asked.intersection(references)
        # Not as a set of all that is known: it is asked after each request, and would grow with each
        return all(each in self._results or each in self._not_sent for each in asked)

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

    def answer(self, messages: Sequence[Outgoing] = ()) -> Answer:
        """All of it. `messages`: what was sent: a refusal that quotes its message is kept without its words."""
        for one in messages:
            result = self._results.get(one.reference)
            if isinstance(result, Turned) and quotes(result.says, one.body, one.subject or ""):
                self._results[one.reference] = replace(result, says="")
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


def quotes(says: str, *sent: str) -> bool:
    """Whether a gateway's words, cleaned, repeat what was sent: four words in a row, or all there are."""
    found = f" {_words(says)} "
    for text in sent:
        words = _words(_TELLING.sub("…", text)).split()
        size = min(_QUOTED, len(words))
        rows = range(len(words) - size + 1) if words else ()
        if any(f" {' '.join(words[at : at + size])} " in found for at in rows):
            return True
    return False


def _words(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+|…", text.casefold()))

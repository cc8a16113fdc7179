"""A bar in the Prefect UI that fills while work is done, and says in counts where it is."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple
from uuid import UUID

from clinic.beside import beside
from tasks.show.artifacts import create_progress_artifact, update_progress_artifact

EVERY_SECONDS: Final = 2.0  # a draw costs 11 ms of CPU here, and as much in the server


class Seen(NamedTuple):
    """Where the work is: how many of how many, and a sentence of counts."""

    done: int
    of: int
    says: str


class Bar:
    """One that was drawn: where, how far, and when it was drawn, or found as it was, last."""

    def __init__(self, artifact: UUID, at: float) -> None:
        self.artifact = artifact
        self.looked_at = at
        self.share = 0.0


class Bars:
    """
    The bars that this process draws, one for each campaign or operation.

    Args:
        key: of the artifacts; the number is put behind it
        look: reads from the record where the work of this number is, and adds so many that are not there yet
        every: look, and draw a bar, at most once in so many seconds while work goes on; now: seconds
        create, update: draw it, with the arguments of Prefect's functions
    """

    def __init__(
        self,
        key: str,
        look: Callable[[int, int], Seen],
        *,
        every: float = EVERY_SECONDS,
        now: Callable[[], float] = time.monotonic,
        create: Callable[..., object] = create_progress_artifact,
        update: Callable[..., object] = update_progress_artifact,
    ) -> None:
        self._create, self._update = create, update
        self._key = key
        self._look = look
        self._every, self._now = every, now
        self._made: dict[int, Bar] = {}
        self._drawing = threading.Lock()

    def start(self, number: int) -> None:
        """Draw it, empty."""
        made = self._create(
            progress=0.0, key=f"{self._key}-{number}", description=self._look(number, 0).says
        )
        if made is None:  # no server: there is nothing to move either
            return
        with self._drawing:
            self._made[number] = Bar(UUID(str(made)), self._now())

    @contextlib.contextmanager
    def moving(self, number: int, further: Callable[[], int]) -> Iterator[None]:
        """
        Move it while the block runs, and once more at its end.

        Args:
            further: how many more are done by now than the record knows
        """

        def watch(ended: threading.Event) -> None:
            while not ended.wait(self._every):
                # The block goes on, whatever a look meets; what is wrong the block meets too
                with contextlib.suppress(Exception):
                    self.move(number, further(), by_itself=True)

        with beside(watch, name=f"{self._key}-{number}"):
            yield
        self.move(number)

    def move(self, number: int, further: int = 0, *, by_itself: bool = False) -> None:
        """
        To where the work is; threads draw one after the other, and no bar runs back.

        by_itself: nothing has ended: not at all if it was looked at a moment ago
        """
        with self._drawing:
            bar, at = self._made.get(number), self._now()
            if bar is None:  # a run that carries on in another process has no bar yet
                return
            if by_itself and at - bar.looked_at < self._every:
                return
            bar.looked_at = at  # also where nothing moved: each look reads the record
            now = self._look(number, further)
            share = min(100.0, 100.0 * now.done / now.of) if now.of else 100.0
            # What an answer said is not in the record yet: less than was drawn before
            if by_itself and share <= bar.share:
                return
            bar.share = max(share, bar.share)
            self._update(artifact_id=bar.artifact, progress=bar.share, description=now.says)

    def leave(self, number: int) -> None:
        """It stays as it is; this process forgets it."""
        with self._drawing:
            self._made.pop(number, None)

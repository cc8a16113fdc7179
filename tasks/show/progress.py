"""A bar in the Prefect UI that fills while work is done, and says in counts where it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from tasks.show.artifacts import create_progress_artifact, update_progress_artifact


class Seen(NamedTuple):
    """Where the work is: how many of how many, and a sentence of counts."""

    done: int
    of: int
    says: str


class Bars:
    """
    The bars that this process draws, one for each campaign or operation.

    Args:
        key: of the artifacts; the number is put behind it
        look: reads from the record where the work of this number is
    """

    def __init__(self, key: str, look: Callable[[int], Seen]) -> None:
        self._key = key
        self._look = look
        self._made: dict[int, UUID] = {}
        self._drawing = threading.Lock()

    def start(self, number: int) -> None:
        """Draw it, empty."""
        made = create_progress_artifact(
            progress=0.0, key=f"{self._key}-{number}", description=self._look(number).says
        )
        if made is None:  # no server: there is nothing to move either
            return
        with self._drawing:
            self._made[number] = UUID(str(made))

    def move(self, number: int) -> None:
        """To where the work is; threads draw one after the other, so that no bar runs back."""
        with self._drawing:
            bar = self._made.get(number)
            if bar is None:  # a run that carries on in another process has no bar yet
                return
            now = self._look(number)
            share = 100.0 * now.done / now.of if now.of else 100.0
            update_progress_artifact(artifact_id=bar, progress=share, description=now.says)

    def leave(self, number: int) -> None:
        """It stays as it is; this process forgets it."""
        with self._drawing:
            self._made.pop(number, None)

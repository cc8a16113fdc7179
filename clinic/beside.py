"""Something that is looked after by a thread while a block runs, and ends with it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def beside(watch: Callable[[threading.Event], None], *, name: str) -> Iterator[None]:
    """
    Run `watch` in a thread of this name while the block runs; when it ends, `watch` is told and waited for.

    Args:
        watch: returns soon after the event that it is given is set
    """
    ended = threading.Event()
    watcher = threading.Thread(target=watch, args=(ended,), name=name, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()

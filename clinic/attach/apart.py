"""Reads documents in a process apart (child.py), which may be ended by them and takes nothing with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Final

from clinic.attach.child import SECONDS
from clinic.attach.limits import Cleaned, Unfit

_WAITS: Final = 3 * SECONDS  # seconds: the processor may be busy


def clean_apart(content: bytes) -> Cleaned:
    """
    A document that does nothing by itself.

    Raises:
        Unfit: why it is not accepted
    """
    return _ask(content, "clean")


def picture_of(content: bytes, page: int) -> Cleaned:
    """
    A page of a document as a picture (ACX-13).

    Raises:
        Unfit: there is no such page
    """
    return _ask(content, "show", str(page))


def _ask(content: bytes, *what: str) -> Cleaned:
    bare = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "clinic.attach.child", *what],
            input=content, capture_output=True, timeout=_WAITS, check=False, env=bare,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unfit("to read it takes too long") from None
    head, _, made = done.stdout.partition(b"\n")
    if done.returncode or not head:
        raise Unfit("to read it takes more memory or time than a document should, or it is damaged")
    said = json.loads(head)
    if "unfit" in said:
        raise Unfit(said["unfit"])
    return Cleaned(said["kind"], said["pages"], made)

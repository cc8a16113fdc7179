"""Days and times on the command line: one reading for every option (clinic/values/moments.py)."""

from __future__ import annotations

from datetime import datetime

import typer


def day(text: str) -> datetime:
    """
    The first instant of the day that was typed, without a zone.

    Raises:
        typer.BadParameter: how to write it
    """
    from clinic.values.moments import read_day

    try:
        return read_day(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{text!r}: {wrong}") from None


def time(text: str) -> datetime:
    """
    The day and time that were typed, without a zone.

    Raises:
        typer.BadParameter: how to write it
    """
    from clinic.values.moments import read_time

    try:
        return read_time(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{text!r}: {wrong}") from None

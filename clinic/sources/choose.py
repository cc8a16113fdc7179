"""From the settings to the sources."""

from __future__ import annotations

from clinic.clock import Clock
from clinic.errors import NotFound, SourceRefused
from clinic.settings import Settings
from clinic.sources.source import Source


def source_names(settings: Settings) -> tuple[str, ...]:
    """Every source that is set, by name."""
    return tuple(sorted(settings.sources))


def open_source(settings: Settings, name: str, clock: Clock) -> Source:
    """
    A source by its name; nothing is asked of it yet.

    Raises:
        NotFound: there is none of this name
    """
    found = settings.sources.get(name)
    if found is None:
        known = ", ".join(source_names(settings)) or "none is set"
        raise NotFound(
            "no-such-source",
            f"there is no source {name!r} in the settings ([sources.NAME]); there: {known}",
        )
    if found.type != "files":
        raise SourceRefused(
            "settings", f"sources.{name}: a source of type {found.type} is not read yet"
        )
    from clinic.sources.files import FilesSource

    return FilesSource(name, found, clock)

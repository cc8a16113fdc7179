"""From the settings to the sources."""

from __future__ import annotations

from clinic.clock import Clock
from clinic.errors import NotFound, SourceRefused
from clinic.settings import Settings, SourceSettings
from clinic.sources.source import Source
from clinic.sources.sql.source import SqlSource


def source_names(settings: Settings) -> tuple[str, ...]:
    """Every source that is fetched from, by name; files that somebody imports by hand are none."""
    return tuple(sorted(name for name, one in settings.sources.items() if one.type != "by_hand"))


def open_source(settings: Settings, name: str, clock: Clock) -> Source:
    """
    A source by its name; nothing is asked of it yet.

    Raises:
        NotFound: there is none of this name
        SourceRefused: nothing is fetched from it
    """
    found = _settings_of(settings, name)
    if found.type == "sql":
        return _sql(settings, name, found)
    if found.type == "files":
        from clinic.sources.files import FilesSource

        return FilesSource(name, found, clock, settings.organisation.id_scheme)
    if found.type == "fhir":
        from clinic.sources.fhir.source import FhirSource

        return FhirSource(name, found, clock, settings.organisation.time_zone)
    raise SourceRefused(
        "settings", f"sources.{name}: nothing is fetched from a source of type {found.type}"
    )


def open_queries(settings: Settings, name: str) -> SqlSource:
    """
    A source whose queries give cohorts.

    Raises:
        NotFound: there is none of this name
        SourceRefused: it is no database
    """
    found = _settings_of(settings, name)
    if found.type != "sql":
        raise SourceRefused(
            "source-no-query",
            f"source {name} is of type {found.type}: cohorts come from queries of a source of type sql",
        )
    return _sql(settings, name, found)


def _sql(settings: Settings, name: str, found: SourceSettings) -> SqlSource:
    return SqlSource(name, found, found.time_zone or settings.organisation.time_zone)


def _settings_of(settings: Settings, name: str) -> SourceSettings:
    found = settings.sources.get(name)
    if found is None:
        known = ", ".join(source_names(settings)) or "none is set"
        raise NotFound(
            "no-such-source",
            f"there is no source {name!r} in the settings ([sources.NAME]); there: {known}",
        )
    return found

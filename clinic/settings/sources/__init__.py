"""Other systems that imports read: where their data are, and how each writes what it exports."""

from clinic.settings.sources.formats import (
    AppointmentStatus,
    ImportKind,
    Imports,
    LayoutName,
    SourceFormat,
)
from clinic.settings.sources.source import SourceName, SourceSettings

__all__ = [
    "AppointmentStatus",
    "ImportKind",
    "Imports",
    "LayoutName",
    "SourceFormat",
    "SourceName",
    "SourceSettings",
]

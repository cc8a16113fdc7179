"""A kind of import: its columns, by the headings that exports give them, in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clinic.cohort.columns import ALIASES, heading_key
from clinic.cohort.files.listfile import MapHeadings
from clinic.errors import ListRefused
from clinic.settings import Layout

_IDS: Final = ("nhs_number", "local_id")
_ORGANISATION: Final = ("Organisation Code", "ODS Code", "Practice Code")


@dataclass(frozen=True)
class Kind:
    """
    What a file of this kind has.

    name: as it is typed; columns: our field → headings; needs: of each group one field must be there
    """

    name: str
    says: str
    columns: Mapping[str, Sequence[str]]
    needs: tuple[tuple[str, ...], ...]

    def headings(self) -> MapHeadings:
        """Finds the columns of a file by their headings."""

        def find(
            columns: Sequence[str], scheme: Layout, *, file_name: str
        ) -> tuple[str, dict[str, str]]:
            found = {
                field: name
                for field, aliases in self._aliases().items()
                if (name := _column(columns, aliases, file_name)) is not None
            }
            for group in self.needs:
                if not found.keys() & set(group):
                    raise ListRefused("import-column-missing", self._missing(group, file_name))
            return scheme, found

        return find

    def _aliases(self) -> dict[str, Sequence[str]]:
        ids = {name: [each for tier in ALIASES[name] for each in tier] for name in _IDS}
        return ids | dict(self.columns) | {"organisation": _ORGANISATION}

    def _missing(self, group: tuple[str, ...], file_name: str) -> str:
        known = self._aliases()
        some = " or ".join(f"'{known[name][0]}'" for name in group)
        return (
            f"{file_name}: row 1: no column is {some}, which an import of {self.name} needs. "
            "Rename the heading, or export it with that column (docs/data.md has every heading)."
        )


def _column(columns: Sequence[str], aliases: Sequence[str], file_name: str) -> str | None:
    """The heading that is one of these; the first alias that is there counts."""
    for alias in aliases:
        key = heading_key(alias)
        found = [name for name in columns if heading_key(name) == key]
        if len(found) > 1:
            raise ListRefused(
                "list-columns-ambiguous",
                f"{file_name}: row 1: {len(found)} columns are called {alias!r}. "
                "Delete or rename all but the one to be used.",
            )
        if found:
            return found[0]
    return None

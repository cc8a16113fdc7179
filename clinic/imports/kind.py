"""A kind of import: its columns, by the headings that exports give them, in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clinic.cohort.columns import ALIASES, heading_key, map_columns
from clinic.cohort.files.listfile import MapHeadings
from clinic.errors import ListRefused
from clinic.imports.identity import FIELD as ORGANISATION_ID
from clinic.settings import ImportKind, Layout

_IDS: Final = ("nhs_number", "local_id")
_ORGANISATION: Final = ("Organisation Code", "ODS Code", "Practice Code")


@dataclass(frozen=True)
class Kind:
    """
    What a file of this kind has.

    name: as it is typed; columns: our field → headings; needs: of each group one field must be there
    dates: those of its fields that are days, with a time or without; as_list: its headings are also those of
    lists of patients (clinic/cohort/columns.py); of_patients: each row is of a patient, known by their ids
    """

    name: ImportKind
    says: str
    columns: Mapping[str, Sequence[str]]
    needs: tuple[tuple[str, ...], ...]
    dates: tuple[str, ...] = ("date",)
    as_list: bool = False
    of_patients: bool = True

    def headings(
        self, chosen: Mapping[str, str] | None = None, usual: Mapping[str, str] | None = None
    ) -> MapHeadings:
        """
        Finds the columns of a file by their headings.

        chosen: our field → heading, where the practice chose its own; others are found as ever
        usual: the same of a layout: a column that is not there is no error; "": one that is not read
        """
        chosen, layout_has = chosen or {}, usual or {}
        own = {heading_key(heading) for heading in chosen.values()}

        def find(
            columns: Sequence[str], scheme: Layout, *, file_name: str
        ) -> tuple[str, dict[str, str]]:
            layout: str = scheme
            fields: dict[str, str] = {}
            keys = {heading_key(name): name for name in columns}
            named = {
                field: keys[heading_key(heading)]
                for field, heading in layout_has.items()
                if heading and heading_key(heading) in keys
            }
            rest = [name for name in columns if heading_key(name) not in own]
            if self.as_list:
                layout, fields = map_columns(
                    rest, scheme, file_name=file_name, needs=not (chosen or layout_has)
                )
            for field, aliases in self._aliases().items():
                if (name := _column(rest, aliases, file_name)) is not None:
                    fields.setdefault(field, name)
            fields |= named
            for field in (name for name, heading in layout_has.items() if not heading):
                fields.pop(field, None)
            fields |= self._chosen(columns, chosen, file_name)
            for group in self.needs:
                if not fields.keys() & set(group):
                    raise ListRefused("import-column-missing", self._missing(group, file_name))
            return layout, fields

        return find

    def fields(self) -> tuple[str, ...]:
        """Every field of ours that a file may have."""
        return tuple(dict.fromkeys([*self._aliases(), *(ALIASES if self.as_list else ())]))

    def _chosen(
        self, columns: Sequence[str], chosen: Mapping[str, str], file_name: str
    ) -> dict[str, str]:
        """The columns that the settings name; every one of them is in the file."""
        known = set(self.fields())
        if strange := sorted(chosen.keys() - known):
            raise ListRefused(
                "import-column-unknown",
                f"sources: columns.{self.name} names {', '.join(strange)}, which {self.name} do not have. "
                f"They have: {', '.join(sorted(known))}.",
            )
        keys = {heading_key(name): name for name in columns}
        for field, heading in chosen.items():
            if heading_key(heading) not in keys:
                raise ListRefused(
                    "import-column-missing",
                    f"{file_name}: row 1: no column is {heading!r}, which the settings name for {field}. "
                    f"Export it with that column, or correct columns.{self.name} of the source in cohort.toml.",
                )
        return {field: keys[heading_key(heading)] for field, heading in chosen.items()}

    def _aliases(self) -> dict[str, Sequence[str]]:
        if self.as_list:
            return dict(self.columns) | {ORGANISATION_ID: ()}
        if not self.of_patients:
            return dict(self.columns)
        ids = {name: [each for tier in ALIASES[name] for each in tier] for name in _IDS}
        return ids | dict(self.columns) | {"organisation": _ORGANISATION, ORGANISATION_ID: ()}

    def _missing(self, group: tuple[str, ...], file_name: str) -> str:
        known = {name: tiers[0] for name, tiers in ALIASES.items()} | self._aliases()
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

"""The kinds of imports in the order in which they are imported: what others refer to comes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, get_args

from clinic.settings import ImportKind

ORDER: Final[Sequence[ImportKind]] = (
    "facilities", "providers", "patients", "groups", "consents", "appointments", "diagnoses", "medications",
    "allergies",
)  # fmt: skip


def in_order(kinds: Iterable[str]) -> Sequence[ImportKind]:
    """These kinds in that order."""
    asked = set(kinds)
    return tuple(kind for kind in ORDER if kind in asked)


assert set(ORDER) == set(get_args(ImportKind))

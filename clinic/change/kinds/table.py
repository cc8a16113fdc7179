"""Every kind of operation that can be asked for. The next one is a line here."""

from __future__ import annotations

from typing import Final

from clinic.change.core.operation_kind import Kind, Words
from clinic.change.export.export import EXPORT
from clinic.change.kinds.attribute import ATTRIBUTE
from clinic.change.kinds.reassign import PROVIDER
from clinic.change.kinds.status import STATUS
from clinic.change.kinds.tags import TAG
from clinic.change.kinds.transfer import FACILITY
from clinic.change.visits.visits import VISIT
from clinic.errors import NotFound

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind for kind in (STATUS, PROVIDER, FACILITY, TAG, ATTRIBUTE, EXPORT, VISIT)
}
UNDO: Final = "undo"  # has no kind of its own: it puts back what another one wrote


def kind_of(name: str) -> Kind:
    """
    The kind of this name.

    Raises:
        NotFound: there is none
    """
    if name not in KINDS:
        raise NotFound(
            "operation-kind", f"no operation is called {name!r}; there are: {', '.join(KINDS)}"
        )
    return KINDS[name]


def title_of(name: str) -> str:
    """As people call it."""
    return "Undo" if name == UNDO else kind_of(name).title


def flow_of(name: str) -> str:
    """The flow and deployment that bring it to its end."""
    return UNDO if name == UNDO else kind_of(name).flow


def words_of(name: str) -> Words:
    """What becomes of its patients, before and after, in its people's words."""
    return Words("will be put back", "put back") if name == UNDO else kind_of(name).words


def notice_of(name: str) -> str:
    """What its people must be reminded of (ALC-28); mostly nothing."""
    return "" if name == UNDO else kind_of(name).notice

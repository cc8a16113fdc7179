"""The pages that stand at the top of each: those that a role may see."""

from __future__ import annotations

from typing import Any, Final

from clinic.govern.people.roles import Right, Role, has_right

# Where it leads, what it is called, the right it takes; None: every person's
ENTRIES: Final[tuple[tuple[str, str, Right | None], ...]] = (
    ("/", "Today", None),
    ("/messages", "Bulk messages", "view"),
    ("/operations", "Bulk operations", "view"),
    ("/approvals", "Approvals", "view"),
    ("/replies", "Replies", "view"),
    ("/tasks", "Tasks", "view"),
    ("/templates", "Templates", "view"),
    ("/patients", "Patients", "view"),
    ("/reports", "Reports", "send"),
    ("/staff", "Staff", "govern"),
    ("/audit", "Audit", "audit"),
)


def entries(role: Role, here: str) -> list[dict[str, Any]]:
    """Those of this role; `current`: the one that the page belongs to."""
    return [
        {"href": href, "text": text, "current": _is_below(here, href)}
        for href, text, right in ENTRIES
        if has_right(role, right)
    ]


def _is_below(here: str, href: str) -> bool:
    return here == href or (href != "/" and here.startswith(href + "/"))

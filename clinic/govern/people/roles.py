"""
Which role may do what: the right that each command needs, and who may request and approve each kind of work.

Deny by default: what these tables do not name, nobody may do. A role includes what lower ones may do,
except `admin`: who makes operators neither asks for nor approves anything that touches a patient, so
that nobody can make an approver for their own request (docs/decisions/0010-two-persons.md); and `auditor`,
who reads what others did and does nothing. `service` is no person: what runs by schedule acts as it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, get_args

from clinic.errors import NotAllowed, NotFound

Role = Literal["operator", "team_lead", "manager", "auditor", "admin", "service"]
Right = Literal["view", "send", "export", "audit", "govern"]
Action = Literal["request", "approve", "operators", "audit"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
# Whoever can be proven: a service has no password
PEOPLE: Final[tuple[Role, ...]] = tuple(role for role in ROLES if role != "service")

# What each right is, as docs/governance.md has it
RIGHTS: Final[Mapping[Right, str]] = MappingProxyType(
    {
        "view": "look at patients, lists, campaigns, replies",
        "send": "ask for what is sent or changed, and decide it as their role may",
        "export": "take files with patients' values out",
        "audit": "read the audit trail and who looked at whom",
        "govern": "say who works here",
    }
)
_WORK: Final = frozenset[Right]({"view", "send", "export"})
RIGHTS_OF: Final[Mapping[Role, frozenset[Right]]] = MappingProxyType(
    {
        "operator": _WORK,
        "team_lead": _WORK,
        "manager": _WORK | {"audit"},
        "auditor": frozenset({"audit"}),
        "admin": frozenset({"govern"}),
        "service": frozenset({"send"}),  # by schedule alone: it cannot be signed in
    }
)
_LADDER: Final[tuple[Role, ...]] = ("operator", "team_lead", "manager")

CLINICAL: Final = "clinical"  # a campaign of this class: decided by a clinician (clinicians.py)

# Kind → (who may ask for it, who may approve it), as requirements.md has it
PERMISSIONS: Final[Mapping[str, tuple[Role, Role]]] = MappingProxyType(
    {
        "status": ("operator", "manager"),  # ALC-2
        "provider": ("operator", "manager"),  # ALC-3
        "facility": ("operator", "manager"),  # ALC-4
        "tag": ("operator", "team_lead"),  # ALC-5
        "export": ("operator", "team_lead"),  # ALC-6
        "visit": ("operator", "manager"),  # ALC-7
        "notification": ("operator", "manager"),  # ALC-8
        "attribute": ("operator", "manager"),  # ALC-1
        "undo": ("operator", "manager"),  # ALC-38, NEW-2: whatever it undoes
        "campaign": ("operator", "manager"),  # NEW-1, by the role of ALC-8
        CLINICAL: ("operator", "operator"),  # NEW-28: of any role, and a clinician
        "setting": (
            "operator",
            "manager",
        ),  # who may ask for approval of what is no longer one's own to set
        "retention": ("manager", "manager"),  # NEW-39: records come to their end
        "erasure": ("operator", "manager"),  # NEW-36: a patient's data become a stub
        "restriction": ("operator", "manager"),  # NEW-36: they are kept and not used; and its end
        "resend_unknown": ("team_lead", "manager"),  # may text somebody twice: two persons decide
    }
)


def has_right(role: Role, right: Right | None) -> bool:
    """Whether a person of this role has the right; None: what every person may."""
    return right is None or right in RIGHTS_OF[role]


def who_has(right: Right) -> str:
    """The roles of people that have it, as they stand in a sentence."""
    return _either([role for role in PEOPLE if has_right(role, right)])


def may(role: Role, action: Action, kind: str = "") -> bool:
    """
    Whether `role` may do `action` (ALC-44: what it may not do is not offered).

    Args:
        role: of a proven operator
        action: "request" or "approve" an operation of this `kind`, manage "operators",
            read the "audit" trail with its old and new values
        kind: a key of PERMISSIONS, for the first two; an unknown one is refused
    """
    if action == "operators":
        return has_right(role, "govern")
    if action == "audit":
        return has_right(role, "audit")
    if role not in _LADDER or kind not in PERMISSIONS:
        return False
    request, approve = PERMISSIONS[kind]
    needed = request if action == "request" else approve
    return _LADDER.index(role) >= _LADDER.index(needed)


def who_may(action: Action, kind: str = "") -> str:
    """The roles that may, as they stand in a sentence: a team lead or a manager."""
    return _either([role for role in PEOPLE if may(role, action, kind)])


def _either(roles: Sequence[Role]) -> str:
    able = [with_article(role) for role in roles]
    return " or ".join(filter(None, (", ".join(able[:-1]), *able[-1:])))


def require_may_ask(role: Role, kind: str) -> None:
    """
    Who may not ask for an operation of `kind` is told who may.

    Raises:
        NotAllowed: this role may not
    """
    if not may(role, "request", kind):
        raise NotAllowed(
            "request-not-allowed",
            f"{with_article(role)} may not ask for this; {who_may('request', kind)} may: cohort operators list",
        )


def with_article(role: str) -> str:
    """As it stands in a sentence: an operator, an admin, a team lead, a manager."""
    said = role.replace("_", " ")
    return f"{'an' if said[0] in 'aeiou' else 'a'} {said}"


def decider(kind: str) -> str:
    """Who at least decides what is of this `kind`, as it stands in a sentence after its article."""
    return "clinician" if kind == CLINICAL else required_role(kind)


def required_role(kind: str) -> Role:
    """
    The lowest role that may approve an operation of `kind`.

    Raises:
        NotFound: no operation is called so
    """
    if kind not in PERMISSIONS:
        known = ", ".join(PERMISSIONS)
        raise NotFound("operation-kind", f"no operation is called {kind!r}; there are: {known}")
    return PERMISSIONS[kind][1]

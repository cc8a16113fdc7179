"""Who may do what, as a table."""

from __future__ import annotations

import pytest

from clinic.errors import NotAllowed, NotFound
from clinic.govern.people.roles import (
    PERMISSIONS,
    ROLES,
    Role,
    may,
    require_may_ask,
    required_role,
    with_article,
)

# Kind, and who approves it in requirements.md
APPROVED_BY = [
    ("status", "manager"),  # ALC-2
    ("provider", "manager"),  # ALC-3
    ("facility", "manager"),  # ALC-4
    ("tag", "team_lead"),  # ALC-5
    ("export", "team_lead"),  # ALC-6
    ("visit", "manager"),  # ALC-7
    ("notification", "manager"),  # ALC-8
    ("attribute", "manager"),  # ALC-1
    ("undo", "manager"),  # NEW-2
    ("campaign", "manager"),  # NEW-1
    ("resend_unknown", "manager"),
    ("setting", "manager"),
    ("erasure", "manager"),  # NEW-36
    ("restriction", "manager"),
    ("retention", "manager"),  # NEW-39
    ("clinical", "operator"),  # NEW-28: and they are a clinician
]


@pytest.mark.parametrize(("kind", "role"), APPROVED_BY)
def test_each_kind_needs_the_role_of_the_requirements(kind: str, role: Role) -> None:
    """ALC-2, ALC-3, ALC-4, ALC-5, ALC-6, ALC-7, ALC-8."""
    ladder = ROLES[:3]
    assert required_role(kind) == role
    approvers = {r for r in ROLES if may(r, "approve", kind)}
    assert approvers == set(ladder[ladder.index(role) :])


def test_the_table_of_this_test_has_every_kind() -> None:
    assert {kind for kind, _ in APPROVED_BY} == set(PERMISSIONS)


@pytest.mark.parametrize("kind", sorted(PERMISSIONS))
def test_an_admin_neither_asks_nor_approves(kind: str) -> None:
    assert not may("admin", "request", kind)
    assert not may("admin", "approve", kind)


@pytest.mark.parametrize(
    ("role", "kind", "says"),
    [
        (
            "admin",
            "export",
            "an admin may not ask for this; an operator, a team lead or a manager may",
        ),
        (
            "operator",
            "resend_unknown",
            "an operator may not ask for this; a team lead or a manager may",
        ),
    ],
)
def test_who_may_not_ask_is_told_who_may(role: Role, kind: str, says: str) -> None:
    """ALC-44."""
    with pytest.raises(NotAllowed, match="request-not-allowed") as refusal:
        require_may_ask(role, kind)
    assert says in str(refusal.value)
    require_may_ask("manager", kind)


def test_only_an_admin_manages_operators_and_a_manager_or_an_auditor_reads_values_in_the_trail() -> (
    None
):
    """ALC-44: what a role may not do can be asked before it is offered."""
    assert [role for role in ROLES if may(role, "operators")] == ["admin"]
    assert [role for role in ROLES if may(role, "audit")] == ["manager", "auditor"]


@pytest.mark.parametrize("role", ROLES)
def test_nobody_may_do_what_no_table_names(role: Role) -> None:
    assert not may(role, "request", "amputation")
    assert not may(role, "approve", "amputation")


def test_an_unknown_kind_is_named_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="status") as refusal:
        required_role("amputation")
    assert refusal.value.code == "operation-kind"


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("operator", "an operator"),
        ("team_lead", "a team lead"),
        ("manager", "a manager"),
        ("admin", "an admin"),
    ],
)
def test_a_role_has_its_article(role: Role, said: str) -> None:
    assert with_article(role) == said

"""Item 18.1: one table of an SMSC's answers, which is the documentation too."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.gateway.smpp.status import TABLE, status_of, status_table

DOCS = Path(__file__).parents[4] / "docs"


def test_the_page_shows_the_table() -> None:
    assert status_table() in (DOCS / "gateways.md").read_text()


def test_every_halt_has_its_heading_in_the_runbook() -> None:
    runbook = (DOCS / "runbook.md").read_text()
    assert all(f"`{row.code}`" in runbook for row in TABLE if row.does == "halt")


@pytest.mark.parametrize(
    ("number", "does"),
    [(0, "taken"), (0x58, "wait"), (0x14, "wait"), (0x08, "temporary"), (0x0B, "refused"),
     (0x0E, "halt"), (0x0A, "halt"), (0x400, "temporary"), (0xFFFFFFFF, "temporary")],
)  # fmt: skip
def test_what_a_status_does(number: int, does: str) -> None:
    """What nobody knows says at least that the message was not taken."""
    assert status_of(number).does == does


def test_a_provider_s_own_numbers_mean_what_the_settings_say() -> None:
    own = {"0x0400": "halt", "0x0008": "wait", "0x0401": "refused"}
    assert (status_of(0x400, own).does, status_of(0x400, own).code) == ("halt", "gateway-refused")
    assert status_of(0x08, own).does == "wait"
    assert status_of(0x401, own).code == "smpp_0x0401"
    assert status_of(0x58, own).does == "wait"

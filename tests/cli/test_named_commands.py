"""Every command that the product's text tells somebody to type is one that can be typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.named_commands import ROOT, Kind, Named, faults_of, in_code, in_page, named_in

# What was said of earlier versions stays as it was said
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CURRENT = [page for page in PAGES if page.name != "changelog.md"]


def told(named: Named) -> list[str]:
    return [f"{named.where}: {fault}: {named.text}" for fault in faults_of(named)]


def test_every_command_in_the_code_is_there_with_its_options_and_arguments() -> None:
    """Hints, sentences of errors, help and docstrings: read from the code, judged by the command line."""
    found = list(in_code())
    assert {kind: sum(one.kind is kind for one in found) >= 50 for kind in Kind} == dict.fromkeys(
        Kind, True
    )
    assert [fault for named in found for fault in told(named)] == []


@pytest.mark.parametrize("page", CURRENT, ids=lambda page: page.name)
def test_every_command_of_a_page_is_there(page: Path) -> None:
    assert [fault for named in in_page(page) for fault in told(named)] == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("cohort shew §", "no command shew"),
        ("cohort operations undoo § --reason x", "has no undoo"),
        ("cohort show § --error-only", "has no --error-only"),
        ("cohort show 3 4", "takes 1 arguments"),
        ("cohort resume", "needs 1 arguments"),
        ("cohort operations undo §", "needs 1 arguments and ['reason']"),
        ("cohort outcomes § --csv", "without its value"),
        ("cohort unknown ask § --as lost --reason x", "not lost"),
        ("cohort restore FILE   on the other machine", "takes 1 arguments"),
        ("Fix it, then: cohort resum 7; then look.", "no command resum"),
        ("Look (cohort show 7 --error) before.", "has no --error"),
        ("As `cohort operations tick|show` does.", "has no tick"),
        ("Try so:\n\n  cohort messages flu.csv   and see", "no command messages"),
    ],
)
def test_a_command_that_cannot_be_typed_is_found(text: str, fault: str) -> None:
    faults = [one for named in named_in(text, "here") for one in faults_of(named)]
    assert len(faults) == 1, faults
    assert fault in faults[0]


@pytest.mark.parametrize(
    "text",
    [
        "cohort message --resume §",
        'cohort message § --name "…" §',
        'cohort operations undo § --reason "…"',
        "cohort unknown ask 4 --as not-sent --reason x --rows 2,3",
        "Look: cohort show §; then let it go on: cohort resume §",
        "A cohort of patients (cohort campaigns).",
        "Try so:\n\n  cohort campaigns   newest first\n",
        "`cohort audit list --by`",
    ],
)
def test_a_command_that_can_be_typed_is_no_fault(text: str) -> None:
    assert [one for named in named_in(text, "here") for one in faults_of(named)] == []

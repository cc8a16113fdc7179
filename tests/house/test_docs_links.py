"""Every link between the pages leads to a page, and to a heading, that is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """What the headings of a page are called in a link, as GitHub calls them."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def astray(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in _LINK.findall(_FENCED.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (
            anchor and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """User guide, developers' notes, runbook and decisions name each other's headings."""
    assert astray(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    """A page that is gone, and a heading that was renamed."""
    (tmp_path / "there.md").write_text("# Here, and `there`\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](gone.md) [b](there.md#here-and-there) [c](there.md#elsewhere) [d](#top)\n# Top\n"
    )
    assert astray(page) == ["gone.md", "there.md#elsewhere"]

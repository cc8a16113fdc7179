"""
The pages of `docs/` as an installed program has them too: a page, or what they say of one code: the runbook of
an error, a table of an outcome, a check or a setting.

In the repository `cli/pages` is a link to `docs`; a wheel holds the pages themselves.
"""

from __future__ import annotations

import difflib
import re
from importlib.resources import files
from typing import Final

_HEADING: Final = re.compile(r"^(#+) +(.*)$")
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_CODE: Final = re.compile(r"`([^`]+)`")
RUNBOOK: Final = "runbook"
_HISTORY: Final = "changelog"


def pages() -> list[str]:
    """Their names, as they are typed: `gateways` for docs/gateways.md."""
    there = (one.name for one in (files("cli") / "pages").iterdir())
    return sorted(name.removesuffix(".md") for name in there if name.endswith(".md"))


def page(name: str) -> str:
    """A page as plain text, of whose links the words are left."""
    text = (files("cli") / "pages" / f"{name}.md").read_text(encoding="utf-8")
    return _LINK.sub(r"\1", text)


def section_of(code: str) -> str:
    """What the runbook says of a code: its heading and its text; "" where it has none."""
    found: list[str] = []
    level = 0
    for line in page(RUNBOOK).splitlines():
        heading = _HEADING.match(line)
        if heading and level and len(heading[1]) <= level:
            break
        if heading and not level and code in _CODE.findall(heading[2]):
            level = len(heading[1])
        if level:
            found.append(line)
    return "\n".join(found).strip()


def rows_of(code: str) -> str:
    """What the tables of the pages say of a code: the rows that are its own, else those that name it; or ""."""
    own, named = list[str](), list[str]()
    for name in pages():
        heading = ""
        for line in page(name).splitlines() if name != _HISTORY else ():
            cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
            if match := _HEADING.match(line):
                heading = match[2]
            elif line.startswith("|") and code in _CODE.findall(line):
                told = f"docs/{name}.md, {heading}: {' · '.join(filter(None, cells))}"
                (own if any(_is_of(code, cell) for cell in cells) else named).append(told)
    return "\n".join(own or named)


def _is_of(code: str, cell: str) -> bool:
    return code in _CODE.findall(cell) and not _CODE.sub("", cell).strip(" ,")


def like(word: str) -> list[str]:
    """Codes of the runbook that look like this word, the most alike first."""
    headings = (m[2] for m in map(_HEADING.match, page(RUNBOOK).splitlines()) if m)
    codes = [code for heading in headings for code in _CODE.findall(heading)]
    return difflib.get_close_matches(word, [*codes, *pages()], n=3)

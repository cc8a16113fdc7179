"""Query files: one statement each, in a folder of the settings; named, never typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clinic.errors import SourceRefused

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_LARGEST: Final = 1_000_000
# Where a semicolon ends nothing: texts, quoted names, comments, PostgreSQL's $$ texts
_QUOTED: Final = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|(\$\w*\$).*?\1", re.DOTALL
)  # fmt: skip


@dataclass(frozen=True)
class Query:
    """A query file. `name`: without .sql"""

    name: str
    sql: str


def query_names(folder: Path, source: str) -> list[str]:
    """
    The names of the query files, without .sql.

    Raises:
        SourceRefused: there is no such folder
    """
    if not folder.is_dir():
        raise SourceRefused(
            "source-folder",
            f"source {source}: there is no folder {folder} (queries) that this account may read",
        )
    return sorted(path.stem for path in folder.glob("*.sql") if _NAME.fullmatch(path.stem))


def read_query(folder: Path, name: str, source: str) -> Query:
    """
    A query by its name.

    Raises:
        SourceRefused: there is none, or it is not one statement
    """
    known = query_names(folder, source)
    if name not in known:
        there = ", ".join(known) or "none"
        raise SourceRefused(
            "source-no-query",
            f"source {source}: no query file has that name in {folder}; there: {there}. A query is named, "
            "without .sql; it is never typed",
        )
    path = folder / f"{name}.sql"
    try:
        raw = path.read_bytes()[: _LARGEST + 1]
        sql = raw.decode("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError):
        raise _refused(source, name, "it cannot be read as UTF-8 text") from None
    if not sql or len(raw) > _LARGEST:
        raise _refused(source, name, f"it is empty, or has more than {_LARGEST:,} bytes")
    rest = _QUOTED.sub(" ", sql).strip().removesuffix(";")
    if ";" in rest:
        raise _refused(source, name, "it has more than one statement: write one SELECT")
    return Query(name, sql)


def _refused(source: str, name: str, why: str) -> SourceRefused:
    return SourceRefused("source-query", f"source {source}: query {name}: {why}")

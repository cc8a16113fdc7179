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

_QUESTION: Final = re.compile(r"[\s(]*(SELECT|WITH|VALUES|TABLE|FROM)\b", re.IGNORECASE)
_WRITES: Final = re.compile(
    r"\b(INSERT|UPDATE|DELETE|MERGE|INTO|EXEC|EXECUTE|CALL|CREATE|ALTER|DROP|TRUNCATE|GRANT|OPENROWSET|OPENQUERY)\b",
    re.IGNORECASE,
)
_SINCE: Final = re.compile(r"(?<![:\w]):since\b")


@dataclass(frozen=True)
class Query:
    """A query file. `name`: without .sql; asks_since: it has a parameter `:since`, and gives changes alone."""

    name: str
    sql: str
    asks_since: bool = False

    @property
    def says_to_write(self) -> bool:
        """Whether a word of it, outside of texts and quoted names, changes something."""
        return bool(_WRITES.search(_QUOTED.sub(" ", self.sql)))

    @property
    def escaped(self) -> str:
        """For SQLAlchemy's `text`: every colon stands for itself, but that of the parameter."""
        made, end = [], 0
        for found in _QUOTED.finditer(self.sql):
            made += [_escape(self.sql[end : found.start()]), found[0].replace(":", r"\:")]
            end = found.end()
        return "".join([*made, _escape(self.sql[end:])])


def query_names(folder: Path, source: str) -> list[str]:
    """
    The names of the query files, without .sql.

    Raises:
        SourceRefused: there is no such folder
    """
    if not folder.is_dir():
        raise SourceRefused(
            "source-folder",
            f"source {source}: there is no folder {folder} that this account may read: make it, or correct "
            f"queries in [sources.{source}]",
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
    if not _QUESTION.match(rest):
        raise _refused(source, name, "it is no question: write one SELECT")
    return Query(name, sql, asks_since=bool(_SINCE.search(rest)))


def _escape(plain: str) -> str:
    pieces = _SINCE.split(plain)
    return ":since".join(piece.replace(":", r"\:") for piece in pieces)


def _refused(source: str, name: str, why: str) -> SourceRefused:
    return SourceRefused("source-query", f"source {source}: query {name}: {why}")

"""What a source would give, with the columns that an import of it would find or miss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clinic.errors import ListRefused, SourceProblem
from clinic.imports.kinds import KINDS
from clinic.settings import Settings, SourceSettings
from clinic.sources.source import Answer, Source


@dataclass(frozen=True)
class Checked:
    """
    An answer, judged.

    used: our fields that are found in its columns; unused: columns that an import would not use
    problem: why nothing would be imported; "" where something would
    """

    kind: str
    origin: str
    rows: int | None
    newest: datetime | None
    used: Sequence[str]
    unused: Sequence[str]
    problem: str


def check_source(settings: Settings, source: Source) -> list[Checked]:
    """Ask for each kind what it would give. Nothing is changed, here or there."""
    how = settings.sources[source.name]
    try:
        kinds = source.kinds()
    except SourceProblem as problem:
        return [Checked("", "", None, None, (), (), problem.says)]
    if not kinds:
        says = "it is set to give no kind of data: docs/data.md has what to write"
        return [Checked("", "", None, None, (), (), says)]
    scheme = settings.organisation.id_scheme
    return [_judged(source.check(kind), how, scheme) for kind in kinds]


def _judged(answer: Answer, how: SourceSettings, scheme: str) -> Checked:
    used: Sequence[str] = ()
    unused: Sequence[str] = answer.columns
    problem = answer.problem
    importer = next((one for kind, one in KINDS.items() if kind == answer.kind), None)
    if importer is None:
        problem = problem or f"{answer.kind} cannot be imported yet"
    elif answer.columns and not problem:
        chosen = {kind: columns for kind, columns in how.columns.items() if kind == answer.kind}
        find = importer.kind.headings(next(iter(chosen.values()), {}))
        try:
            _, fields = find(answer.columns, scheme, file_name=answer.origin)  # type: ignore[arg-type]  # checked by the settings
        except ListRefused as refused:
            problem = refused.says
        else:
            used = sorted(fields)
            unused = [name for name in answer.columns if name not in fields.values()]
    return Checked(
        answer.kind, answer.origin, answer.rows, answer.newest, used, unused, problem
    )  # fmt: skip

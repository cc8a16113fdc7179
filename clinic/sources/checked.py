"""What a source would give, with the columns that an import of it would find or miss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from clinic.errors import ListRefused, SourceProblem
from clinic.imports.kinds import KINDS
from clinic.record.systems.sync_runs import QUIET_KINDS
from clinic.settings import Settings, SourceSettings
from clinic.sources.source import Answer, Source


@dataclass(frozen=True)
class Checked:
    """
    An answer, judged.

    used: our fields that are found in its columns; unused: columns that an import would not use
    problem: why nothing would be imported; "" where something would
    remark: what to look at all the same; "" where there is nothing
    """

    kind: str
    origin: str
    rows: int | None
    newest: datetime | None
    used: Sequence[str]
    unused: Sequence[str]
    problem: str
    remark: str = ""


def check_source(settings: Settings, source: Source, now: datetime) -> list[Checked]:
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
    most = settings.sync.of(source.name).quiet_days if how.type == "fhir" else 0
    found = [_judged(source.check(kind), how, scheme) for kind in kinds]
    return [replace(one, remark=_remark(one, most, now)) for one in found]


def _remark(one: Checked, most: float, now: datetime) -> str:
    """That nothing was changed there for days; `most`: so many days it may be, 0: it is not asked."""
    if not most or one.newest is None or one.kind not in QUIET_KINDS:
        return ""
    days = (now - one.newest).total_seconds() / 86_400
    if days <= most:
        return ""
    return (
        f"nothing of it was changed there for {days:,.0f} days; {most:g} may be (sync.quiet_days). Is it a "
        "copy that nobody brings up to date any more?"
    )


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

"""What `cohort list check` says of a list: as rows for the terminal and scripts, and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from clinic.cohort.columns import column_letter
from clinic.cohort.outcomes import OUTCOMES
from clinic.values.phone_kinds import KINDS
from data_checks.gate.verdict import Check, Verdict
from data_checks.lists.list_quality import ListQuality
from data_checks.lists.report import Facts, Remark, render_html

if TYPE_CHECKING:
    from clinic.cohort.files import ListFile, ReportRow

# Where the vocabulary's sentence would promise too much, since the record was not asked
SENTENCES: Final[Mapping[str, str]] = {
    "accepted": "As far as the list alone can tell, nothing speaks against the row.",
}
_MISSING = "No number or address in the list. The record's is used, if it has one."


def quality_rows(quality: ListQuality) -> Iterator[ReportRow]:
    """Every error of a value with how many rows have it, in the form of the reader's own remarks."""
    from clinic.cohort.files import ReportRow

    for code, count in quality.faults.items():
        # The reader tells of unreadable rows by number; addresses are told of more exactly below
        if not code.startswith(("unreadable_", "phone_", "email_")):
            yield ReportRow(code, count, (), "", SENTENCES.get(code, OUTCOMES[code].says))
    for remark in _addresses(quality):
        yield ReportRow(remark.where, remark.count, (), "", remark.says)


def list_html(
    source: ListFile,
    quality: ListQuality,
    *,
    checks: Sequence[Check] | None = None,
    outcomes: Mapping[str, int] | None = None,
) -> str:
    """
    The page of a list: the verdicts, the rows by outcome, what was noticed, what was read as what.

    It names the file, its headings and row numbers; no patient.

    Args:
        checks: what a campaign's gate says of it; None: the record was not asked
        outcomes: rows by what a campaign would make of them; None: by what the list alone tells
    """
    from clinic.cohort.files import report_rows

    read = [Remark(r.says, r.count, _where(r)) for r in report_rows(source)]
    if checks is not None and outcomes is not None:
        return render_html(
            source.file_name,
            {"As a campaign would judge it": Verdict.of(tuple(checks))},
            outcomes,
            counted="Rows by what a campaign would make of them",
            remarks=[*read, *_addresses(quality)],
            facts=_facts(source),
        )
    return render_html(
        source.file_name,
        {"The file": quality.intake, "Its rows": quality.whole},
        quality.outcomes,
        counted="Rows by the first error they have",
        sentences=SENTENCES,
        remarks=[*read, *_addresses(quality)],
        facts=_facts(source),
    )


def refused_html(file_name: str, code: str, says: str) -> str:
    """The page of a file that could not even be read: the one sentence that says what to do."""
    refused = Verdict.of((Check(code, says, "critical", passed=False),))
    return render_html(file_name, {f"Refused: {code}": refused}, {})


def _facts(source: ListFile) -> tuple[Facts, Facts]:
    """What was read as what, and how the file is written."""
    read_as = {heading: field for field, heading in source.fields.items()}
    headings = [
        (column_letter(place), heading, read_as.get(heading, "(kept)"))
        for place, heading in enumerate(source.columns)
    ]
    written = [(fact, getattr(source, fact)) for fact in ("size", "encoding", "layout", "sha256")]
    return (
        Facts("Headings", ("Column", "Heading", "Read as"), headings),
        Facts("How it is written", ("What", "Is"), written),
    )


def _addresses(quality: ListQuality) -> Iterator[Remark]:
    """What is wrong with the list's own addresses, commonest first; `where` is the kind."""
    for kind, count in quality.addresses.items():
        if kind in ("missing", "email_missing"):
            yield Remark(_MISSING, count, kind)
        elif kind:
            says = KINDS[kind][1] if kind in KINDS else OUTCOMES[kind].says
            yield Remark(says, count, kind)


def _where(row: ReportRow) -> str:
    """Row numbers and a heading, for a person who looks the place up."""
    numbers = ", ".join(f"{number:,}" for number in row.rows)
    more = " …" if row.count > len(row.rows) > 0 else ""
    places = [
        f"column {row.column}" if row.column else "",
        f"rows {numbers}{more}" if numbers else "",
    ]
    return "; ".join(place for place in places if place)

"""The report on a list as one page: no script, no link to anywhere, nothing of a patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

# A browser that honours this loads nothing, wherever the page is put
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #212b32; background: #fff; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0;
         border-bottom: 1px solid #d8dde0; overflow-wrap: anywhere; }
.verdict { padding: .8rem 1rem; border-left: .5rem solid; }
.good { border-color: #007f3b; background: #eef7f1; }
.bad { border-color: #d5281b; background: #fbeeed; }
"""


def page(report: dict[str, Any]) -> str:
    """
    The page.

    Args:
        report: what `cohort list check --json` prints
    """
    body = _accepted(report) if report["accepted"] else _refused(report)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(report['file'])}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(report['file'])}</h1>\n{body}\n</body></html>\n"
    )


def _refused(report: dict[str, Any]) -> str:
    return (
        '<p class="verdict bad"><strong>This list cannot be used as it is.</strong><br>'
        f"{escape(report['says'])}</p><p>Code: {escape(report['code'])}</p>"
    )


def _accepted(report: dict[str, Any]) -> str:
    facts = [(name, report[name]) for name in ("size", "encoding", "delimiter", "layout", "sha256")]
    columns = [(c["column"], c["heading"], c["read_as"] or "(kept)") for c in report["columns"]]
    return "\n".join(
        [
            f'<p class="verdict good"><strong>This list can be used: {report["rows"]:,} rows.'
            "</strong></p>",
            "<h2>Remarks</h2>",
            _remarks(report["remarks"]),
            "<h2>Headings</h2>",
            _table(("Column", "Heading", "Read as"), columns),
            "<h2>The file</h2>",
            _table(("What", "Is"), facts),
        ]
    )


def _remarks(remarks: Sequence[dict[str, Any]]) -> str:
    if not remarks:
        return "<p>Nothing remarkable: every row can be read.</p>"
    rows = [
        (r["says"], r["column"], r["count"], ", ".join(map(str, r["rows"])), r["code"])
        for r in remarks
    ]
    return _table(("What it means", "Column", "How often", "First rows", "Code"), rows)


def _table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in row) + "</tr>\n"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"


def _text(cell: Any) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)

"""Which sources are set, and what they would give."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from cli import console
from cli.options import Json
from cli.wiring import LocalTime, get_settings

if TYPE_CHECKING:
    from clinic.sources.checked import Checked


def show_list(json: Json = False) -> None:
    """The sources of the settings, [sources.NAME]. None of them is asked anything."""
    settings = get_settings()
    rows = [(name, one.type, _where(one)) for name, one in sorted(settings.sources.items())]
    if json:
        return console.show_json([{"source": n, "type": t, "where": w} for n, t, w in rows])
    if not rows:
        return console.say("No source is set: docs/data.md says how one is.")
    console.show_table("Sources", ["Source", "Type", "Where"], rows)
    return console.next_commands("cohort sources check")


def _where(source: Any) -> str:
    """Without user, password or path of a server: these may be secret."""
    from urllib.parse import urlsplit

    if source.type == "sql":
        from sqlalchemy.engine import make_url

        try:
            url = make_url(source.url.get_secret_value())
        except ValueError:
            return ""
        return f"{url.get_backend_name()} {url.host or ''}".strip()
    if source.type == "fhir":
        return urlsplit(source.url.get_secret_value()).hostname or ""
    return str(source.folder)


def check(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One source; all of them if none.")
    ] = None,
    json: Json = False,
) -> None:
    """
    Ask each source what it would give: rows, the newest of them, columns found and missing.

    Nothing is changed, here or there. Exit code 2 if one of them would give nothing that can be imported.
    """
    from clinic.clock import SystemClock
    from clinic.sources.checked import check_source
    from clinic.sources.choose import open_source, source_names

    settings = get_settings()
    names = [name] if name else list(source_names(settings))
    found: dict[str, list[Checked]] = {}
    clock = SystemClock()
    for each in names:
        source = open_source(settings, each, clock)
        with console.err().status(f"Asking {each} …"):
            found[each] = check_source(settings, source, clock.now())
    bad = any(one.problem for checked in found.values() for one in checked)
    if json:
        console.show_json({each: [asdict(one) for one in some] for each, some in found.items()})
    else:
        _show(found, LocalTime(settings))
    if bad:
        raise typer.Exit(2)


def _show(found: dict[str, list[Checked]], local: LocalTime) -> None:
    if not found:
        return console.say("No source is set: docs/data.md says how one is.")
    rows = [
        (
            source,
            one.kind,
            one.origin,
            "" if one.rows is None else f"{one.rows:,}",
            local.show(one.newest) if one.newest else "",
            ", ".join(one.used),
        )
        for source, checked in found.items()
        for one in checked
    ]
    heads = ["Source", "Kind", "From", "Rows", "Newest", "Columns found"]
    console.show_table("What they would give", heads, rows, right=(3,))
    for source, checked in found.items():
        for one in checked:
            if one.unused and not one.problem:
                console.say(f"{source}, {one.kind}: not imported: {', '.join(one.unused)}.")
            if one.remark:
                console.say(f"[yellow]{source}[/], {one.kind}: {one.remark}")
            if one.problem:
                console.say(f"[bold red]{source}[/] {one.kind}: {escape(one.problem)}")
    return console.say("Nothing was changed.")

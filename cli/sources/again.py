"""The command that was typed, without an option: what one types next after a dry run."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from datetime import datetime

import typer


def typed_again(ctx: typer.Context, *, without: Collection[str]) -> str:
    """
    The command line as it was typed, ready to be copied.

    Args:
        without: parameters that are left out, by their names in the code; a file descriptor is gone by then and
            is always among them
    """
    words, options = [], []
    for parameter in ctx.command.params:
        name = parameter.name or ""
        value = ctx.params.get(name)
        source = ctx.get_parameter_source(name)
        typed = source is not None and source.name == "COMMANDLINE"
        if not typed or value is None or name in {*without, "secret_fd"}:
            continue
        text = f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value)
        if parameter.param_type_name == "argument":
            words.append(text)
        elif isinstance(value, bool):
            options.append(parameter.opts[0])
        else:
            options += [parameter.opts[0], text]
    return shlex.join(["cohort", *ctx.command_path.split()[1:], *words, *options])

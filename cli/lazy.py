"""
A group of commands that are imported when they are called, not before.

`cohort --help` lists them from a table, so that it answers at once whatever the commands need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from cli import console
from clinic.errors import CohortError, MendableError


@dataclass(frozen=True)
class Lazy:
    """Where a command is (`module:name`, a function or a `Typer`), its line in the help, and its panel."""

    where: str
    says: str
    panel: str

    def load(self, name: str) -> Any:
        """The command itself, imported now."""
        module, attribute = self.where.split(":")
        found = getattr(import_module(module), attribute)
        alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
        if isinstance(found, typer.Typer):
            # Below another one: only a program as a whole offers to install its completion
            alone.add_typer(found, name=name)
            command = typer.main.get_group(alone).commands[name]
        else:
            alone.command(name)(found)
            command = typer.main.get_command(alone)
        return command


class LazyGroup(TyperGroup):
    """A group whose `TABLE` says what there is; its errors end as a sentence and an exit code."""

    TABLE: ClassVar[Mapping[str, Lazy]] = {}
    # Built once a process: a tenth of the time of who types one command after another in it, as tests do
    _BUILT: ClassVar[dict[tuple[type, str], Any]] = {}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {
            name: TyperCommand(name=name, help=lazy.says, rich_help_panel=lazy.panel)
            for name, lazy in self.TABLE.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The real command, in place of the line that stood for it."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and name in self.TABLE:
            key = (type(self), name)
            if key not in self._BUILT:
                self._BUILT[key] = self.build(name)
            command = self._BUILT[key]
        return name, command, rest

    def build(self, name: str) -> Any:
        """The real command, ready to be called."""
        return self.TABLE[name].load(name)

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """What was typed, read; what makes no sense of it is told to a script, too."""
        if parent is None:
            console.begin(tuple(args))
        try:
            return super().make_context(info_name, args, parent, **extra)
        except typer.TyperException as error:
            _end_misread(error)
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run; a script gets one document, whatever happens (cli/scripts.py)."""
        try:
            result = self._run(ctx)
        except typer.TyperException as error:
            _end_misread(error)
            raise
        except typer.Exit as ended:
            console.end(ended.exit_code)
            raise
        except (typer.Abort, EOFError):
            do = "answer at a terminal, or give the option that answers: see --help"
            console.refuse(
                "aborted", "nobody answered the question: nothing more was done", 1, do=do
            )
            console.end(1)
            raise
        except KeyboardInterrupt:
            console.refuse(
                "interrupted", "it was interrupted: see what was done with: cohort campaigns", 130
            )
            console.end(130)
            raise
        console.end(0)
        return result

    def _run(self, ctx: Any) -> Any:
        """What the user can fix is shown without a traceback (clinic/errors.py)."""
        try:
            return super().invoke(ctx)
        except CohortError as error:
            console.show_error(error)
            raise typer.Exit(error.exit_code) from None
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except OSError as error:
            _exit_if_outage(error)
            if error.filename is None:  # a pipe that nobody reads any more: Typer's own affair
                raise
            refused = MendableError("file-unusable", f"{error.filename}: {error.strerror}")
            console.show_error(refused)
            raise typer.Exit(refused.exit_code) from None
        except UnicodeDecodeError:
            refused = MendableError("text-not-utf8", "a text file is not UTF-8: save it as UTF-8")
            console.show_error(refused)
            raise typer.Exit(refused.exit_code) from None
        except Exception as error:
            _exit_if_outage(error)
            # The text of an error that nobody foresaw may hold a patient: say where it was, not what
            from tasks.guard.scrub import where

            console.show_unforeseen(error, where(error.__traceback__))
            raise typer.Exit(1) from None


def _end_misread(error: typer.TyperException) -> None:
    """What was typed is no command: for a script as for people, who are told by Typer."""
    typed = getattr(error, "ctx", None)
    do = f"{typed.command_path} --help" if typed is not None else "cohort --help"
    console.refuse("usage", error.format_message(), error.exit_code, do=do)
    console.end(error.exit_code)


def _exit_if_outage(error: Exception) -> None:
    """A full disk, a database that is away: told in a sentence, whatever was being done."""
    from clinic.record.outage import outage

    if (known := outage(error)) is not None:
        console.show_error(known)
        raise typer.Exit(known.exit_code) from None

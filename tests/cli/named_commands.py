"""
Finds every command that the product's own text names, and judges it by the real command line.

A string literal that is a command (or one between backticks, or a line of an example) is judged whole:
the command is there, its options are, each has its value, and the arguments fit. Inside a sentence,
where nobody can say where a command ends, it and the options up to the next full stop are judged.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from cli.lazy import Lazy
from cli.program import COMMANDS

ROOT = Path(__file__).parents[2]
FOLDERS = ("cli", "clinic", "tasks", "flows", "data_checks")
VALUE = "§"  # stands for whatever the code, or a person, puts in: one word, several, or none
# The word of the field, in a sentence: "a cohort of patients", "takes a cohort in"
PROSE = frozenset({"of", "with", "in", "who", "comes", "came"})
_NAMED = re.compile(r"(?<![\w./\"'-])cohort +(?=[a-z§])")
_ENDS = re.compile(r"[.;:,](?=\s|$)|\)|\n|`|\[/")
_SHELL = re.compile(r"\s+(\d?<|&&|\||\\$).*")  # what the shell does with it
_PUT_IN = re.compile(r"\{\{.*?\}\}|…")


class Kind(Enum):
    """How much of the text is the command."""

    HINT = "typed as it stands"
    TICKED = "between backticks, or a line of an example"
    SENTENCE = "in a sentence"


@dataclass(frozen=True)
class Named:
    """A command that some text names, and where."""

    where: str
    text: str
    kind: Kind


def in_code() -> Iterator[Named]:
    """Those in the product's Python."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for line, text in literals(tree):
                yield from named_in(text, f"{path.relative_to(ROOT)}:{line}")


def in_page(path: Path) -> Iterator[Named]:
    """Those of a page of the docs."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        yield from named_in(line, f"{path.relative_to(ROOT)}:{number}", page=True)


def literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every string of the code; what an f-string puts in is a value."""
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (str(p.value) if isinstance(p, ast.Constant) else VALUE for p in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in inside:
                yield node.lineno, node.value


def named_in(text: str, where: str, *, page: bool = False) -> Iterator[Named]:
    """The commands of one text; on a page and in an example a comment may follow after two spaces."""
    for found in _NAMED.finditer(text):
        before, rest = text[: found.start()], text[found.start() :]
        line = rest.split("\n")[0].rstrip()
        if before.endswith("`"):
            yield Named(where, rest.split("`")[0], Kind.TICKED)
        elif before.rstrip(" ") and not before.rstrip(" ").endswith("\n"):
            yield Named(where, _ENDS.split(rest)[0], Kind.SENTENCE)
        elif page or "\n" in text:
            alone = re.split(" {2,}", line)[0]
            yield _line(where, alone, Kind.TICKED)
        else:
            yield _line(where, line, Kind.HINT)


def _line(where: str, line: str, kind: Kind) -> Named:
    """A line that begins with a command: all of it, unless the sentence goes on."""
    spoken = re.search(r"[,;:] [a-z]", line)
    return Named(where, _ENDS.split(line)[0], Kind.SENTENCE) if spoken else Named(where, line, kind)


@cache
def _loaded(name: str) -> Any:
    lazy: Lazy = COMMANDS[name]
    return lazy.load(name)


def faults_of(named: Named) -> list[str]:
    """What is wrong with it; "a|b" stands for two commands."""
    words = _words(_SHELL.sub("", _PUT_IN.sub(VALUE, named.text)))[1:]
    several = next((word for word in words if re.fullmatch(r"[a-z-]+(\|[a-z-]+)+", word)), "")
    each = [[one if word == several else word for word in words] for one in several.split("|")]
    return [fault for one in each if (fault := _fault(one, named.kind))]


def _fault(words: list[str], kind: Kind) -> str:
    if not words or VALUE in words[0] or (kind is Kind.SENTENCE and words[0] in PROSE):
        return ""
    if words[0] not in COMMANDS:
        return f"no command {words[0]}"
    command = _loaded(words.pop(0))
    while hasattr(command, "commands"):
        if not words or VALUE in words[0] or words[0] == "--help":
            return ""  # the group as a whole
        if words[0] not in command.commands:
            own = words[0].startswith("-") or command.invoke_without_command
            return _misfit(command, words, kind) if own else f"{command.name} has no {words[0]}"
        command = command.commands[words.pop(0)]
    return _misfit(command, words, kind)


def _choices(kind: Any) -> tuple[str, ...]:
    """The words that an option takes, where it takes no others."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    found = [_choices(part) for part in get_args(kind)]
    return found[0] if found else ()


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _misfit(command: Any, words: list[str], kind: Kind) -> str:
    """What does not fit the command's options and arguments."""
    options = {
        name: param
        for param in command.params
        if param.param_type_name == "option"
        for name in (*param.opts, *param.secondary_opts)
    }
    given: list[str] = []
    used: set[str] = set()
    left = iter(words)
    for word in left:
        name, _, value = word.partition("=")
        if name == "--help":
            return ""
        if word == "-" or not word.startswith("-"):
            given.append(word)
        elif name not in options:
            return f"{command.name} has no {name}"
        else:
            used.add(options[name].name)
            if not options[name].is_flag and (wrong := _wrong(options[name], value, left, kind)):
                return wrong
    return "" if kind is Kind.SENTENCE else _too_few_or_many(command, given, used, kind)


def _wrong(option: Any, value: str, left: Iterator[str], kind: Kind) -> str:
    value = value or next(left, "")
    if not value:
        return f"{option.opts[0]} without its value" if kind is Kind.HINT else ""
    choices = _choices(option.type_descriptor.annotation)
    chosen = value in choices or VALUE in value or value.isupper() or kind is Kind.SENTENCE
    return "" if chosen or not choices else f"{option.opts[0]} takes {choices}, not {value}"


def _too_few_or_many(command: Any, given: list[str], used: set[str], kind: Kind) -> str:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    sure = [word for word in given if word != VALUE]
    if all(one.nargs > 0 for one in arguments) and len(sure) > len(arguments):
        return f"{command.name} takes {len(arguments)} arguments, not {given}"
    needed = [one.name for one in command.params if one.required and one not in arguments]
    least = sum(one.required for one in arguments)
    if kind is Kind.HINT and (len(given) < least or not used.issuperset(needed)):
        return f"{command.name} needs {least} arguments and {needed}"
    return ""

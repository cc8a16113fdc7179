"""
Types what stands under "Next:" until nothing new is printed, and knows which hints of the code were typed.

Each hint is typed as it is printed, in the state in which it was printed: the place is put back between two
of them. A capital word is what a person puts in, "…" their own words, and a question is answered with yes.
One that the same command has printed before, with other numbers, is not typed again.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from typer.testing import Result

from cli.program import COMMANDS
from tests.cli.named_commands import VALUE, Kind, Named, _loaded, in_code, named_in
from tests.cli.office import SECRET, Office

# What a person puts in, the first that fits
PUT_IN = (
    (r"templates add KEY", "templates add closed-day"),
    (r"templates patient (\S+) ID", r"templates patient \1 L1"),
    # Not what the same people had a moment ago, and nothing that prints a column which was not kept
    (
        r"message --list (\d+) --name NAME --template KEY",
        r"message --list \1 --name Autumn --template annual-review",
    ),
    (r"--template (KEY|…)", "--template flu-invite"),
    (r"groups add CODE", "groups add walkers"),
    (r"places facility CODE", "places facility F9"),
    (r"tags add CODE", "tags add walks"),
    (r"operations tag SELECTION", "operations tag 1"),
    (r"operators add NAME --role manager", "operators add meg --role manager"),
    (r"operators add NAME", "operators add tim"),
    (r"operators disable NAME", "operators disable ann"),
    (r"--operator ADMIN", "--operator tim"),
    (r"sign-in NAME", "sign-in ann"),
    (r"SETTING VALUE", "operations.cap 500"),
    (r"--to …", "--to on_hold"),
    (r"LIST\.csv", "list.csv"),
    (r"questionnaires score (\S+) ANSWERS\.json", r"questionnaires score \1 \1.json"),
    (r"questionnaires add FILE", "questionnaires add own.json"),
    (r"backup FOLDER", "backup ."),
    (r"backup check FILE", "backup check saved"),
    (r"--csv FILE", "--csv rows.csv"),
    (r"\bDAY\b", "2026-03-04"),
    (r"\bNAME\b", "Autumn"),
    (r"\bROWS\b", "2"),
    (r"resume N\b", "resume 1"),
    (r"\bCAMPAIGN\b", "1"),
    (r"…", "my own words"),
)
# Who types it, where it is not Ann
PEOPLE = (
    ("approve", "max"), ("reject", "max"), ("approvals resume", "max"), ("audit", "mia"),
    ("sending allow", "mia"), ("places", "mia"), ("settings ask", "mia"), ("tags add", "mia"),
    ("practice", "mia"), ("unknown ask", "mia"), ("operators add", "root"), ("operators review", "mia"),
    ("operators disable", "root"), ("operators secret tim", "tim"),
)  # fmt: skip
# Commands that print for others too
SHARED = {"cli/govern/confirm.py"}
# There a person must decide, and is told how
DECIDES = re.compile(r"left-unsaid|reminded-unsaid")
NO_SERVER = "no Prefect server answers"


def put_in(hint: str) -> str:
    """As a person would type it."""
    for pattern, words in PUT_IN:
        hint = re.sub(pattern, words, hint)
    return hint


def printed(result: Result) -> list[str]:
    """The commands under "Next:"."""
    return [line.strip() for line in result.stderr.splitlines() if line.startswith("  cohort ")]


def named(result: Result) -> list[str]:
    """The commands that a refusal's sentences name."""
    lines = result.output.partition("More: cohort help")[0].splitlines()
    # What stands under "Next:" is `printed`, a command a line
    said = " ".join(" ".join(line for line in lines if not line.startswith("  cohort ")).split())
    return [one.text.strip().rstrip(".") for one in named_in(said, "")]


def form(hint: str) -> str:
    """The same for every number."""
    return re.sub(r"\d+", "0", hint)


def takes(words: list[str], option: str) -> bool:
    """Whether this command has that option."""
    command = _loaded(words[0])
    for word in words[1:]:
        if word in getattr(command, "commands", {}):
            command = command.commands[word]
    return any(option in param.opts for param in command.params)


def file_of(command: str) -> str:
    """The file that the command is in: "cli/send/groups.py"."""
    return COMMANDS[command.split()[1]].where.split(":")[0].replace(".", "/") + ".py"


def people_of(home: Path) -> list[str]:
    """Who was added by now."""
    if not (home / "record.db").exists():
        return []
    with contextlib.closing(sqlite3.connect(home / "record.db")) as connection:
        rows = connection.execute("SELECT name FROM operator ORDER BY created_at, name").fetchall()
    return [name for (name,) in rows]


def reader_of(people: list[str], first: str) -> str:
    """Who looks: the one of the settings, or whoever there is that may."""
    return next((name for name in (first, "ann", "mia", "max") if name in people), "mia")


@dataclass
class Walk:
    """
    One place (a home, its settings, the files a person has), and all that was typed in any.

    done: (the file of the command that printed it, the hint)
    wrong: what was printed and did not get further
    """

    done: set[tuple[str, str]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def begin(self, office: Office, place: Path, *, reader: str = "ann") -> None:
        """From now on it is typed here; `reader`: who looks, where they were added."""
        self.office, self.place, self.reader = office, place, reader

    def type(self, command: str) -> Result:
        """Type it, as somebody who may."""
        words = shlex.split(put_in(command))[1:]
        if "--help" not in words and takes(words, "--yes"):
            words.append("--yes")
        if "--help" in words:
            return self.office.run(*words)
        new = SECRET if takes(words, "--new-password-fd") else None
        people = people_of(self.place / "home")
        self.office.looks = bool(people)
        if not (people and takes(words, "--password-fd")):
            return self.office.run(
                *words,
                new_secret=new,
                environment={"COHORT_OPERATOR": reader_of(people, self.reader)},
            )
        if "--operator" in words or not takes(words, "--operator"):
            return self.office.run(*words, secret=SECRET, new_secret=new)
        rest = " ".join(words)
        who = next((name for start, name in PEOPLE if rest.startswith(start)), "ann")
        newest = people[0] if rest.startswith("operators") else people[-1]
        return self.office.run(*words, me=who if who in people else newest, new_secret=new)

    def start(self, command: str, *, refused: bool = False) -> None:
        """Somebody types this first; what is printed is followed. The place stays as this leaves it."""
        self.done.add(("typed first", form(command)))
        told = self.type(command)
        if not (refused or self.gets_further(command, told)):
            self.wrong.append(f"{command}: {told.exit_code}: {told.output[-600:]}")
        else:
            self.follow(command, told, refused=refused)

    def follow(self, command: str, told: Result, *, refused: bool = False) -> None:
        """Type all that it has printed and that was not typed yet, and so on."""
        found = printed(told) + (named(told) if refused or told.exit_code in (3, 4) else [])
        hints = [one for one in dict.fromkeys(found) if form(one) != form(command)]
        if not (new := [one for one in hints if (file_of(command), form(one)) not in self.done]):
            return
        kept = self.place.with_name(f"{self.place.name}-{len(self.done)}")
        shutil.copytree(self.place, kept)
        for hint in new:
            if (file_of(command), form(hint)) in self.done:
                continue
            self.done.add((file_of(command), form(hint)))
            answer = self.step(hint, hints[: hints.index(hint)], kept)
            if answer is None:
                self.wrong.append(f"  printed by: {command}")
            else:
                self.follow(hint, answer)
            self.put_back(kept)
        shutil.rmtree(kept)

    def step(self, hint: str, above: list[str], kept: Path) -> Result | None:
        """Type a hint; it may also be a step after those that stand above it. None: it is refused."""
        told = self.type(hint)
        if not self.gets_further(hint, told) and above:
            self.put_back(kept)
            for one in above:
                self.type(one)
            told = self.type(hint)
        if self.gets_further(hint, told):
            return told
        self.wrong.append(f"{hint}: {told.exit_code}: {told.output[-600:]}")
        return None

    def put_back(self, kept: Path) -> None:
        """The place as it was."""
        for path in self.place.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(kept, self.place, dirs_exist_ok=True)

    @staticmethod
    def gets_further(command: str, told: Result) -> bool:
        """Done; or kept for a run, where no server answers; or a look that says that something is wrong."""
        said = " ".join(told.output.split())
        if told.exit_code in (0, 4) or NO_SERVER in said or DECIDES.search(said):
            return told.exception is None or isinstance(told.exception, SystemExit)
        # The report of a list that was refused: a person puts the list right by it
        return command.startswith("cohort server status") or "--html" in command

    def untyped(self, hints: Iterable[Named]) -> list[str]:
        """Those of the code that nothing printed here; a command's own by that command."""
        commands = {file for file, _ in self.done} - SHARED
        return [
            f"{file}: {hint.text}"
            for hint in hints
            if not any(
                re.fullmatch(pattern(hint.text), form(text))
                for by, text in self.done
                if by == (file := hint.where.split(":")[0]) or file not in commands
            )
        ]


def pattern(text: str) -> str:
    """What a hint of the code looks like once it is printed."""
    text = re.sub(r"\{\w+\}", VALUE, text)
    return re.escape(form(text)).replace(re.escape(VALUE), ".*")


def hints_of_the_code() -> list[Named]:
    """Every literal of the program that stands alone as a command."""
    return [one for one in in_code() if one.kind is Kind.HINT]

"""
One meaning a word: what people read uses no word that docs/glossary.md tells not to use.

People read the program's sentences (every string of the program, and every docstring but those of private
functions: commands and flows show theirs), the README and the pages of docs/. The table is in the glossary,
so that whoever is told of a word finds beside it the one to use.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ("clinic", "cli", "desk", "tasks", "flows", "data_checks")
PAGES = ("README.md", "docs/*.md", "docs/decisions/*.md", "docs/dev/*.md")
# What a column holds, an index says, an event is called: no sentences
VALUES = ("own text", "settled …/…", "NOT settled")
# History says what was said then, and the table itself names the words
EXEMPT = ("docs/changelog.md", "docs/glossary.md", "clinic/record/migrations/")

_TABLE = "## Words that are not used"
# Names of code, targets of links, options, a command, what a docstring calls by its name ("settled: …")
_CODE = re.compile(
    r"```|`[^`]*`|\]\([^)\s]*\)|-{2}[a-z-]+|unknown settle|^ +\w+(?=:)", re.MULTILINE
)


def not_used() -> dict[str, str]:
    """Each word that is not used, with the one to use instead: the glossary's table."""
    table = (ROOT / "docs/glossary.md").read_text().split(_TABLE)[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {word: row[1] for row in rows[1:] for word in row[0].split(", ")}


def pattern(words: dict[str, str]) -> re.Pattern[str]:
    """Whole words, however they are broken over lines; no part of a name with hyphens."""
    each = (
        r"\s+".join(map(re.escape, word.split())) for word in sorted(words, key=len, reverse=True)
    )
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(each)})(?![\w-])", re.IGNORECASE)


def _docstring(node: ast.AST) -> ast.AST | None:
    """The docstring of a private function or class: nobody but its reader sees it."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    if (
        not isinstance(node, kinds)
        or not node.name.startswith("_")
        or ast.get_docstring(node) is None
    ):
        return None
    return node.body[0].value  # type: ignore[attr-defined]  # an expression: it has a docstring


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """Each text of a module with its line; what an f-string puts in is an ellipsis."""
    tree = ast.parse(source)
    seen: set[int] = {id(found) for node in ast.walk(tree) if (found := _docstring(node))}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part for part in node.values if isinstance(part, ast.Constant)]
            seen.update(map(id, parts))
            said = (
                str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
            )
            yield node.lineno, "".join(said)
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in seen
        ):
            yield node.lineno, node.value


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """What people read of a file. A single word in the program is a code or a name, and no sentence."""
    text = path.read_text()
    if path.suffix == ".md":
        yield 1, text
        return
    yield from (
        (line, said) for line, said in sentences(text) if " " in said.strip() and said not in VALUES
    )


def wrong(texts: Iterator[tuple[int, str]], where: str, words: dict[str, str]) -> list[str]:
    """Each word that is not used, by file and line."""
    sought, found = pattern(words), []
    for first, said in texts:
        plain = _CODE.sub(lambda code: " " * len(code[0]), said)
        for hit in sought.finditer(plain):
            word = " ".join(hit[0].lower().split())
            found.append(
                f"{where}:{first + plain[: hit.start()].count(chr(10))}: {word!r}: say {words[word]}"
            )
    return found


def _files() -> list[Path]:
    program = [path for folder in PROGRAM for path in sorted((ROOT / folder).rglob("*.py"))]
    pages = [path for pages in PAGES for path in sorted(ROOT.glob(pages))]
    return [path for path in program + pages if not str(path.relative_to(ROOT)).startswith(EXEMPT)]


def test_people_read_the_words_of_their_field() -> None:
    """Every sentence of the program and of the pages, against the glossary."""
    words = not_used()
    found = [
        each for path in _files() for each in wrong(texts(path), str(path.relative_to(ROOT)), words)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('say("Mend the\\nlist")', ["x.py:1: 'mend': say fix"]),
        ('say("the "\n    "ways  out")', ["x.py:1: 'ways out': say gateway"]),
        ('say(f"{count} ways out of {all}")', ["x.py:1: 'ways out': say gateway"]),
        ('def show():\n    """How to mend it."""', ["x.py:2: 'mend': say fix"]),
        ('def _show():\n    """How to mend it."""', []),
        ('say("a recommended amendment")', []),
        ('say("see `mend it`, --mend and mend-it")', []),
    ],
)
def test_a_word_is_found_wherever_people_read_it(source: str, said: list[str]) -> None:
    """In a string, over lines, in a command's help; not in a name, nor where nobody reads it."""
    words = {"mend": "fix", "ways out": "gateway"}
    assert (
        wrong(((line, each) for line, each in sentences(source) if " " in each), "x.py", words)
        == said
    )

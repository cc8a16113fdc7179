"""Writes the files of this folder for the program as it is installed here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from clinic.errors import MendableError

_HERE: Final = Path(__file__).parent
_SUFFIXES: Final = (".service", ".yaml")
_PYTHON: Final = "PYTHON"  # in a unit: the one of the environment that the program is in


def deployment_files() -> dict[str, str]:
    """Each file's name and text: Containerfile, compose.yaml and the units."""
    paths = [_HERE / "Containerfile", *sorted(_HERE.rglob("*"))]
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths if _is_one(path)}
    return {
        name: text.replace(f"={_PYTHON} ", f"={sys.executable} ") for name, text in texts.items()
    }


def write_files(folder: Path) -> list[Path]:
    """
    Write all of them into a folder, which is made; a file that is there already stays as it is.

    Raises:
        MendableError: one is there already and says something else; nothing was written
    """
    wanted = {folder / name: text for name, text in deployment_files().items()}
    for path, text in wanted.items():
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise MendableError(
                "file-exists",
                f"{path} is there already and says something else, so nothing was written: move it away, or "
                "name another folder",
            )
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return sorted(wanted)


def _is_one(path: Path) -> bool:
    return path.name == "Containerfile" or path.suffix in _SUFFIXES

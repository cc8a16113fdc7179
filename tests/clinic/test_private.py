"""What holds patients' data is for one account, whatever was there before."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clinic.record.private import close_folder, drafts_in, open_private, sweep
from clinic.values.workbook import Workbook


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("before", [None, 0o644, 0o666, 0o600])
def test_a_file_is_closed_whatever_it_was(tmp_path: Path, before: int | None) -> None:
    path = tmp_path / "outcome.csv"
    if before is not None:
        path.write_text("an earlier and much longer one")
        path.chmod(before)
    with open_private(path) as file:
        assert mode_of(path) == 0o600  # before anything is in it
        file.write("short")
    assert path.read_text(encoding="utf-8-sig") == "short"


@pytest.mark.parametrize(("before", "told"), [(0o755, True), (0o770, True), (0o700, False)])
def test_a_folder_that_was_there_is_closed_and_told_of(
    tmp_path: Path, before: int, told: bool
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(before)
    assert close_folder(home) is told
    assert mode_of(home) == 0o700
    assert close_folder(home) is False


def test_a_device_is_written_to_as_it_is() -> None:
    before = os.stat(os.devnull).st_mode
    with open_private(Path(os.devnull)) as file:
        file.write("x")
    assert os.stat(os.devnull).st_mode == before


_KILLED = """
import os, signal, sys
from pathlib import Path
from clinic.record.private import drafts_in
from clinic.values.workbook import Workbook
def rows():
    for n in range(3000):
        yield ["07700900123"]
    print("there", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
with drafts_in(Path(sys.argv[1])) as drafts:
    with Workbook(Path(sys.argv[1]) / "report.xlsx", drafts=drafts) as book:
        book.add_sheet("Numbers", ["Number"]).write(rows())
"""


def test_drafts_of_a_killed_report_are_closed_and_do_not_outlive_it(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
    )
    assert killed.stdout == b"there\n"
    assert not list((tmp_path / "tmp").iterdir())
    left = files_of(tmp_path / "drafts")
    assert left  # what this test is about
    assert mode_of(tmp_path / "drafts") == 0o700
    with drafts_in(tmp_path) as mine:
        (mine / "draft").write_text("x")
        sweep(tmp_path)
        assert files_of(tmp_path / "drafts") == [mine / "draft"]
    assert [path.name for path in (tmp_path / "drafts").iterdir()] == [".lock"]


def files_of(folder: Path) -> list[Path]:
    """All but locks."""
    return [
        path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock")
    ]


def test_who_works_is_said_by_a_lock_on_a_file(tmp_path: Path) -> None:
    """NEW-3: the lock of a folder is known to no other machine that shares the home over NFS."""
    with drafts_in(tmp_path) as drafts:
        held = [
            path for path in (tmp_path / "drafts").iterdir() if path.is_file() and _is_locked(path)
        ]
        assert [path.name for path in held] == [f"{drafts.name}.lock"]
        assert not _is_locked(drafts)
        assert {mode_of(path) for path in held} == {0o600}


def _is_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_a_folder_that_a_program_of_before_the_upgrade_holds_stays(tmp_path: Path) -> None:
    old = tmp_path / "drafts" / "77-of-before"
    old.mkdir(parents=True)
    held = os.open(old, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    sweep(tmp_path)
    assert old.exists()
    os.close(held)
    sweep(tmp_path)
    assert not old.exists()


_WORKS = """
import os, sys
from pathlib import Path
from clinic.sources.staging import staging
with staging(Path(sys.argv[1]), "emis") as into:
    (into / "patients.csv").write_text("x")
    print(into, flush=True)
    sys.stdin.read()
    print((into / "patients.csv").exists(), flush=True)
"""


@pytest.mark.parametrize("seen_as", ["old", "of another container"])
def test_the_folder_of_a_program_that_lives_stays(tmp_path: Path, seen_as: str) -> None:
    """NEW-3: a long import's files went after a day, and at once where a container shares the home."""
    lives = subprocess.Popen(
        [sys.executable, "-c", _WORKS, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert lives.stdout
    assert lives.stdin
    folder = Path(lives.stdout.readline().strip())
    if seen_as == "old":
        os.utime(folder, (1, 1))
    else:  # there a number says nothing of who lives here
        nobody = folder.with_name(f"{2**22 + 1}-{folder.name.partition('-')[2]}")
        folder.rename(nobody)
        Path(f"{folder}.lock").rename(f"{nobody}.lock")
        folder.symlink_to(nobody)
    sweep(tmp_path)
    lives.stdin.close()
    assert lives.stdout.readline() == "True\n"
    assert lives.wait() == 0
    lives.stdout.close()


def test_what_a_killed_program_left_goes_although_its_number_is_anothers_now(
    tmp_path: Path,
) -> None:
    """The number of a process that ended is given again within hours; what it left are patients' rows."""
    lives = subprocess.Popen(
        [sys.executable, "-c", _WORKS, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert lives.stdout
    assert lives.stdin
    folder = Path(lives.stdout.readline().strip())
    lives.kill()
    lives.communicate()
    again = folder.with_name(f"{os.getpid()}-{folder.name.partition('-')[2]}")
    folder.rename(again)
    Path(f"{folder}.lock").rename(f"{again}.lock")
    sweep(tmp_path)
    assert not again.exists()


def test_a_report_leaves_no_draft(tmp_path: Path) -> None:
    with drafts_in(tmp_path) as drafts, Workbook(tmp_path / "r.xlsx", drafts=drafts) as book:
        assert book.add_sheet("Numbers", ["a"]).write([["1"], ["2"]]) == 2
    assert [path.name for path in (tmp_path / "drafts").iterdir()] == [".lock"]

"""`cohort backup` and `cohort restore` as typed: what is said, and that each hint leads on."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.record.database import Record
from tests.cli.conftest import Type


@pytest.mark.parametrize("with_settings", [True, False])
def test_a_home_that_is_lost_comes_back_as_printed(
    installed: Record, typed: Type, home: Path, config: Path, tmp_path: Path, with_settings: bool
) -> None:
    """Backup, check, restore, and what is to be typed next: nothing is sent until it is allowed."""
    file = str(tmp_path / "all.tar")
    told = typed("backup", file)
    assert (told.code, f"cohort backup check {file}" in told.err) == (0, True), told.err
    assert "audit trail is as it was written" in typed("backup", "check", file).err
    assert typed("backup", file).code == 2
    assert "not empty" in typed("restore", file).err
    installed.close()
    home.rename(tmp_path / "lost")
    before = config.read_text(encoding="utf-8")
    if not with_settings:
        config.unlink()
    told = typed("restore", file)
    assert told.code == 0, told.err
    assert config.read_text(encoding="utf-8") == before
    assert ("not the backup's" in told.err) == with_settings
    for words in ("Nothing is sent.", "Between", "--reminded-through", "cohort resume N"):
        assert words in told.err
    assert "Nothing is sent" in typed("sending", "status").err
    assert typed("audit", "verify").code == 0
    assert typed("sending", "allow", "--reason", "nothing was sent since").code == 0
    assert "Sending is allowed" in typed("sending", "status").err


def test_a_restore_that_is_refused_leaves_no_settings_file(
    typed: Type, config: Path, tmp_path: Path, installed: Record, home: Path
) -> None:
    file = str(tmp_path / "all.tar")
    assert typed("backup", file).code == 0
    config.unlink()
    assert typed("restore", file).code == 2  # the home is still there
    assert not config.exists()
    assert (home / "record.db").exists()

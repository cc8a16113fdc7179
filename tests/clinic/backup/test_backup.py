"""One file with everything, whole or not there; back again into an empty place alone, and stopped."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.backup.manifest import MANIFEST
from clinic.backup.read import check_backup, unpacked
from clinic.backup.restore import restore
from clinic.backup.upgrade import copy_before
from clinic.backup.write import write_backup
from clinic.errors import BackupRefused, NotSetUp
from clinic.govern.audit.key import unlock
from clinic.govern.audit.trail import Act, record_act, verify, write_anchor
from clinic.message.campaign.sending_stop import read_stop, stop_by_person
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.messages import campaign, installation
from clinic.settings import Settings
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients


@pytest.fixture
def here(record_url: str, tmp_path: Path, clock: FakeClock) -> Settings:
    """An installation with a trail, an anchor, a late answer, and a campaign that runs."""
    settings = Settings(
        home=tmp_path / "here", record_url=record_url, notes_folder=tmp_path / "notes"
    )
    settings.home.mkdir(mode=0o700)
    record = unlock(Record.open(record_url), settings.home)
    install(record, clock)
    add_patients(record, 20)
    add_campaign(record, clock, 20)
    with record.write() as connection:
        record_act(connection, clock, Act(operator="nia", operation_type="x", subject="settings"))
    write_anchor(record, settings.home / "audit.anchor")
    record.close()
    (settings.home / "answers").mkdir()
    (settings.home / "answers" / "late.json").write_text("{}")
    (tmp_path / "cohort.toml").write_text('operator = "nia"\n')
    return settings


@pytest.fixture
def there(elsewhere: str, tmp_path: Path) -> Settings:
    """Where nothing is."""
    home = tmp_path / "elsewhere"
    return Settings(home=home, record_url=elsewhere, notes_folder=tmp_path / "other-notes")


def take(settings: Settings, clock: FakeClock, name: str = "b.tar") -> Path:
    folder = settings.home.parent
    return write_backup(settings, clock, folder / name, folder / "cohort.toml")


def put_back(backup: Path, settings: Settings, clock: FakeClock) -> None:
    with unpacked(backup, backup.parent) as (parts, manifest):
        restore(settings, clock, parts, manifest)


def test_what_is_put_back_is_what_was_there_and_is_stopped(
    here: Settings, there: Settings, clock: FakeClock
) -> None:
    """The trail holds under its key and anchor, which goes on; the campaign is held."""
    backup = take(here, clock)
    assert backup.stat().st_mode & 0o777 == 0o600
    check_backup(backup)
    put_back(backup, there, clock)
    for name in ("audit.key", "answers/late.json"):
        assert (there.home / name).read_bytes() == (here.home / name).read_bytes()
        assert (there.home / name).stat().st_mode & 0o077 == 0
    assert there.home.stat().st_mode & 0o077 == 0
    record = unlock(Record.open(there.database_url), there.home)
    found = verify(record, there.home / "audit.anchor")
    assert (found.first_fault, found.keyed) == (None, True)
    assert write_anchor(record, there.home / "audit.anchor")
    with record.read() as connection:
        assert connection.scalar(sa.select(campaign.c.state)) == "held"
        stop = read_stop(connection)
    assert stop is not None
    assert stop.code == "database-restored"
    record.close()
    # Nothing is left lying about, and nothing was taken from the one that was copied
    assert {p.name for p in here.home.parent.iterdir() if p.name.startswith(".")} == set()
    with pytest.raises(BackupRefused, match="restore-not-empty"):
        put_back(backup, there, clock)


def test_one_that_was_stopped_by_a_person_is_held_all_the_same(
    here: Settings, there: Settings, clock: FakeClock
) -> None:
    record = unlock(Record.open(here.database_url), here.home)
    stop_by_person(record, clock, by="nia", reason="the wrong text")
    record.close()
    put_back(take(here, clock), there, clock)
    record = Record.open(there.database_url)
    with record.read() as connection:
        assert connection.scalar(sa.select(campaign.c.state)) == "held"
        assert connection.scalar(sa.select(installation.c.stopped_code)) == "database-restored"
    record.close()


def test_neither_a_home_nor_a_database_that_is_used_is_written_to(
    here: Settings, there: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    backup = take(here, clock)
    used = there.model_copy(update={"record_url": here.record_url})
    with pytest.raises(BackupRefused, match="restore-not-empty"):
        put_back(backup, used, clock)
    assert not there.home.exists()
    other = f"sqlite:///{tmp_path}/x.db" if "postgresql" in here.record_url else "postgresql://h/x"
    with pytest.raises(BackupRefused, match="restore-database"):
        put_back(backup, there.model_copy(update={"record_url": other}), clock)
    there.home.mkdir()
    (there.home / "something").touch()
    with pytest.raises(BackupRefused, match="restore-not-empty"):
        put_back(backup, there, clock)
    assert os.listdir(there.home) == ["something"]


def spoil(backup: Path, to: Path, **changed: bytes) -> Path:
    """The same file with some parts changed; b"" leaves one out."""
    folder = to.with_suffix("")
    with tarfile.open(backup) as archive:
        names = archive.getnames()
        archive.extractall(folder, filter="data")
    with tarfile.open(to, "w") as archive:
        for name in names:
            if name in changed:
                (folder / name).write_bytes(changed[name])
            if changed.get(name) != b"":
                archive.add(folder / name, name)
    return to


def test_a_file_that_is_not_what_was_written_is_refused(
    here: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    backup = take(here, clock)
    manifest = json.loads(read_part(backup, MANIFEST))
    newer = json.dumps(manifest | {"record_version": "9041", "cohort": "7.0"}).encode()
    older = json.dumps(manifest | {"record_version": "0032"}).encode()
    table = {
        "a": (spoil(backup, tmp_path / "a.tar", record=b"SQLite format 3\0"), "record is not"),
        "b": (spoil(backup, tmp_path / "b2.tar", **{"audit.key": b""}), "audit.key is not"),
        "c": (spoil(backup, tmp_path / "c.tar", **{MANIFEST: b"{}"}), "manifest"),
        "d": (spoil(backup, tmp_path / "d.tar", **{MANIFEST: newer}), r"newer Cohort \(7.0"),
        "g": (spoil(backup, tmp_path / "g.tar", **{MANIFEST: older}), "version 0032"),
    }
    cut = tmp_path / "cut.tar"
    cut.write_bytes(backup.read_bytes()[:20_000])
    table["e"] = (cut, "backup-damaged")
    (tmp_path / "f.tar").write_text("a letter")
    table["f"] = (tmp_path / "f.tar", "no backup")
    for file, says in table.values():
        with pytest.raises(BackupRefused, match=says):
            check_backup(file)


def read_part(backup: Path, name: str) -> bytes:
    with tarfile.open(backup) as archive:
        part = archive.extractfile(name)
        assert part is not None
        return part.read()


def test_nothing_is_written_over_and_a_folder_gets_a_dated_file(
    here: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    first = take(here, clock)
    before = first.read_bytes()
    with pytest.raises(BackupRefused, match="backup-exists"):
        take(here, clock)
    assert first.read_bytes() == before
    with pytest.raises(BackupRefused, match="backup-folder"):
        write_backup(here, clock, tmp_path / "none" / "x.tar", None)
    (tmp_path / "all").mkdir()
    dated = write_backup(here, clock, tmp_path / "all", None)
    assert dated.name == "cohort-20260302-100000.tar"
    with tarfile.open(dated) as archive:
        assert "cohort.toml" not in archive.getnames()
    nothing = here.model_copy(update={"record_url": f"sqlite:///{tmp_path}/no.db"})
    with pytest.raises(NotSetUp):
        write_backup(nothing, clock, tmp_path / "x.tar", None)
    assert not (tmp_path / "no.db").exists()


def test_before_an_upgrade_the_record_is_copied_and_two_copies_are_kept(
    here: Settings, clock: FakeClock
) -> None:
    record = Record.open(here.database_url)
    assert copy_before(record, here, clock) is None
    with record.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0009'"))
    kept = []
    for _ in range(3):
        path = copy_before(record, here, clock)
        assert path is not None
        kept.append(path.name)
        assert path.stat().st_mode & 0o777 == 0o600
        clock.sleep(60)
    record.close()
    assert sorted(os.listdir(here.home / "before-upgrade")) == kept[1:]

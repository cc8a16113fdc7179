"""NEW-40: how an installation is kept: who can read it, what is encrypted, what cannot be seen."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clinic.health.doctor import examine
from clinic.health.facts import RecordFacts, Unusable
from clinic.health.machine import Machine, open_to_others
from clinic.settings import Settings
from clinic.values.purposes import PURPOSES

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
FRESH = RecordFacts(created_at=NOW, backup_at=NOW, backup_checked_at=NOW)
AHEAD = RecordFacts(created_at=NOW, latest=NOW + timedelta(hours=1), backup_at=NOW)
GOOD: dict[str, Any] = {
    "sms": {
        "url": "https://sms.example.org", "gateway_class": "B",
        "processor": {
            "company": "Texts Ltd", "country": "IE", "contract": "C-7", "keeps": "texts, 7 days",
        },
    },
    "organisation": {"codes": ["W97000"]},
    "purposes": {name: {"owner": "the manager", "review_by": "2027-03-31"} for name in PURPOSES},
}  # fmt: skip


class Seen(Machine):
    """A machine that says what it is told to."""

    def __init__(self, *, encrypted: bool | None = True, synchronised: bool | None = True) -> None:
        self._encrypted, self._synchronised = encrypted, synchronised

    def is_encrypted(self, folder: Path) -> bool | None:
        return self._encrypted

    def is_synchronised(self) -> bool | None:
        return self._synchronised


def kept(
    home: Path, values: dict[str, Any], record: RecordFacts | Unusable = FRESH,
    machine: Machine | None = None, files: tuple[Path, ...] = (),
) -> dict[str, str]:  # fmt: skip
    """What is not good, and how it stands."""
    home.mkdir(mode=0o700, exist_ok=True)
    settings = Settings(home=home, notes_folder=home / "none", **values)
    found = examine(settings, files, record, NOW, machine or Seen(), "cohort 1")
    assert [one.subject for one in found if one.stands != "good" and not one.do] == []
    return {one.subject: one.stands for one in found if one.stands != "good"}


def test_where_all_is_well_nothing_is_said_to_be_wrong(tmp_path: Path) -> None:
    assert kept(tmp_path / "home", GOOD) == {}


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ({"record_url": "postgresql://c@db.example.org/x"}, "record"),
        ({"email": {"host": "mail.example.org", "tls": "none"}}, "e-mail"),
        ({"sms": GOOD["sms"] | {"url": "http://sms.example.org"}}, "texts"),
        ({"sms": GOOD["sms"] | {"processor": {"company": "Texts Ltd"}}}, "processor of sms"),
        (
            {"sms": GOOD["sms"] | {"processor": GOOD["sms"]["processor"] | {"country": "US"}}},
            "processor of sms",
        ),
        ({"purposes": {}}, "purposes"),
        ({"organisation": {}}, "controller"),
        (
            {"purposes": GOOD["purposes"] | {"recall": {"owner": "x", "review_by": "2026-03-01"}}},
            "purposes",
        ),
    ],
)
def test_what_is_missing_in_the_settings_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], subject: str
) -> None:
    monkeypatch.delenv("PGSSLMODE", raising=False)
    assert kept(tmp_path / "home", GOOD | change).get(subject) == "wrong"


@pytest.mark.parametrize(
    ("record", "machine", "expected"),
    [
        (FRESH, Seen(encrypted=None), {"disk encryption": "unseen"}),
        (FRESH, Seen(encrypted=False), {"disk encryption": "wrong"}),
        (FRESH, Seen(synchronised=False), {"clock": "unseen"}),
        (FRESH, Seen(synchronised=None), {}),
        (AHEAD, Seen(), {"clock": "wrong"}),
        (RecordFacts(created_at=NOW - timedelta(days=9)), Seen(), {"backup": "wrong"}),
        (RecordFacts(created_at=NOW), Seen(), {"backup": "wrong"}),
        (Unusable("record-version", "older"), Seen(), {"record": "wrong"}),
    ],
)  # fmt: skip
def test_what_machine_and_record_know_is_said(
    tmp_path: Path, record: RecordFacts | Unusable, machine: Machine, expected: dict[str, str]
) -> None:
    assert kept(tmp_path / "home", GOOD, record, machine) == expected


def test_files_that_others_can_read_are_named(tmp_path: Path) -> None:
    """A file below a folder that nobody else can enter is read by nobody else."""
    home, settings = tmp_path / "home", tmp_path / "cohort.toml"
    settings.write_text("")
    settings.chmod(0o640)
    assert kept(home, GOOD, files=(settings,)) == {"settings": "wrong"}
    (home / "record.db").write_text("")
    (home / "record.db").chmod(0o644)
    assert list(open_to_others(home)) == []
    home.chmod(0o750)
    assert list(open_to_others(home)) == [home, home / "record.db"]
    assert "home" in kept(home, GOOD)


def machine_with(
    root: Path, uuid: str | None, *, kind: str = "ext4", virtual: bool = False
) -> Machine:
    """A machine whose disk 253:1 lies on 253:0; `uuid` of that one."""
    (root / "proc" / "self").mkdir(parents=True)
    lines = [
        f"1 0 8:1 / / rw - {kind} /dev/x rw",
        f"2 1 253:1 / {os.path.realpath(root)}/home rw - {kind} /dev/y rw",
    ]
    (root / "proc" / "self" / "mountinfo").write_text("\n".join(lines) + "\n")
    (root / "proc" / "cpuinfo").write_text("flags : fpu" + (" hypervisor" if virtual else ""))
    if uuid is not None:
        upper, lower = (root / "sys" / "dev" / "block" / number for number in ("253:1", "253:0"))
        (upper / "slaves").mkdir(parents=True)
        (lower / "dm").mkdir(parents=True)
        (lower / "dm" / "uuid").write_text(uuid + "\n")
        (upper / "slaves" / "dm-0").symlink_to(lower)
    return Machine(root)


@pytest.mark.parametrize(
    ("uuid", "kind", "virtual", "encrypted"),
    [
        ("CRYPT-LUKS2-abc-home", "ext4", False, True),
        ("CRYPT-LUKS2-abc-home", "ext4", True, True),
        ("LVM-abc", "ext4", False, False),
        ("LVM-abc", "ext4", True, None),  # its host may encrypt
        (None, "overlay", False, None),
        (None, "ecryptfs", False, True),
        ("CRYPT-VERITY-abc-root", "ext4", False, False),  # checks what is read, and hides nothing
        ("LVM-abc", "zfs", False, None),  # by itself, and its program is not here
        ("LVM-abc", "nfs4", False, None),  # another machine's
    ],
)
def test_encryption_is_seen_below_a_volume_and_never_guessed(
    tmp_path: Path, uuid: str | None, kind: str, virtual: bool, encrypted: bool | None
) -> None:
    (tmp_path / "home" / "exports").mkdir(parents=True)
    machine = machine_with(tmp_path, uuid, kind=kind, virtual=virtual)
    assert machine.is_encrypted(tmp_path / "home" / "exports") is encrypted


def test_this_machine_is_looked_at_without_rights(tmp_path: Path) -> None:
    assert Machine().is_encrypted(tmp_path) in (True, False, None)
    assert Machine().is_synchronised() in (True, False, None)

"""
How well an installation is kept: who can read its files, what is encrypted, clock, versions, backups.

`cohort health` says what goes wrong now; this says what would be asked at an inspection, and what to do. It
changes nothing, opens no gateway and sends nothing. What cannot be seen from here is said to be so, and is
for a person to confirm.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from sqlalchemy.engine import make_url

from clinic.gateway.processors import processors_of
from clinic.health.facts import RecordFacts, Unusable
from clinic.health.judge import judge_kept
from clinic.health.machine import Machine, open_to_others
from clinic.record.server.remote import fault_of, is_here
from clinic.record.sqlite import library
from clinic.record.version import current
from clinic.settings import Settings
from clinic.settings.gateways.relay import Relay
from clinic.values.purposes import PURPOSES

Stands = Literal["good", "unseen", "wrong"]
_NAMED: Final = 5


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. unseen: it cannot be seen from here."""

    subject: str
    stands: Stands
    says: str
    do: str = ""


def examine(
    settings: Settings,
    files: tuple[Path, ...],
    record: RecordFacts | Unusable,
    now: datetime,
    machine: Machine,
    versions: str,
) -> list[Check]:
    """
    Everything that is looked at, in the order of the table.

    Args:
        files: the settings files that were read
        versions: of the program and what it runs on, in a line
    """
    return [
        *_permissions(settings, files),
        *_disks(settings, machine),
        *_in_transit(settings),
        *_processors(settings),
        *_kept(settings, record, now, machine),
        Check("versions", "good", versions),
        *_purposes(settings, now),
        *_controller(settings),
    ]


def versions_of(url: str) -> str:
    """The program and what it runs on, in a line."""
    parts = [f"cohort {version('cohort')}", f"Python {platform.python_version()}"]
    if make_url(url).get_backend_name() == "sqlite":
        parts.append(f"SQLite {library().sqlite_version}")
    else:
        parts.append("PostgreSQL")
    return ", ".join([*parts, f"record {current()}", platform.platform(terse=True)])


def _permissions(settings: Settings, files: tuple[Path, ...]) -> Iterator[Check]:
    for subject, paths in (
        ("home", (settings.home,) if settings.home.exists() else ()),
        (
            "notes outside the home",
            (settings.notes_folder,) if settings.notes_folder.exists() else (),
        ),
        ("settings", files),
    ):
        found = [path for top in paths for path in open_to_others(top)]
        if not paths:
            continue
        if not found:
            yield Check(subject, "good", "only this account can read it")
            continue
        named = ", ".join(str(path) for path in found[:_NAMED])
        more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
        yield Check(
            subject, "wrong", f"other accounts can read {named}{more}", f"chmod -R go-rwx {paths[0]}"
        )  # fmt: skip


def _disks(settings: Settings, machine: Machine) -> Iterator[Check]:
    seen = machine.is_encrypted(settings.home)
    if seen is None:
        yield Check(
            "disk encryption", "unseen", "whether the disk of the home is encrypted cannot be seen from here",
            "have whoever runs the machine confirm it: LUKS, BitLocker, FileVault, or the provider's disks",
        )  # fmt: skip
    elif seen:
        yield Check("disk encryption", "good", "the disk of the home is encrypted")
    else:
        yield Check(
            "disk encryption", "wrong", "the disk of the home is not encrypted",
            "put the home on an encrypted disk (LUKS): cohort practice move",
        )  # fmt: skip


def _in_transit(settings: Settings) -> Iterator[Check]:
    if is_here(settings.database_url):
        yield Check("record", "good", "the database is on this machine")
    elif says := fault_of(settings.database_url):
        yield Check("record", "wrong", says, "record_url: sslmode=verify-full and sslrootcert")
    else:
        yield Check("record", "good", "the database on another machine is reached by verified TLS")
    if settings.email.host:
        if settings.email.clear_to_another:
            yield Check(
                "e-mail", "wrong", f"mail to {settings.email.host} is not encrypted (email.tls = \"none\")",
                'email.tls = "starttls" or "implicit"',
            )  # fmt: skip
        else:
            yield Check("e-mail", "good", f"mail to {settings.email.host}: {settings.email.tls}")
    if settings.sms.url:
        secure = settings.sms.url.startswith("https://")
        says = f"the gateway is reached at {settings.sms.url.split('?')[0]}"
        if secure:
            yield Check("texts", "good", says)
        else:
            yield Check("texts", "wrong", says, "sms.url: an address with https://")
    for name, one in sorted(settings.gateways.items()):
        if one.reached.startswith("http://"):
            says = f"the gateway {name} is reached at {one.reached}, in clear"
            yield Check(f"gateway {name}", "wrong", says, f"gateways.{name}.url: with https://")
        elif isinstance(one, Relay) and one.clear_to_another:
            says = f'mail to {one.host} is not encrypted (gateways.{name}.tls = "none")'
            yield Check(f"gateway {name}", "wrong", says, 'tls = "starttls" or "implicit"')
        else:
            yield Check(f"gateway {name}", "good", f"it is reached at {one.reached}")


def _processors(settings: Settings) -> Iterator[Check]:
    for one in processors_of(settings):
        subject = f"processor of {one.section}"
        if one.fault:
            yield Check(subject, "wrong", one.fault, f"[{one.section}.processor] in cohort.toml")
        else:
            yield Check(subject, "good", one.says)


def _kept(
    settings: Settings, record: RecordFacts | Unusable, now: datetime, machine: Machine
) -> Iterator[Check]:
    if isinstance(record, Unusable):
        yield Check("record", "wrong", record.says, f"cohort help {record.code}")
        return
    found = judge_kept(record, now, settings.health)
    backup = [one for one in found if one.code.startswith("backup-")]
    clock = [one for one in found if one.code == "clock-off"]
    if backup:
        yield from (Check("backup", "wrong", one.says, one.do) for one in backup)
    elif not settings.health.backup_hours:
        yield Check(
            "backup", "unseen", "copies are made in another way", "have a restore of one tried"
        )
    elif record.backup_at is None:
        yield Check("backup", "wrong", "no backup was made yet", "cohort backup FOLDER")
    else:
        yield Check("backup", "good", f"the last is of {record.backup_at:%-d %b %Y %H:%M} UTC")
    if clock:
        yield from (Check("clock", "wrong", one.says, one.do) for one in clock)
    elif machine.is_synchronised() is False:
        yield Check(
            "clock", "unseen", "it agrees with the record's, and nothing on this machine keeps it right",
            "timedatectl set-ntp true; or have whoever runs the machine confirm that its host does",
        )  # fmt: skip
    else:
        yield Check("clock", "good", "it agrees with the record's")


def _purposes(settings: Settings, now: datetime) -> Iterator[Check]:
    nobody = [name for name in PURPOSES if not settings.purposes.of(name).owner]
    over = [
        name
        for name in PURPOSES
        if (day := settings.purposes.of(name).review_by) is not None and day < now.date()
    ]
    if nobody:
        yield Check(
            "purposes",
            "wrong",
            f"nobody answers for {', '.join(nobody)}",
            "purposes.care.owner, and so on",
        )
    if over:
        says = f"the review of {', '.join(over)} is overdue"
        yield Check("purposes", "wrong", says, "cohort purposes, then review_by")
    if not nobody and not over:
        yield Check("purposes", "good", "each has an owner, and no review is overdue")


def _controller(settings: Settings) -> Iterator[Check]:
    """One controller, one installation."""
    if codes := settings.organisation.codes:
        yield Check("controller", "good", f"patients of {', '.join(codes)} alone are imported")
    else:
        yield Check(
            "controller", "wrong", "any organisation's patients would be imported",
            'organisation.codes = ["W97000"], the codes of the controller whose installation this is',
        )  # fmt: skip

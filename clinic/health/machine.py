"""What can be seen of this machine without rights that the account has not: its disks, clock and files."""

from __future__ import annotations

import ctypes
import ctypes.util
import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from clinic.record.private import OWNER_ONLY

# File systems that encrypt what is written to them
_ENCRYPTING: Final = frozenset({"ecryptfs", "fuse.gocryptfs", "fuse.encfs", "fuse.cryfs"})
# File systems that may encrypt by themselves, or lie on another machine: their device tells nothing
_OF_ITSELF: Final = frozenset(
    "zfs overlay tmpfs ramfs nfs nfs4 cifs smb3 ceph glusterfs 9p virtiofs fuse fuse.sshfs".split()
)
# Device-mapper kinds that check what is read, and encrypt nothing
_NO_CIPHER: Final = ("CRYPT-VERITY", "CRYPT-INTEGRITY")
# FS_IOC_GET_ENCRYPTION_POLICY_EX, of linux/fscrypt.h: the size of the answer, then the policy
_POLICY: Final = 0xC0096616
_POLICY_BYTES: Final = 24
_SECONDS: Final = 5.0
# adjtimex(2): modes 0 asks and changes nothing; 5: the clock is not synchronised
_TIMEX_BYTES: Final = 512
_NOT_SYNCHRONISED: Final = 5
_MOST: Final = 100_000  # files looked at; a home with more is looked at so far


def open_to_others(top: Path) -> Iterator[Path]:
    """What at or below `top` another account may read or change; nothing below a folder closed to them."""
    if top.is_symlink() or not top.exists():
        return
    mode = stat.S_IMODE(top.stat().st_mode)
    if not mode & OWNER_ONLY:
        return  # whoever cannot enter it reaches nothing in it
    yield top
    if top.is_dir():
        for count, path in enumerate(sorted(top.rglob("*"))):
            if count >= _MOST:
                return
            if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & OWNER_ONLY:
                yield path


class Machine:
    """This machine. `root`: below which /proc and /sys are, another one in a test."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def is_encrypted(self, folder: Path) -> bool | None:
        """Whether the disk of a folder is encrypted by this machine; None: that cannot be seen."""
        device = self._mounted(folder)
        if device is None:
            return None
        number, kind, source = device
        if kind in _ENCRYPTING or has_policy(folder):
            return True
        if kind == "zfs":
            return self._zfs(source)
        if kind in _OF_ITSELF:
            return None
        block = self._root / "sys" / "dev" / "block" / number
        if not block.exists():
            return None  # a container's layers, a network's disk: encrypted elsewhere, or not
        kinds = [self._uuid(each) for each in _below(block)]
        if any(one.startswith("CRYPT-") and not one.startswith(_NO_CIPHER) for one in kinds):
            return True
        # What a virtual machine's host does with its disks is not to be seen in it
        return None if self._is_virtual() else False

    def is_synchronised(self) -> bool | None:
        """Whether something keeps the clock right, as the kernel says; None: it does not say."""
        try:
            library = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
            state = library.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        except (OSError, AttributeError, TypeError):
            return None
        return None if state < 0 else state != _NOT_SYNCHRONISED

    def _zfs(self, dataset: str) -> bool | None:
        """As its own program says; None: it is not there, or says nothing."""
        try:
            told = subprocess.run(
                ["zfs", "get", "-H", "-o", "value", "encryption", dataset],
                capture_output=True, text=True, timeout=_SECONDS, check=True,
            ).stdout.strip()  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            return None
        return None if told in ("", "-") else told != "off"

    def _mounted(self, folder: Path) -> tuple[str, str, str] | None:
        """The device's number, the kind of the file system that a folder is on, and its source."""
        table = self._root / "proc" / "self" / "mountinfo"
        there = os.path.realpath(folder)
        best: tuple[int, str, str, str] | None = None
        try:
            lines = table.read_text(encoding="utf-8").splitlines()
        except OSError:
            return None
        for line in lines:
            fields, _, rest = line.partition(" - ")
            words = fields.split()
            point = words[4].encode().decode("unicode_escape")
            if there == point or there.startswith(point.rstrip("/") + "/"):
                if best is None or len(point) >= best[0]:
                    best = (len(point), words[2], *_kind_and_source(rest))
        return None if best is None else best[1:]

    def _uuid(self, block: Path) -> str:
        try:
            return (block / "dm" / "uuid").read_text(encoding="ascii").strip()
        except OSError:
            return ""

    def _is_virtual(self) -> bool:
        try:
            flags = (self._root / "proc" / "cpuinfo").read_text(encoding="utf-8")
        except OSError:
            return True
        return " hypervisor" in flags


def _kind_and_source(rest: str) -> tuple[str, str]:
    kind, source, *_ = [*rest.split(), "", ""]
    return kind, source


def has_policy(folder: Path) -> bool:
    """Whether files of a folder are encrypted one by one (fscrypt: ext4, f2fs, ubifs, ceph)."""
    there = next((each for each in (folder, *folder.parents) if each.is_dir()), None)
    if there is None:
        return False
    asked = bytearray(_POLICY_BYTES.to_bytes(8, sys.byteorder) + bytes(_POLICY_BYTES))
    try:
        opened = os.open(there, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.ioctl(opened, _POLICY, asked)
    except OSError:  # it has none, or this file system knows of none
        return False
    finally:
        os.close(opened)
    return True


def _below(block: Path) -> Iterator[Path]:
    """A device and those that it lies on: a volume on an encrypted one is encrypted."""
    yield block
    slaves = block / "slaves"
    for each in sorted(slaves.iterdir()) if slaves.is_dir() else ():
        yield from _below(each.resolve())

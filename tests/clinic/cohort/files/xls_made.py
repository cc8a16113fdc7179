"""
Workbooks of before 2007 (.xls) for tests.

`RECALL` was written by xlwt 1.3.0 (compressed, base64): sheets "before" (hidden), "Recall" and "after". In
"Recall" a title, the heading in row 2, patients in rows 3 to 5 of whom row 4 is hidden, column F hidden,
ids shown as 000000, dates, times, pounds, a fraction, and a formula (L3) that was never computed.
The rest is made of its records, or of a container of our own.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

_HEADER = 512
BOUNDSHEET, DEFAULT_ROW_HEIGHT, CODEPAGE, FILEPASS, BOF, EOF = 0x85, 0x225, 0x42, 0x2F, 0x809, 0x0A

RECALL = zlib.decompress(
    base64.b64decode(
        """
        eNrtWltsFFUY/s/M7L3tbu+0lO3Q2gul0hYeoBrY0qKogabSGE016m53Sjfs7MqyGmqiotj4YEwMJiaALyheeMHLg5eoib6I
        D0SImhhJSFpMfPHJRBMfoOt3zlxocU9CDZCUzD+ZM+e/nP/85z///OecyZw/Vz134uPmeboGtpFKC6UQ+RfRGO5qB4kR+KUS
        rzpPkKjkwYqCUBCz5vfRl5VnA3wO+XzPk0Ifad+iJLqE+zF6ikbzOUO/hTAsbEgybsNW5kfsKYjIt1BWUZOwrEaUk6KsFeWH
        QvorUQ4Jymui3ArZOTZB5xKjPVvsSH5EaRO8KpSMPhNtLgjKANXT9zySX3idWbI+2l7IJLMew2N4jNuGEdcq6CQh6e00ckaB
        4xF6l+e/fgFxLUrvUZgone4zzb4ZQFwL0/toTtPTd5lmXIvRBxQhanunrb23vb1/A29UT6f4OpjWTdPUeSNdCM9RHVSfpL9L
        OtFfzhr6je7Rby2dEej/LKUHJPQgqOXoIYRJOXpYoieCOCpHr8BSU45eKdFTheArR48iDMvRYxI91QjRcvQaWFSOXivxQ53E
        D/WSfhskfmiU+GGVRE+TxA/NEj+sluhpkfhhjcQPcYkfWiV+0CX9rpX4oU3ih3aJnjskfuiQ+KFToqdL4ofuMn54Q9GIDlHp
        Sca3TbOIyeMRnlP9lDKm8gWDU2orrY3kHmMymc3OIp4PilODj5JTRaNwmdayVUAbcSO9jt43ro8+baaMApDBwUGee/EAd/uB
        4rSZ1AtCTa8+mn/GsMXGksWMkSvq9++ANaNJ00CPO5JFQ89P6cOZQnEaWXx3PpXJGkjvI3nThDDMHMlmcplJvZgxDQiMTCcL
        ey2B3AEIQNW4YeTw2GVMFa8a0z+wJUxsnDLYC+fgjl2sSHkycUNl/+bNMFdIRYly+aIOL+gTRspIG4ZKNJxPLZHaiI6nM+m0
        kcNWc2RmCW9TEGtRwTCKmdxedE/W1jy2ZGteKbarFSjTeO95vVpsWmPIVpdP/fnj7tRY4glBOQSKc2jr4LNGJXqRt0DjKsFR
        XH6PqK8X5UtC62pRbxZlHWYOz86xerty72Eh87LgdqKfTQJ+SnQtqnejPvvHg5/HZ39LrEP99M75Z+tO/5I4gTgPwXomrsPU
        y3rZsaMcvkg4T2Zv7i+Ksuk/G/2gErNtL9kn0yhd4cHkHlC5BCsjYR1heblNqaFPhQuGFh1xb6Tf2TV+fw7tfbiORKLCAmce
        fKKsuO3mQVk0DxVl54GDhXF/qi6mANNcTAXmczENmN/FfMACLuYHFnSxALCQiwWBhV0sBCziYmFgFS4WAdZg266Usd06fPIk
        97wSFjNQS0cY2TxFrNQOT8Vq+MAPzOZp0BslR9KHFMj9pyr8EOrHeveQgF8TVtsAPP5qLeJDCQILIgqYLRtCXJzZ33Lmk7d/
        H7Jkw1jNHlV4rHYAi9je5J9jLNOj1BggOy01MjoY5IPjIhF7cDoGx5Vz2hrc57PHjivDXLmKbuP0pj1AFepbxdRZPBUZceJu
        ZvM0LG415Ej6EGK19gBVmNZOhRZu9qWE1TaAJYy7ig9QxQA7XNkQwpnDWXuAKvR1iWnndmuL7Cbbbk7r5i+k6ditwe51dEG3
        rNFgdw+mxrJbg8b19F2jw9OoFxMFZYofdR/daev00wYSJu/PJixKgPqoVbxPFxPcbg1296OnrzFuDXYP0OM/K7SRXlF5MhFJ
        hm5ekiFpcr8KKy2pyH3mgQceeOCBBx544IEHHnjgwf8HZn8I5Od+zf4Yxc+i/FDKz5gh++wVsT9R8c8eVeKDgvXfxxXcC95v
        FCsW9lAeV5F0uodyeBZoZlnx00A+5uhi19nG+V+Iw8PovUD7KCXs2Lfs+K0hhS0ez3U31G/cK7Tc/heWY+dN7v9f9kW4DQ==
        """
    )
)


def stream() -> bytes:
    """The records of the workbook, without their container."""
    last = max(at for at, code, _ in records(RECALL[_HEADER:]) if code == EOF)
    return RECALL[_HEADER : _HEADER + last + 4]


def records(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Where each record is, its code and its length."""
    at = 0
    while at + 4 <= len(content):
        code, length = struct.unpack_from("<HH", content, at)
        if not code:
            return
        yield at, code, length
        at += 4 + length


def record(code: int, data: bytes) -> bytes:
    """A record of a workbook."""
    return struct.pack("<HH", code, len(data)) + data


def patched(code: int, change: Callable[[bytearray, int], None]) -> bytes:
    """The workbook with every record of this code changed; `change` is given where its data begins."""
    content = bytearray(RECALL)
    found = [at for at, one, _ in records(RECALL[_HEADER:]) if one == code]
    assert found
    for at in found:
        change(content, _HEADER + at + 4)
    return bytes(content)


def with_records(*, of_book: bytes = b"", of_sheet: bytes = b"") -> bytes:
    """The workbook with more records at the start of its contents, and of the sheet "Recall"."""
    old = stream()
    starts = [at for at, code, _ in records(old) if code == BOF]
    first, recall = (
        at + 4 + length for at, _, length in records(old) if at in (starts[0], starts[2])
    )
    new = bytearray(old[:first] + of_book + old[first:recall] + of_sheet + old[recall:])
    for at, code, _ in list(records(bytes(new))):
        if code == BOUNDSHEET:
            (offset,) = struct.unpack_from("<i", new, at + 4)
            moved = offset + len(of_book) + (len(of_sheet) if offset > starts[2] else 0)
            struct.pack_into("<i", new, at + 4, moved)
    return container(Workbook=bytes(new))


def container(**streams: bytes) -> bytes:
    """An OLE2 file of these streams (or empty storages), at most three."""
    chains: list[list[int]] = []
    sectors: list[bytes] = []
    for content in streams.values():
        padded = content.ljust(4096, b"\0") + b"\0" * (-max(len(content), 4096) % 512)
        chains.append(list(range(len(sectors), len(sectors) + len(padded) // 512)))
        sectors += [padded[i : i + 512] for i in range(0, len(padded), 512)]
    directory = len(sectors)
    sectors.append(_directory(streams, chains))
    tables = -(-(len(sectors) + 4) // 128)
    links = [-1] * (tables * 128)
    for chain in chains:
        for one, following in zip(chain, [*chain[1:], -2], strict=True):
            links[one] = following
    links[directory] = -2
    places = list(range(directory + 1, directory + 1 + tables))
    for place in places:
        links[place] = -3
    table = struct.pack(f"<{len(links)}i", *links)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    head += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<8i", 0, tables, directory, 0, 4096, -2, 0, -2)
    head += struct.pack("<i109i", 0, *places, *[-1] * (109 - tables))
    return head + b"".join(sectors) + table


def _directory(streams: dict[str, bytes], chains: list[list[int]]) -> bytes:
    entries = [_entry("Root Entry", 5, child=1, right=-1, first=-2, size=0)]
    for number, (name, chain) in enumerate(zip(streams, chains, strict=True), 1):
        right = number + 1 if number < len(streams) else -1
        entries.append(
            _entry(name, 2, child=-1, right=right, first=chain[0], size=len(chain) * 512)
        )
    return b"".join(entries).ljust(512, b"\0")


def _entry(name: str, kind: int, *, child: int, right: int, first: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    head = text.ljust(64, b"\0") + struct.pack("<HBB3i", len(text), kind, 1, -1, right, child)
    return head.ljust(116, b"\0") + struct.pack("<iii", first, size, 0)


def written(path: Path, content: bytes) -> Path:
    """The file."""
    path.write_bytes(content)
    return path

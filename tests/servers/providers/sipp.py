"""The other side of a call: the real sipp, on loopback, by scenarios that are put together here."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WHY_NOT = "NOT TESTED: calls by SIP. sipp is not installed, or we are not root: apt-get install sip-tester"
_SAME = (
    "[last_Via:]\n[last_From:]\n[last_To:];tag=sipp[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n"
)
_CONTACT = "Contact: <sip:callee@[local_ip]:[local_port];transport=[transport]>\n"
_SDP = """\
Content-Type: application/sdp
Content-Length: [len]

v=0
o=callee 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
"""
_NO_BODY = "Content-Length: 0\n\n"
_BEGIN = """\
<?xml version="1.0" encoding="UTF-8"?>
<scenario name="callee">
<recv request="OPTIONS" optional="true" next="9"/>
<recv request="INVITE"><action>
<ereg regexp="&lt;(sip:[^&gt;]*)&gt;" search_in="hdr" header="Contact:" assign_to="1,2"/>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="3"/>
<ereg regexp=".*" search_in="hdr" header="To:" assign_to="4"/>
</action></recv>
"""
_END = """\
<nop next="10"/>
<label id="9"/>
{options}
<label id="10"/>
<nop/>
<Reference variables="1,2,3,4"/>
</scenario>
"""
ACK = '<recv request="ACK"/>\n'


def answer(line: str, *, more: str = "", sdp: bool = False) -> str:
    """A response; a final one is sent until it is acknowledged."""
    again = ' retrans="500"' if int(line.split()[0]) >= 200 else ""
    body = _SDP if sdp else _NO_BODY
    return f"<send{again}><![CDATA[\nSIP/2.0 {line}\n{_SAME}{_CONTACT}{more}{body}\n]]></send>\n"


def refuse(line: str, *, more: str = "") -> str:
    """A final answer, and its ACK."""
    return answer(line, more=more) + ACK


def pick_up(port: int = 0) -> str:
    """Answer the call; port: where the sound is to go, if not to sipp."""
    said = answer("200 OK", sdp=True) + ACK
    return said.replace("[auto_media_port]", str(port)) if port else said


def wait(seconds: float) -> str:
    """Do nothing for so long."""
    return f'<pause milliseconds="{seconds * 1000:.0f}"/>\n'


def request(method: str, number: int, body: str = "") -> str:
    """A request of the callee within the call, and its 200."""
    text = body or _NO_BODY
    return (
        f'<send retrans="500"><![CDATA[\n{method} [$2] SIP/2.0\n'
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        "From:[$4];tag=sipp[call_number]\nTo:[$3]\n[last_Call-ID:]\n"
        f"CSeq: {number} {method}\nMax-Forwards: 70\n{text}\n]]></send>\n"
        '<recv response="200"/>\n'
    )


def hang_up(number: int = 9) -> str:
    return request("BYE", number)


def hung_up_on() -> str:
    """Wait for the caller's BYE."""
    return '<recv request="BYE"/>\n' + answer("200 OK").replace(' retrans="500"', "")


def info(key: str) -> str:
    """A key as SIP INFO has it."""
    body = "Content-Type: application/dtmf-relay\nContent-Length: [len]\n\n"
    return request("INFO", 2, f"{body}Signal={key}\nDuration=160\n")


def play(what: str) -> str:
    """Send sound: "nine" (the key, as RTP events), "word" or "speech"."""
    return f'<nop><action><exec play_pcap_audio="{what}.pcap"/></action></nop>\n'


def can_run() -> bool:
    """Whether sipp is there, and may send packets of its own."""
    return shutil.which("sipp") is not None and os.geteuid() == 0


@dataclass(frozen=True)
class Sipp:
    """What answers at `port`; `log`: every message that came and went."""

    port: int
    log: Path

    def requests(self, method: str) -> list[str]:
        """What it was sent, in order."""
        if not self.log.exists():
            return []
        parts = self.log.read_text(encoding="utf-8", errors="replace").split("-" * 47)
        came = [part.partition("\n\n")[2] for part in parts if "message received" in part]
        return [one for one in came if one.startswith(f"{method} ")]


@contextlib.contextmanager
def answering(*steps: str, options: str = answer("200 OK")) -> Iterator[Sipp]:
    """A sipp that does this with every call; options: with a sign of life that is asked for."""
    folder = Path(tempfile.mkdtemp(prefix="cohort-sipp-"))
    (folder / "callee.xml").write_text(
        _BEGIN + "".join(steps) + _END.format(options=options.replace(' retrans="500"', "")),
        encoding="utf-8",
    )
    _write_pcap(folder / "nine.pcap", 101, _key(9))
    _write_pcap(folder / "word.pcap", 0, _tone(0.5))
    _write_pcap(folder / "speech.pcap", 0, _tone(3.0))
    child, port = _start(folder)
    try:
        yield Sipp(port, folder / "log")
    finally:
        child.kill()
        child.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, tries: int = 5) -> tuple[subprocess.Popen[bytes], int]:
    """One that listens, and where: others may take a port between our look and its own."""
    for _ in range(tries):
        port = _free_port()
        words = ["sipp", "-sf", "callee.xml", "-i", "127.0.0.1", "-p", str(port), "-nostdin"]
        words += ["-trace_msg", "-message_file", "log", "-mp", str(_free_port() // 2 * 2)]
        with open(os.devnull, "wb") as nothing:
            child = subprocess.Popen(words, cwd=folder, stdout=nothing, stderr=nothing)
        if _listens(port, child):
            return child, port
        child.kill()
        child.wait()
    raise AssertionError("sipp does not listen")


def _listens(port: int, child: subprocess.Popen[bytes]) -> bool:
    """Whether it has taken its port."""
    for _ in range(200):
        if child.poll() is not None:
            return False
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                time.sleep(0.1)
                return child.poll() is None
        time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _key(digit: int) -> list[tuple[bytes, int, bool]]:
    """RFC 4733 §2.5: it lasts, and its end is said three times."""
    lasting = [(struct.pack(">BBH", digit, 10, 160 * n), 5_000, n == 1) for n in range(1, 9)]
    return lasting + [(struct.pack(">BBH", digit, 0x80 | 10, 160 * 9), 5_000, False)] * 3


def _tone(seconds: float) -> list[tuple[bytes, int, bool]]:
    """PCMU, loud enough for a voice."""
    loud = bytes([0x90, 0x10] * 80)  # by turns far above and far below the middle
    return [(loud, 160 * n, n == 0) for n in range(int(seconds * 50))]


def _write_pcap(path: Path, kind: int, packets: list[tuple[bytes, int, bool]]) -> None:
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    for number, (data, stamp, marked) in enumerate(packets):
        rtp = struct.pack(">BBHII", 0x80, (marked << 7) | kind, number, stamp, 7) + data
        udp = struct.pack(">HHHH", 4_000, 4_002, 8 + len(rtp), 0) + rtp
        ip = struct.pack(
            ">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0, *[bytes(4)] * 2
        )
        frame = bytes(12) + b"\x08\x00" + ip + udp
        at = number * 20_000
        out += struct.pack("<IIII", at // 10**6, at % 10**6, len(frame), len(frame)) + frame
    path.write_bytes(out)

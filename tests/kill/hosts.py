"""
Machines of their own on one: network namespaces on a bridge, each with an address, a link that can be cut, and
processes. Needs root, `ip` (iproute2) and `setpriv` (util-linux).

    10.213.7.1  where the test is, and looks on        .2 PostgreSQL    .3 Prefect's server    .4 the gateway
    10.213.7.11 … .13  workers, each with a home of its own
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.servers.postgres import NOBODY, binaries

ROOT = Path(__file__).parents[2]
BRIDGE = "cohort0"
HERE = "10.213.7.1"
_TRY = "cohort-try"
_HELD: list[int] = []  # the lock on it all, for as long as this process lives
# Every machine that a test of these makes: what is left of them is ours, and nothing else is
_NAMES = frozenset(
    {_TRY, *(f"cohort-{name}" for name in ("db", "prefect", "gateway", "w1", "w2", "w3"))}
)


def why_none() -> str:
    """Why there can be no namespaces here; empty: there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None or shutil.which("setpriv") is None:
        return "ip (iproute2) and setpriv (util-linux) are not installed"
    if not _alone():
        return "another run of this test has the machines of this system"
    clear()
    tried = subprocess.run(
        ["ip", "netns", "add", _TRY], capture_output=True, text=True, check=False
    )
    _remove_host(_TRY)
    if tried.returncode:
        return f"this system gives no network namespaces: {tried.stderr.strip()}"
    return ""


def _alone() -> bool:
    """Whether no other process has such machines; then this one, until it ends."""
    if not _HELD:
        held = os.open(Path(tempfile.gettempdir()) / "cohort-hosts.lock", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(held)
            return False
        _HELD.append(held)
    return True


def clear() -> None:
    """Take away what a run that was killed left behind: its machines, what runs there, and the bridge."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    for name in (line.split()[0] for line in listed.stdout.splitlines() if line.strip()):
        if name in _NAMES:
            _remove_host(name)
    subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True, check=False)


def _remove_host(name: str) -> None:
    """End what runs in a namespace, and the namespace with its link."""
    found = subprocess.run(
        ["ip", "netns", "pids", name], capture_output=True, text=True, check=False
    )
    for pid in found.stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), 9)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Host:
    """A machine: a namespace with an address on the bridge."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.address = f"cohort-{name}", f"10.213.7.{number}"
        self._link = f"cohort{number}"
        self._started: list[subprocess.Popen[bytes]] = []
        _ip("netns", "add", self.name)
        _ip("link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("link", "set", self._link, "master", BRIDGE, "up")
        _ip("-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        _ip("-n", self.name, "link", "set", "eth0", "up")
        _ip("-n", self.name, "link", "set", "lo", "up")

    def cut(self) -> None:
        """Pull the cable."""
        _ip("link", "set", self._link, "down")

    def lose(self, other: Host) -> None:
        """Nothing passes between the two any more, either way; all others are reached as before."""
        for one, another in ((self, other), (other, self)):
            _ip("-n", one.name, "route", "add", "blackhole", f"{another.address}/32")

    def find(self, other: Host) -> None:
        """They reach each other again."""
        for one, another in ((self, other), (other, self)):
            _ip("-n", one.name, "route", "del", "blackhole", f"{another.address}/32")

    def join(self) -> None:
        """Put it back."""
        _ip("link", "set", self._link, "up")

    def words(self, *command: str) -> list[str]:
        """The command as it is run there."""
        return ["ip", "netns", "exec", self.name, *command]

    def start(
        self, *command: str, environment: Mapping[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        """Start a program there; what it says goes to a file."""
        with log.open("ab") as said:
            started = subprocess.Popen(
                self.words(*command), cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL,
                stdout=said, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._started.append(started)
        return started

    def remove(self) -> None:
        """End what runs there, and the machine."""
        for one in self._started:
            one.kill()
            one.wait()
        _remove_host(self.name)
        subprocess.run(["ip", "link", "del", self._link], capture_output=True, check=False)


@contextlib.contextmanager
def network(**numbers: int) -> Iterator[dict[str, Host]]:
    """Machines by name on one bridge, for the block."""
    made: dict[str, Host] = {}
    try:
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("addr", "add", f"{HERE}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for name, number in numbers.items():
            made[name] = Host(name, number)
        yield made
    finally:
        for host in made.values():
            host.remove()
        clear()  # also a machine that was made by half


class Postgres:
    """PostgreSQL on a machine, reached by TLS alone."""

    def __init__(self, host: Host, folder: Path, pem: Path) -> None:
        where = binaries()
        assert where is not None, "PostgreSQL is not installed"
        self._host, self._where, self._data = host, where, folder / "data"
        folder.mkdir(mode=0o700)
        key = folder / "server.pem"
        shutil.copy(pem, key)
        key.chmod(0o600)
        for path in (folder, key):
            os.chown(path, NOBODY, NOBODY)
        self._do(
            "initdb", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"
        )
        with (self._data / "pg_hba.conf").open("a") as file:
            file.write("hostssl all all 10.213.7.0/24 trust\n")
        self._options = (
            f"-c listen_addresses={host.address} -k {folder} -c ssl=on -c ssl_cert_file={key} "
            f"-c ssl_key_file={key} -c max_connections=100"
        )
        self.url = (
            f"postgresql+psycopg://postgres@{host.address}:5432/postgres"
            f"?sslmode=verify-full&sslrootcert={pem}"
        )
        self.control("start")

    def control(self, word: str) -> None:
        """start, stop or restart."""
        how = ["-m", "fast"] if word != "start" else []
        log = str(self._data.parent / "log")
        self._do("pg_ctl", "-w", "-t", "120", *how, "-l", log, "-o", self._options, word)

    def _do(self, program: str, *words: str) -> None:
        who = f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"
        command = self._host.words(
            "setpriv", *who, str(self._where / program), "-D", str(self._data), *words
        )
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)

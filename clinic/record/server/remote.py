"""
A record on another machine: reached by TLS that proves whose machine it is, and nothing less.

Without that, whoever stands between reads every patient, or is the database. A password is in no argument: in
a settings file of its own (record_url_file), in the environment (COHORT_RECORD_URL, PGPASSWORD), in ~/.pgpass.
"""

from __future__ import annotations

import ipaddress
import os
from typing import Final

from sqlalchemy.engine import URL, make_url

from clinic.errors import SettingsWrong

_VERIFIED: Final = "verify-full"
_LOCAL: Final = frozenset({"", "localhost", "localhost.localdomain"})


def is_here(url: str) -> bool:
    """Whether the database is on this machine: SQLite, a socket, the loopback."""
    made = make_url(url)
    return made.get_backend_name() == "sqlite" or all(_is_local(host) for host in _hosts(made))


def fault_of(url: str) -> str:
    """What is wrong with the way to a database on another machine, and the setting to write; empty: nothing."""
    if is_here(url):
        return ""
    made = make_url(url)
    mode = str(made.query.get("sslmode") or os.environ.get("PGSSLMODE") or "")
    if mode == _VERIFIED:
        return ""
    host = _hosts(made)[0]
    said = f"sslmode={mode}" if mode else "no sslmode"
    return (
        f"the record is on another machine ({host}) and is reached with {said}: anybody between could read it, "
        "or be it. Add to record_url: ?sslmode=verify-full&sslrootcert=/path/to/its-ca.crt (or =system)"
    )


def require_verified(url: str) -> None:
    """
    Refuse a way to another machine that does not prove whose it is.

    Raises:
        SettingsWrong: with the setting to write
    """
    if says := fault_of(url):
        raise SettingsWrong("record-tls", says)


def has_password(url: str) -> bool:
    """Whether it says a password."""
    made = make_url(url)
    return made.password is not None or "password" in made.query


def _hosts(url: URL) -> list[str]:
    """The machines that it names; one where several are tried in turn."""
    named = url.query.get("host") or url.query.get("hostaddr")
    several = [named] if isinstance(named, str) else list(named or ())
    found = [part for one in several for part in one.split(",")] or [url.host or ""]
    if found == [""]:
        found = (os.environ.get("PGHOST") or "").split(",")
    return found


def _is_local(host: str) -> bool:
    # A port after it: localhost:5433
    plain = host.partition(":")[0] if host.count(":") == 1 else host.strip("[]")
    if plain.lower() in _LOCAL or plain.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(plain).is_loopback
    except ValueError:
        return False

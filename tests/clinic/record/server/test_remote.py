"""NEW-40: a record on another machine is reached by TLS that proves whose machine it is, or not at all."""

from __future__ import annotations

import pytest

from clinic.errors import SettingsWrong
from clinic.record.database import Record
from clinic.record.server.remote import fault_of, has_password, is_here

HERE = [
    "sqlite:////var/lib/cohort/record.db",
    "postgresql+psycopg:///hill",
    "postgresql+psycopg://cohort@/hill?host=/var/run/postgresql",
    "postgresql+psycopg://cohort@localhost/hill",
    "postgresql+psycopg://cohort@LOCALHOST:5433/hill",
    "postgresql+psycopg://cohort@127.0.0.1:5432/hill",
    "postgresql+psycopg://cohort@[::1]/hill",
    "postgresql+psycopg://cohort@/hill?host=127.0.0.2",
]
CLEAR = [
    "postgresql+psycopg://cohort@db.example.org/hill",
    "postgresql+psycopg://cohort@192.0.2.7:5432/hill",
    "postgresql+psycopg://cohort@db/hill?sslmode=prefer",
    "postgresql+psycopg://cohort@db/hill?sslmode=require",
    "postgresql+psycopg://cohort@db/hill?sslmode=verify-ca",
    "postgresql+psycopg://cohort@[2001:db8::7]/hill",
    "postgresql+psycopg://cohort@/hill?host=localhost,db.example.org",
    "postgresql+psycopg://cohort@localhost/hill?hostaddr=192.0.2.7",
    "postgresql+psycopg://cohort@localhost.example.org/hill",
]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGSSLMODE", "PGHOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("url", HERE)
def test_on_this_machine_nothing_is_asked(url: str) -> None:
    assert (is_here(url), fault_of(url)) == (True, "")


@pytest.mark.parametrize("url", CLEAR)
def test_on_another_machine_it_is_not_opened_without_proof(url: str) -> None:
    """Nothing is tried first: the password would be on its way."""
    with pytest.raises(SettingsWrong, match="record-tls") as refused:
        Record.open(url)
    assert "sslmode=verify-full&sslrootcert=" in refused.value.says
    assert "cohort@" not in refused.value.says


def test_verified_tls_is_taken_from_the_address_or_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "postgresql+psycopg://cohort@db.example.org/hill"
    Record.open(f"{url}?sslmode=verify-full&sslrootcert=system").close()
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert fault_of(url) == ""
    assert fault_of(f"{url}?sslmode=disable") != ""  # the address goes before the environment
    monkeypatch.setenv("PGHOST", "db.example.org")
    monkeypatch.delenv("PGSSLMODE")
    assert fault_of("postgresql+psycopg:///hill") != ""


def test_a_password_is_seen_wherever_it_stands() -> None:
    assert has_password("postgresql://c:p@h/d")
    assert has_password("postgresql://c@h/d?password=p")
    assert not has_password("postgresql://c@h/d?passfile=/x")

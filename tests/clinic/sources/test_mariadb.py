"""
Issue 16: MariaDB as a source, on a server of its own: what it gives, that nothing is changed, what faults say.

Needs MariaDB's server (package mariadb-server) and PyMySQL (the extra `mysql`), and says so without one.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from clinic.cohort.files.limits import Limits
from clinic.cohort.files.parquet import open_parquet
from clinic.errors import SourceDown, SourceProblem, SourceRefused
from clinic.settings import SourceSettings
from clinic.sources.sql.engines import reading
from clinic.sources.sql.source import SqlSource
from clinic.sources.staging import staging

pytestmark = pytest.mark.slow

SERVER = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
MAKE = """
CREATE DATABASE w CHARACTER SET utf8mb4; USE w;
CREATE USER writer@'127.0.0.1' IDENTIFIED BY 'pw'; GRANT ALL ON w.* TO writer@'127.0.0.1';
CREATE TABLE slot (id BIGINT PRIMARY KEY, nhs VARCHAR(20), starts DATETIME(6), day DATE, cost DECIMAL(8,2),
                   at TIME, note VARCHAR(200), changed TIMESTAMP NULL);
INSERT INTO slot VALUES
    (9007199254740993, '9990000018', '2026-03-02 09:30:00.5', '2026-03-02', 10.50, '09:30:00',
     'Ŵŷn "O''Neil" 😀 50% %s :x', '2026-03-01 10:00:00'),
    (2, '9990000026', NULL, NULL, NULL, NULL, '', '2026-03-01 11:00:00');
CREATE TABLE many (id BIGINT PRIMARY KEY, pad CHAR(200));
INSERT INTO many SELECT seq, 'x' FROM seq_1_to_100000;
"""
ALL = "SELECT id, nhs, starts, day, cost, at, note, changed AS updated_at FROM slot WHERE note NOT LIKE '%:q'"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database on a MariaDB that is this module's."""
    if SERVER is None:
        pytest.skip(
            "MariaDB was NOT tried: mariadbd is not here; install the package mariadb-server"
        )
    pytest.importorskip(
        "pymysql", reason="MariaDB was NOT tried: PyMySQL is not here (extra mysql)"
    )
    home, port = tmp_path_factory.mktemp("maria"), _free_port()
    place = home / "s"
    own = ["--no-defaults", "--user=root", f"--datadir={home / 'data'}"]
    subprocess.run(
        ["mariadb-install-db", *own, "--auth-root-authentication-method=normal"],
        check=True,
        capture_output=True,
    )
    quiet = [
        "--skip-log-bin",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=16M",
    ]
    where = [f"--socket={place}", f"--port={port}", "--bind-address=127.0.0.1"]
    with subprocess.Popen([SERVER, *own, *where, *quiet], stderr=subprocess.DEVNULL) as running:
        client = [
            "mariadb",
            "--no-defaults",
            "--default-character-set=utf8mb4",
            "-uroot",
            f"--socket={place}",
        ]
        for _ in range(300):
            if subprocess.run([*client, "-e", "SELECT 1"], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        subprocess.run(client, input=MAKE.encode(), check=True)
        yield f"mysql://writer:pw@127.0.0.1:{port}/w"
        running.terminate()


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def source(url: str, folder: Path, sql: str, *, seconds: float = 60) -> SqlSource:
    (folder / "appointments.sql").write_text(sql)
    settings = SourceSettings(
        type="sql", url=SecretStr(url), queries=str(folder), timeout_seconds=seconds
    )
    return SqlSource("warehouse", settings, "Europe/London")


def test_rows_come_exactly_as_they_are(server: str, tmp_path: Path) -> None:
    made = source(server, tmp_path, f"{ALL} ORDER BY id")
    with staging(tmp_path, "warehouse") as into:
        (found,) = made.fetch("appointments", into)
        table = open_parquet(found.path, Limits())
        rows = [row for page in table.pages(10) for row in page.rows]
    assert found.newest == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert [list(row) for row in rows] == [
        ["2", "9990000026", "", "", "", "", "", "2026-03-01 11:00:00"],
        [
            "9007199254740993", "9990000018", "2026-03-02 09:30:00.500000", "2026-03-02", "10.50", "09:30:00",
            'Ŵŷn "O\'Neil" 😀 50% %s :x', "2026-03-01 10:00:00",
        ],
    ]  # fmt: skip


def test_changes_alone_are_asked_for(server: str, tmp_path: Path) -> None:
    made = source(server, tmp_path, f"{ALL} AND changed >= :since")
    with staging(tmp_path, "warehouse") as into:
        (found,) = made.fetch("appointments", into, since=datetime(2026, 3, 1, 10, 30, tzinfo=UTC))
    assert (found.rows, found.whole) == (1, False)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO slot (id) VALUES (77)", "DELETE FROM slot", "CREATE TABLE other (a INT)",
        "DROP TABLE slot", "TRUNCATE slot", "SELECT id FROM slot FOR UPDATE",
    ],
)  # fmt: skip
def test_nothing_is_changed_by_a_login_that_may(server: str, sql: str) -> None:
    """Also what ends a transaction that was begun, as CREATE does: the session reads alone."""
    with reading("warehouse", server, 60) as connection, pytest.raises(sa.exc.DBAPIError) as found:
        connection.exec_driver_sql(sql)
    assert getattr(found.value.orig, "sqlstate", "") == "25006"


@pytest.mark.parametrize(
    ("change", "problem", "says"),
    [
        ((":pw@", ":other@"), SourceRefused, "refuses this user or password"),
        (("1:", "1:1"), SourceDown, "does not answer"),
    ],
)
def test_a_fault_of_the_way_there_is_said_without_the_password(
    server: str, tmp_path: Path, change: tuple[str, str], problem: type[SourceProblem], says: str
) -> None:
    made = source(server.replace(*change), tmp_path, ALL)
    with pytest.raises(problem, match=says) as found:
        list(made.fetch("appointments", tmp_path))
    assert "writer" not in str(found.value)


def test_a_database_that_the_server_has_not_is_said(server: str, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="no database of the name"):
        list(source(f"{server}here", tmp_path, ALL).fetch("appointments", tmp_path))


def test_a_query_that_takes_too_long_is_ended(server: str, tmp_path: Path) -> None:
    made = source(server, tmp_path, "SELECT SLEEP(30) AS a", seconds=1)
    with pytest.raises(SourceDown, match="longer than 1 seconds"):
        list(made.fetch("appointments", tmp_path))


def test_a_server_that_goes_away_midway_leaves_no_file_to_be_read(
    server: str, tmp_path: Path
) -> None:
    """What is there of the rows has no end, and is not handed out."""
    made = source(server, tmp_path, "SELECT id, pad, SLEEP(0.001) AS wait FROM many")
    engine = sa.create_engine(server.replace("mysql:", "mysql+pymysql:"))

    def end() -> None:
        time.sleep(1)
        with engine.connect() as connection:
            others = sa.text(
                "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()"
            )
            for key in connection.execute(others).scalars().all():
                connection.exec_driver_sql(f"KILL {key}")

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(SourceDown, match="went away"):
        list(made.fetch("appointments", tmp_path))
    ending.join()
    engine.dispose()

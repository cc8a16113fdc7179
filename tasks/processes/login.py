"""
The login of the local Prefect server: made once, in a file that only this account can read.

Whoever reaches Prefect's API can start, stop and read runs. So the local server asks for a login, and
Cohort's own processes find it here without a word.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from pathlib import Path

from clinic.errors import MendableError


def login_file(folder: Path) -> Path:
    """Where the login is kept, in Prefect's folder of the home."""
    return folder / "login"


def ensure_login(folder: Path) -> str:
    """
    The login, `cohort:…`; made where there is none.

    Raises:
        MendableError: another account can read it, or it is empty
    """
    path = login_file(folder)
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise MendableError(
            "prefect-login",
            f"{path} can be read by other accounts, who could then start runs: delete it, and run "
            "`cohort server stop` and `cohort server start`",
        )
    login = path.read_text(encoding="ascii").strip()
    if not login:
        raise MendableError(
            "prefect-login", f"{path} is empty: delete it, and start the server again"
        )
    return login


def authorization(login: str) -> dict[str, str]:
    """The header of a request that shows the login."""
    return {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}


def _make(path: Path) -> None:
    """Whole or not at all; of two that make it at once, the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"cohort:{secrets.token_urlsafe(24)}\n")
    with contextlib.suppress(FileExistsError):
        os.link(part, path)
    part.unlink()

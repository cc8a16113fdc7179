"""Secrets that stand in a file of their own: `token_file` beside `token`, and so on, in each layer."""

from __future__ import annotations

import copy
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from clinic.errors import SettingsWrong

# Each setting that may stand in a file: that of its name with _file
SECRETS: Final = (
    "record_url",
    "prefect_login",
    "sms.token",
    "email.password",
    "receipts.secret",
    "outside_record.token",
    "mesh.password",
    "mesh.shared_key",
    "desk.oidc_secret",
)
# The same of sections by name
_NAMED: Final = {
    "sources": ("url", "token"),
    "gateways": (
        "token", "api_key", "auth_token", "secret_key", "session_token", "password", "callback_secret",
        "client_secret", "mailbox.password",
    ),
}  # fmt: skip
_NAMED_PATHS: Final = {
    "sources": ("folder", "queries", "key_file", "authority_file"),
    "gateways": ("key_file", "certificate_file", "authority_file", "access_token_file"),
}
_PATHS_OF: Final = {
    "outside_record": ("key_file",),
    "desk": ("oidc_key_file",),
    "mesh": ("certificate_file", "key_file", "authority_file"),
}


def with_secrets(
    values: Mapping[str, Any], folder: Path | None
) -> tuple[dict[str, Any], list[SettingsWrong]]:
    """
    A layer's settings with its secrets read from their files, and what is wrong with those.

    Args:
        folder: what a path is relative to; None: the environment, where it must be whole
    """
    result, faults = copy.deepcopy(dict(values)), []
    for dotted in (*SECRETS, *secrets_of_named(values)):
        *sections, name = dotted.split(".")
        inner: Any = result
        for section in sections:
            inner = inner.get(section) if isinstance(inner, dict) else None
        named = inner.get(f"{name}_file") if isinstance(inner, dict) else None
        if not isinstance(named, str) or not named:
            continue
        try:
            if inner.get(name):
                raise SettingsWrong(
                    "secret-file",
                    f"{dotted} and {dotted}_file are both given: leave one of them out",
                )
            secret = _read(dotted, named, folder)
        except SettingsWrong as fault:
            faults.append(fault)
            continue
        inner[name] = secret
    return result, faults + _with_paths(result, folder)


def secrets_of_named(values: Mapping[str, Any]) -> list[str]:
    """The secrets that a source or a gateway may have, by their dotted names."""
    return [
        f"{table}.{name}.{secret}"
        for table, secrets in _NAMED.items()
        for name in _names(values, table)
        for secret in secrets
    ]


def _names(values: Mapping[str, Any], table: str) -> list[str]:
    given = values.get(table)
    return list(given) if isinstance(given, Mapping) else []


def files_with_secrets(values: Mapping[str, Any]) -> list[str]:
    """Each file with a secret that a layer names, as it is named there."""
    found = [_at(values, f"{dotted}_file") for dotted in (*SECRETS, *secrets_of_named(values))]
    for table in _NAMED:
        found += [_at(values, f"{table}.{name}.key_file") for name in _names(values, table)]
    found += [_at(values, f"{section}.key_file") for section in _PATHS_OF]
    return [named for named in found if isinstance(named, str) and named]


def _at(values: Mapping[str, Any], dotted: str) -> Any:
    inner: Any = values
    for part in dotted.split("."):
        inner = inner.get(part) if isinstance(inner, Mapping) else None
    return inner


def _with_paths(values: dict[str, Any], folder: Path | None) -> list[SettingsWrong]:
    """Make paths to others' systems whole, in place: they are relative to the file that they stand in."""
    faults = []
    sections: list[tuple[str, Any, tuple[str, ...]]] = [
        (f"{table}.{name}", values[table][name], paths)
        for table, paths in _NAMED_PATHS.items()
        for name in _names(values, table)
    ]
    sections += [(name, values.get(name), paths) for name, paths in _PATHS_OF.items()]
    for name, section, paths in sections:
        for key in paths if isinstance(section, dict) else ():
            given = section.get(key)
            if not isinstance(given, str) or not given or Path(given).is_absolute():
                continue
            if folder is None:
                faults.append(
                    SettingsWrong(
                        "settings",
                        f"{name}.{key} is {given} in the environment: write the whole path, since "
                        "runs start elsewhere",
                    )
                )
            else:
                section[key] = str((folder / given).resolve())
    return faults


def _read(dotted: str, named: str, folder: Path | None) -> str:
    path = Path(named) if folder is None else folder / named
    if not path.is_absolute() and folder is None:
        raise SettingsWrong(
            "secret-file",
            f"{dotted}_file is {named} in the environment: write the whole path, since runs start elsewhere",
        )
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingsWrong(
                "settings-open",
                f"{path} holds {dotted} and can be read by others; run: chmod 600 {path}",
            )
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsWrong(
            "secret-file", f"{dotted}_file: {path} cannot be read: {why.lower()}"
        ) from None
    if not secret or "\n" in secret:
        raise SettingsWrong(
            "secret-file", f"{dotted}_file: {path} must hold the secret alone, on one line"
        )
    return secret

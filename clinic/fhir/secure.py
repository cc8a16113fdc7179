"""Patients' data and keys go over TLS, but on this machine."""

from __future__ import annotations

import ipaddress
import ssl
from urllib.parse import urlsplit


def is_secure(url: str) -> bool:
    """Whether what goes to this address is read by nobody on the way."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname or ""))


def trusted(authority_file: str) -> ssl.SSLContext | bool:
    """
    Whose certificates are taken: those that this authority signed alone; without one, those of public ones.

    Raises:
        OSError: there is no such file, or it holds no certificate
    """
    return ssl.create_default_context(cafile=authority_file) if authority_file else True


def problem_of(error: BaseException) -> str:
    """Why there was no answer: a kind of error, never its words, which may hold an address; of TLS why."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

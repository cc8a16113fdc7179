"""
Where a gateway leads, as a digest: a name stays the same while its section comes to be another provider's.

Only whoever took a key or a reference knows it. So a submission keeps the digest of where it went, and is asked
about again there alone. Nothing secret is in it. To change what it is made of is to say of every submission
that is open at the upgrade that its provider is gone.
"""

from __future__ import annotations

import hashlib

import orjson

from clinic.settings import Settings
from clinic.settings.gateways import HTTP_SMS, SMTP


def place_of(settings: Settings, name: str) -> str | None:
    """The digest of a gateway by its name; None: it is not of the settings, and leads nowhere else."""
    parts = _parts(settings, name)
    return None if parts is None else hashlib.sha256(orjson.dumps(parts)).hexdigest()


def _parts(settings: Settings, name: str) -> tuple[str, ...] | None:
    if name == HTTP_SMS:
        url = settings.sms.url.split("?")[0].rstrip("/")
        return (name, url) if url else None
    if name == SMTP:
        own = settings.email
        return (name, own.host, str(own.port), own.user) if own.host else None
    section = settings.gateways.get(name)
    if section is None:
        return None
    return section.type, section.reached.rstrip("/"), *section.keyed_to

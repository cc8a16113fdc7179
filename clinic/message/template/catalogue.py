"""
The catalogue of templates (ARC-2): each has a type, a purpose, and versions that are never changed.

A campaign refers to one version, so that what was sent stays what was reviewed; who added it is on the
audit trail, and it is sealed where it stands. Templates that come with
the program are locked where their words matter: nobody edits them here (COM-3); own ones are added
beside them (ACX-9).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound, TemplateRefused
from clinic.govern.audit.trail import Act, record_act
from clinic.message.audience.audience import (
    ANYBODY,
    Audience,
    audience_from,
    audience_of,
    keep_audience,
)
from clinic.message.audience.spared import with_spared
from clinic.message.template.purpose import SAID, checked, keep_purpose
from clinic.message.template.unlisted import compile_unlisted
from clinic.record.database import Record
from clinic.record.schema.lists import (
    template,
    template_audience,
    template_purpose,
    template_version,
)
from clinic.values.purposes import CARE

OWN_TEXT: Final = "own text"
PREVIEW_TEXT: Final = "previewed text"  # only for the length of a preview (preview.py)
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


@dataclass(frozen=True)
class NewTemplate:
    """
    A template to be added, or its next version.

    key: what commands call it: lower-case letters, digits, hyphens
    message_type: the catalogue's heading it is under (ARC-2)
    purpose: what its messages are for, of the closed list (clinic/values/purposes.py)
    locked: nobody edits its text here (COM-3)
    audience: its classes, and whom it is for
    """

    key: str
    name: str
    message_type: str
    body: str
    subject: str | None = None
    purpose: str = CARE
    locked: bool = False
    audience: Audience = ANYBODY


@dataclass(frozen=True)
class TemplateText:
    """One version of a template; `variables` are dotted names, in the order of the text."""

    key: str
    name: str
    message_type: str
    purpose: str
    locked: bool
    version: int
    subject: str | None
    body: str
    variables: tuple[str, ...]
    created_at: datetime
    created_by: str
    audience: Audience


def add_template(record: Record, clock: Clock, new: NewTemplate, *, by: str) -> int:
    """
    Add a template, or a new version of one; its version. The same text again is the same version.

    Raises:
        TemplateRefused: the key or the text is not fit (clinic/message/template/template.py has the codes)
        NotAllowed: the template is locked
    """
    with record.write() as connection:
        return _add(connection, clock, new, by=by, unlock=False)


def add_own_text(
    record: Record, clock: Clock, text: str, *, by: str, purpose: str, subject: str | None = None
) -> str:
    """
    Keep a text that was written for one campaign (ACX-9, PAT-10); the key it can be sent by.

    The same text for another purpose is another one: who objected to that one is another patient.

    Raises:
        TemplateRefused: the text is not fit
    """
    key = "own-" + _digest(f"{purpose}\0{text}", subject)[:16]
    audience = with_spared(ANYBODY, f"{subject or ''} {text}")
    new = NewTemplate(key, "Free text", OWN_TEXT, text, subject, purpose, audience=audience)
    add_template(record, clock, new, by=by)
    return key


def list_templates(record: Record, *, search: str = "", own: bool = False) -> list[TemplateText]:
    """
    The newest version of each, by type and name.

    search: only those with these characters in the key, the name or the type (PAT-11)
    own: also texts that were written for one campaign
    """
    later = template_version.alias()
    is_newest = ~sa.exists().where(
        later.c.template_id == template.c.id, later.c.version > template_version.c.version
    )
    query = _texts().where(is_newest, template.c.message_type != PREVIEW_TEXT)
    if not own:
        query = query.where(template.c.message_type != OWN_TEXT)
    if search:
        words = sa.func.lower(
            template.c.key + " " + template.c.name + " " + template.c.message_type
        )
        query = query.where(words.contains(search.lower(), autoescape=True))
    with record.read() as connection:
        rows = connection.execute(query.order_by(template.c.message_type, template.c.name))
        return [_text(row) for row in rows.mappings()]


def get_versions(record: Record, key: str) -> list[TemplateText]:
    """
    Every version of a template, newest first.

    Raises:
        NotFound: there is no such template
    """
    query = _texts().where(template.c.key == key).order_by(template_version.c.version.desc())
    with record.read() as connection:
        found = [_text(row) for row in connection.execute(query).mappings()]
    if not found:
        raise NotFound(
            "template-unknown", f"there is no template {key}; see: cohort templates list"
        )
    return found


def seed_catalogue(record: Record, clock: Clock, templates: Iterable[NewTemplate]) -> None:
    """Put the program's own templates in, or their new versions. Again: nothing."""
    with record.write() as connection:
        for new in templates:
            _add(connection, clock, new, by="vendor", unlock=True)


def _add(connection: Connection, clock: Clock, new: NewTemplate, *, by: str, unlock: bool) -> int:
    variables = _check(new)
    new = replace(new, purpose=checked(new.purpose))
    known = _known(connection, new)
    last = _last(connection, known.id)
    if last is not None and unlock and last.created_by != by:
        # For whom and what the vendor's template is, a practice may say otherwise: that stays
        new = replace(new, audience=audience_of(connection, last.id), purpose=last.purpose)
    if known.locked and not unlock and not _says_the_same(last, new):
        raise NotAllowed(
            "template-locked",
            f"{new.key} came with the program and cannot be edited; add your own beside it",
        )
    digest = _digest(new.body, new.subject, new.audience)
    if last is not None and (last.sha256, last.purpose) == (digest, new.purpose):
        return int(last.version)
    version = last.version + 1 if last is not None else 1
    key = connection.execute(
        sa.insert(template_version)
        .values(
            template_id=known.id,
            version=version,
            subject=new.subject,
            body=new.body,
            variables=orjson.dumps(variables).decode(),
            sha256=digest,
            created_at=clock.now(),
            created_by=by,
        )
        .returning(template_version.c.id)
    ).scalar_one()
    keep_purpose(connection, key, new.purpose)
    made: dict[sa.Table, list[int]] = {template_version: [key], template_purpose: [key]}
    if version == 1:
        made[template] = [known.id]
    if keep_audience(connection, key, new.audience):
        made[template_audience] = [key]
    if new.message_type != PREVIEW_TEXT:
        says = {"key": new.key, "version": version, "sha256": digest, "purpose": new.purpose}
        act = Act(
            operator=by, operation_type="template.added", subject="template", subject_id=known.id,
            new_values=says,
        )  # fmt: skip
        record_act(connection, clock, act, rows=made)
    return int(version)


class _Newest(NamedTuple):
    id: int
    version: int
    subject: str | None
    body: str
    sha256: str
    created_by: str
    purpose: str


def _last(connection: Connection, template_id: int) -> _Newest | None:
    """Its newest version."""
    row = connection.execute(
        sa.select(*(template_version.c[name] for name in _Newest._fields[:-1]), SAID)
        .join(template, template.c.id == template_version.c.template_id)
        .outerjoin(
            template_purpose, template_purpose.c.template_version_id == template_version.c.id
        )
        .where(template_version.c.template_id == template_id)
        .order_by(template_version.c.version.desc())
        .limit(1)
    ).one_or_none()
    return _Newest._make(row) if row is not None else None


def _says_the_same(last: _Newest | None, new: NewTemplate) -> bool:
    said = (new.body, new.subject, new.purpose)
    return last is not None and (last.body, last.subject, last.purpose) == said


def _check(new: NewTemplate) -> list[str]:
    """The variables of body and subject."""
    if not _KEY.fullmatch(new.key):
        raise TemplateRefused(
            "template-key",
            "a template's key has lower-case letters, digits and hyphens: flu-invite",
        )
    if new.subject and not new.subject.isprintable():
        raise TemplateRefused(
            "template-subject",
            "The subject has a line end or a control character. Write it on one line.",
        )
    names: dict[str, None] = {}
    for text in (new.body, *filter(None, (new.subject,))):
        names |= dict.fromkeys(compile_unlisted(text).variables)
    return list(names)


class _Known(NamedTuple):
    id: int
    locked: bool


def _known(connection: Connection, new: NewTemplate) -> _Known:
    """The template, made if need be; locked for us until the transaction ends."""
    row = connection.execute(
        sa.select(template.c.id, template.c.locked)
        .where(template.c.key == new.key)
        .with_for_update()
    ).one_or_none()
    if row is not None:
        return _Known._make(row)
    made = sa.insert(template).values(
        key=new.key,
        name=new.name,
        message_type=new.message_type,
        purpose=new.purpose,
        locked=new.locked,
    )
    return _Known(int(connection.execute(made.returning(template.c.id)).scalar_one()), False)


def _digest(body: str, subject: str | None, audience: Audience = ANYBODY) -> str:
    whole = f"{subject or ''}\0{body}"
    if said := audience.written():
        whole = f"{whole}\0{said}"
    return hashlib.sha256(whole.encode()).hexdigest()


def _texts() -> sa.Select[Any]:
    return sa.select(
        template.c.key, template.c.name, template.c.message_type, SAID.label("purpose"),
        template.c.locked, template_version.c.version, template_version.c.subject,
        template_version.c.body, template_version.c.variables, template_version.c.created_at,
        template_version.c.created_by, template_audience.c.classes, template_audience.c.bounds,
    ).join(template_version, template_version.c.template_id == template.c.id).outerjoin(
        template_audience, template_audience.c.template_version_id == template_version.c.id
    ).outerjoin(
        template_purpose, template_purpose.c.template_version_id == template_version.c.id
    )  # fmt: skip


def _text(values: sa.RowMapping) -> TemplateText:
    own = dict(values)
    audience = audience_from(own.pop("classes"), own.pop("bounds"))
    variables = tuple(orjson.loads(own.pop("variables")))
    return TemplateText(**own, variables=variables, audience=audience)

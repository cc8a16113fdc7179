"""What a campaign says: its template compiled for the list, and those in other languages and formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.rows import ListSource
from clinic.errors import ListRefused
from clinic.message.template.template import CompiledTemplate, compile_template
from clinic.message.template.variables import allowed_variables, list_variables
from clinic.record.schema.lists import template_version


@dataclass(frozen=True)
class Texts:
    """A template version's compiled body, and subject if it has one."""

    body: CompiledTemplate
    subject: CompiledTemplate | None

    @property
    def variables(self) -> tuple[str, ...]:
        """Every name that either of them uses."""
        return _both(self, "variables")

    @property
    def required(self) -> tuple[str, ...]:
        """Every name that either of them cannot do without (ARC-9)."""
        return _both(self, "required")

    @property
    def fixed(self) -> str:
        """What is the same in every message."""
        return "\n".join(text.body for text in (self.body, self.subject) if text)

    def render(self, values: pd.DataFrame) -> tuple[list[str], Sequence[str | None]]:
        """Bodies and subjects, one a row of values (columns: dotted variable names)."""
        bodies = self.body.render_frame(values)
        subjects: Sequence[str | None] = (
            self.subject.render_frame(values) if self.subject else [None] * len(values)
        )
        return bodies, subjects


def _both(texts: Texts, kind: str) -> tuple[str, ...]:
    names = getattr(texts.body, kind) + (getattr(texts.subject, kind) if texts.subject else ())
    return tuple(dict.fromkeys(names))


def load_texts(
    connection: Connection, version_id: int, source: ListSource, *, channel: str
) -> Texts:
    """
    Compile a template version for a list's columns. Only an e-mail has a subject: by another way nobody
    sees it, and nobody is left out for what it lacks.

    Raises:
        TemplateRefused: it names a column that this list does not have
        ListRefused: it names one that was not kept
    """
    row = connection.execute(
        sa.select(template_version.c.body, template_version.c.subject).where(
            template_version.c.id == version_id
        )
    ).one()
    allowed = allowed_variables(source.columns)
    texts = Texts(
        body=compile_template(row.body, allowed=allowed),
        subject=compile_template(row.subject, allowed=allowed)
        if row.subject and channel == "email"
        else None,
    )
    _require_kept(source, texts)
    return texts


def _require_kept(source: ListSource, texts: Texts) -> None:
    """NEW-39: a list that was imported for another text may lack what this one prints."""
    if source.kept is None:
        return
    names = list_variables(source.columns)
    gone = [
        source.columns[place]
        for name, place in names.items()
        if name in texts.variables and place not in source.kept.places
    ]
    if gone:
        raise ListRefused(
            "list-column-not-kept",
            f"list {source.id} was imported without {', '.join(map(repr, gone))}, which the text prints. "
            "Take the file in again for this template: cohort list add FILE --name … --template …",
        )


@dataclass(frozen=True)
class Tongues:
    """The texts of a campaign's template, and those in other languages and formats, by version (NEW-32)."""

    own: Texts
    others: Mapping[int, Texts]

    @property
    def variables(self) -> tuple[str, ...]:
        """Every name that any of them uses."""
        each = (self.own, *self.others.values())
        return tuple(dict.fromkeys(name for texts in each for name in texts.variables))

    @property
    def fixed(self) -> str:
        """What is the same in every message of one of them."""
        return "\n".join(texts.fixed for texts in (self.own, *self.others.values()))

    def parts(self, variants: pd.Series[int]) -> Iterator[tuple[Texts, pd.Index[int]]]:
        """Each with the rows that it is for; `variants`: their versions, empty for the campaign's own."""
        yield self.own, variants.index[variants.isna()]
        for version, texts in self.others.items():
            yield texts, variants.index[variants.eq(version).fillna(False)]

    def render(self, values: pd.DataFrame, variants: pd.Series[int]) -> pd.DataFrame:
        """`body` and `subject`, a row each in the text that is for it."""
        made = pd.DataFrame(None, values.index, ["body", "subject"], dtype=object)
        for texts, which in self.parts(variants):
            if len(which):
                bodies, subjects = texts.render(values.loc[which])
                made.loc[which, "body"] = pd.Series(bodies, which, dtype=object)
                made.loc[which, "subject"] = pd.Series(list(subjects), which, dtype=object)
        return made


def load_tongues(
    connection: Connection,
    source: ListSource,
    own: Texts,
    variants: pd.Series[int],
    *,
    channel: str,
) -> Tongues:
    """
    The texts of these versions; empty: the campaign's own.

    Raises:
        TemplateRefused: one names a column that this list does not have
    """
    versions = sorted(variants.dropna().unique().tolist())
    return Tongues(own, {v: load_texts(connection, v, source, channel=channel) for v in versions})

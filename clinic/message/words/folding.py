"""Texts as words are looked for in them: lower case, no accents, nothing invisible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

# Invisible characters inside a word, and marks on letters
_UNSEEN: Final = r"[\p{Cf}\p{Mn}]+"


def fold(texts: Sequence[str | None]) -> pa.StringArray:
    """All texts at once; None as an empty one."""
    folded = pc.fill_null(pa.array(texts, pa.string()), "")
    if not pc.all(pc.string_is_ascii(folded), min_count=0).as_py():
        folded = pc.replace_substring_regex(
            pc.utf8_normalize(folded, form="NFKD"), pattern=_UNSEEN, replacement=""
        )
    return pc.utf8_lower(folded)


def fold_one(text: str) -> str:
    """One text."""
    return str(fold([text])[0].as_py()).strip()

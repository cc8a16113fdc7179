"""
Where the links of many texts lead: the host of each, whatever way the link is written.

A phone makes a link of a bare "clinic.co.uk" too. An e-mail address is none, and neither is "9.30/10.00" or
"today.Please".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow.compute as pc

from clinic.message.words.folding import Texts, as_array
from clinic.message.words.judging import Places

_LINK: Final = (
    r"(?:^|[^\p{L}\p{N}@._-])(?P<link>(?:https?://|www\.)[^\s/?#]+|(?:[\p{L}\p{N}-]+\.)+[a-z]{2,}/[^\s]"
    r"|(?:[\p{L}\p{N}-]+\.)+(?:com|net|org|uk|wales|cymru|scot)\b)"
)
# In every text that has one, and quick to look for: without letters of other alphabets
HINT: Final = r"://|www\.|\.[a-z]{2,}/|\.(?:com|net|org|uk|wales|cymru|scot)"
_MOST_LINKS: Final = 10  # in one text


def hosts_of(texts: Texts) -> dict[str, Places]:
    """The host of every link, and the places of the texts that have it."""
    left = pc.utf8_lower(as_array(texts))
    places = np.arange(len(texts), dtype=np.int64)
    found: dict[str, list[Places]] = {}
    for _ in range(_MOST_LINKS if len(places) else 0):
        has = pc.match_substring_regex(left, pattern=_LINK)
        left, places = (
            left.filter(has),
            places[np.asarray(has.to_numpy(zero_copy_only=False), bool)],
        )
        if not len(left):
            break
        coded = pc.struct_field(pc.extract_regex(left, pattern=_LINK), "link").dictionary_encode()
        codes = coded.indices.to_numpy(zero_copy_only=False)
        for code, link in enumerate(coded.dictionary.to_pylist()):
            found.setdefault(_host(link), []).append(places[codes == code])
        left = pc.replace_substring_regex(left, pattern=_LINK, replacement=" ", max_replacements=1)
    return {host: np.unique(np.concatenate(own)) for host, own in found.items()}


def is_within(host: str, domains: Iterable[str]) -> bool:
    """Whether it is one of these domains, or a part of one."""
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _host(link: str) -> str:
    # What stands before an @ is a login, and not where the link leads
    bare = link.split("://")[-1].split("/")[0].split("@")[-1].split(":")[0]
    return bare.removeprefix("www.").strip(".,;!()[]<>\"'”’")

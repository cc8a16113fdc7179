"""
The process in which a document is read: with little memory and little time, so that a bomb ends it alone.

    stdin: the document → stdout: a line of JSON, and what came of it
    python -m clinic.attach.child clean          {"kind", "pages"} and the cleaned document, or {"unfit"}
    python -m clinic.attach.child show PAGE      {"kind", "pages"} and that page of it as a PNG
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import Any, BinaryIO, Final

from clinic.attach.limits import Cleaned, Unfit, kind_of
from clinic.attach.pdf import clean_pdf
from clinic.attach.picture import clean_picture

_MEMORY: Final = 1024**3  # bytes
SECONDS: Final = 20  # of the processor
_SCALE: Final = 1.5


def clean(content: bytes) -> Cleaned:
    """
    A document that does nothing by itself.

    Raises:
        Unfit: why it is not accepted
    """
    kind = kind_of(content)
    return clean_pdf(content) if kind == "pdf" else clean_picture(content, kind)


def show(content: bytes, page: int) -> Cleaned:
    """
    A page of a cleaned document as a picture, the first is 1.

    Raises:
        Unfit: there is no such page
    """
    if kind_of(content) != "pdf":
        return Cleaned(kind_of(content), 1, content)
    import pypdfium2

    document: Any = pypdfium2.PdfDocument(content)
    pages = len(document)
    if not 1 <= page <= pages:
        raise Unfit(f"it has no page {page}: its last is {pages}")
    out = io.BytesIO()
    document[page - 1].render(scale=_SCALE).to_pil().save(out, "PNG")
    return Cleaned("png", pages, out.getvalue())


def main(arguments: list[str], given: BinaryIO, out: BinaryIO) -> None:
    """What this process is for."""
    content = given.read()
    try:
        made = clean(content) if arguments[0] == "clean" else show(content, int(arguments[1]))
    except Unfit as unfit:
        out.write(json.dumps({"unfit": str(unfit)}).encode() + b"\n")
        return
    out.write(json.dumps({"kind": made.kind, "pages": made.pages}).encode() + b"\n" + made.content)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # nothing of it is written anywhere
    main(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer)

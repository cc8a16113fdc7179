"""
A PDF without what acts by itself: scripts, forms, embedded files, actions; and without who made it.

What a document may keep is listed, all else goes: the pages with what is drawn on them, links to the web, and
what helps a screen reader. Form fields are drawn onto their page first. What is left is read once more: if
anything that acts is still in it, it is refused.
"""

from __future__ import annotations

import io
from typing import Any, Final

from clinic.attach.limits import MOST_PAGES, Cleaned, Unfit

_OF_ROOT: Final = frozenset(
    {"/Type", "/Pages", "/Lang", "/MarkInfo", "/StructTreeRoot", "/PageLabels", "/Version"}
)
_SCHEMES: Final = ("https://", "http://", "mailto:", "tel:")
_LINK: Final = frozenset({"/Type", "/Subtype", "/Rect", "/Border", "/BS", "/QuadPoints", "/F"})
# Keys of a dictionary, and kinds of action, that nothing harmless has
_KEYS: Final = frozenset(
    {
        "/JS", "/JavaScript", "/AA", "/OpenAction", "/EF", "/EmbeddedFiles", "/XFA", "/AcroForm",
        "/RichMediaContent",
    }
)  # fmt: skip
_ACTIONS: Final = frozenset(
    {
        "/JavaScript", "/Launch", "/GoToR", "/GoToE", "/SubmitForm", "/ImportData", "/ResetForm",
        "/Rendition", "/Movie", "/Sound", "/SetOCGState", "/Trans", "/GoTo3DView", "/RichMediaExecute",
        "/Thread", "/Hide", "/Named",
    }
)  # fmt: skip


def clean_pdf(content: bytes) -> Cleaned:
    """
    The document as it is kept; the same bytes each time.

    Raises:
        Unfit: it cannot be read whole, takes a password, has too many pages, or acts all the same
    """
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            if pdf.is_encrypted:
                raise Unfit("it is encrypted")
            pages = len(pdf.pages)
            if not 1 <= pages <= MOST_PAGES:
                raise Unfit(f"it has {pages} pages, and may have 1 to {MOST_PAGES}")
            pdf.flatten_annotations("screen")
            for page in pdf.pages:
                _clean_page(page.obj)
            for key in set(pdf.Root.keys()) - _OF_ROOT:
                del pdf.Root[key]
            if "/Info" in pdf.trailer:
                del pdf.trailer["/Info"]
            pdf.remove_unreferenced_resources()
            out = io.BytesIO()
            pdf.save(
                out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate
            )
        _require_still(out.getvalue())
    except pikepdf.PasswordError:
        raise Unfit("it takes a password") from None
    except (
        pikepdf.PdfError,
        pikepdf.DataDecodingError,
        RecursionError,
        ValueError,
        TypeError,
    ) as error:
        raise Unfit(f"it cannot be read whole ({type(error).__name__})") from None
    return Cleaned("pdf", pages, out.getvalue())


def _clean_page(page: Any) -> None:
    import pikepdf

    for key in ("/AA", "/Metadata", "/PieceInfo", "/Thumb", "/B", "/Trans", "/AF"):
        if key in page:
            del page[key]
    kept = [one for one in page.get("/Annots", []) if _is_link(one)]
    for one in kept:
        uri = str(one["/A"]["/URI"])
        for key in set(one.keys()) - _LINK:
            del one[key]
        one["/A"] = pikepdf.Dictionary(S=pikepdf.Name.URI, URI=pikepdf.String(uri))
    if kept:
        page["/Annots"] = pikepdf.Array(kept)
    elif "/Annots" in page:
        del page["/Annots"]


def _is_link(one: Any) -> bool:
    """Whether an annotation leads to the web, and to nothing on the reader's own machine."""
    act = one.get("/A")
    if str(one.get("/Subtype")) != "/Link" or act is None or str(act.get("/S")) != "/URI":
        return False
    return str(act.get("/URI", "")).lower().startswith(_SCHEMES)


def _require_still(content: bytes) -> None:
    """Whether nothing in it acts by itself any more, wherever it is hidden."""
    import pikepdf

    with pikepdf.open(io.BytesIO(content)) as pdf:
        for each in pdf.objects:
            _look_through(each, 0)


def _look_through(each: Any, depth: int) -> None:
    import pikepdf

    if depth > 50:
        raise Unfit("it is nested too deeply")
    if isinstance(each, pikepdf.Array):
        for one in each:
            if not _is_plain(one):
                _look_through(one, depth + 1)
    elif isinstance(each, pikepdf.Dictionary | pikepdf.Stream):
        names = set(each.keys())
        acts = names & _KEYS or str(each.get("/S", "")) in _ACTIONS
        if (
            acts
            or str(each.get("/Type", "")) == "/EmbeddedFile"
            or str(each.get("/Subtype", "")) == "/PS"
        ):
            raise Unfit("it acts by itself in a way that cannot be removed: print it to a new PDF")
        for name in names:
            one = each[name]
            if not _is_plain(one):
                _look_through(one, depth + 1)


def _is_plain(one: Any) -> bool:
    """Whether a value holds no others, or is looked at in its own place."""
    return bool(getattr(one, "is_indirect", True))

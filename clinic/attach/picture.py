"""A picture drawn again from its dots: without where it was taken, and what hid beside it."""

from __future__ import annotations

import io
import warnings
from typing import Any

from clinic.attach.limits import MOST_PIXELS, Cleaned, Unfit


def clean_picture(content: bytes, kind: str) -> Cleaned:
    """
    The picture as it is kept, turned as it was meant; the same bytes each time.

    Raises:
        Unfit: it cannot be read whole, or has too many dots
    """
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    out = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(content), formats=[kind.upper()]) as found:
                found.load()
                picture: Any = ImageOps.exif_transpose(found)
            bare = _bare(picture)
            bare.save(
                out, kind.upper(), **({"quality": 88} if kind == "jpeg" else {"optimize": True})
            )
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unfit(f"it has more than {MOST_PIXELS // 1_000_000} million dots") from None
    except (OSError, ValueError, SyntaxError, EOFError, Warning) as error:
        raise Unfit(f"it cannot be read whole ({type(error).__name__})") from None
    return Cleaned(kind, 1, out.getvalue())


def _bare(picture: Any) -> Any:
    """Its dots alone, in colours that every browser has."""
    from PIL import Image

    clear = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    whole = picture.convert("RGBA" if clear else "L" if picture.mode in ("1", "L") else "RGB")
    bare = Image.new(whole.mode, whole.size)
    bare.paste(whole)
    return bare

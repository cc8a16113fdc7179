"""
What the content gate costs: 100,000 rendered texts judged, everyday ones and ones in which something is found.

    python -m benchmarks.content_gate [ROWS]

The bar is a tenth of reading and checking as many rows (docs/performance.md).
"""

from __future__ import annotations

import sys
import time

from clinic.message.words.judging import judge
from clinic.message.words.phrases import word_list
from clinic.settings import Content

TEXTS = {
    "everyday": "Dear Siân {n}, your flu jab is on Monday at 10:30. To change it call 01792 555 {n:06}.",
    "in every text": "Dear Ann {n}, your cervical smear is due. Call 01792 555 {n:06}.",
}


def main() -> None:
    """Print seconds and hits."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    words = word_list(Content())
    for name, text in TEXTS.items():
        texts = [text.format(n=n) for n in range(rows)]
        start = time.perf_counter()
        hits = judge(texts, words)
        print(
            f"{name:15} {rows:>9,} texts {time.perf_counter() - start:6.2f} s, {len(hits)} phrases"
        )


if __name__ == "__main__":
    main()

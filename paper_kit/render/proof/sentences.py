"""Where sentences begin and end on a page whose commands are blanked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from paper_kit.render.proof.page import BREAK, SYMBOL, VALUE, Span

_END = re.compile(
    rf"[.!?][\"')\]]*\s+(?=[\"'(`]*[A-Z{VALUE}{SYMBOL}])|[.!?]?{BREAK}|\n[ \t]*\n", re.MULTILINE
)
_ABBREVIATED = re.compile(
    r"(?:\bal|\be\.g|\bi\.e|\bFigs?|\bvs|\bcf|\bresp|\bEqs?|\bSec|\bTab|\bDr|\bapprox)\.$"
)


def sentences(text: str) -> Iterator[Span]:
    """The spans of the sentences, in order; a caption, cell or item is one of its own."""
    start = 0
    for found in _END.finditer(text):
        if found[0][0] in ".!?" and _ABBREVIATED.search(text, max(0, found.start() - 8), found.start() + 1):
            continue
        if text[start : found.end()].strip(f" \n\t.{BREAK}"):
            yield start, found.end()
        start = found.end()
    if text[start:].strip():
        yield start, len(text)

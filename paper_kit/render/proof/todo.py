r"""What the authors still have to write: each \pkauthor{what} of the paper as it is set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from paper_kit.render.lexer import closing_brace
from paper_kit.render.source_map import SourceMap

_MARK = re.compile(r"(?<!\\)(?:\\\\)*\\pkauthor\s*\{")
_COMMENT = re.compile(r"(?<!\\)(?:\\\\)*%.*")


@dataclass(frozen=True)
class Todo:
    """One part that only the authors can write: where, and what it should say."""

    place: str
    text: str


def todos(tex: str, lines: SourceMap) -> Iterator[Todo]:
    """The marks of a paper in its order, TeX comments left out."""
    text = _COMMENT.sub(lambda found: " " * len(found[0]), tex)
    for found in _MARK.finditer(text):
        end = closing_brace(text, found.end())
        if end > 0:
            number = text.count("\n", 0, found.start()) + 1
            yield Todo(str(lines.place(number)), " ".join(text[found.end() : end - 1].split()))

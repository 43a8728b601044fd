r"""Reads a LaTeX template: \VAR{...}, \BLOCK{...} and \COMMENT{...} are tags, all else is LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError
from jinja2.lexer import Lexer

from paper_kit.render.source_map import CLOSED, INCLUDED, PRINTED, mark, marked

Token = tuple[int, str, str]  # line, kind, text: what Jinja's parser takes

_NEXT = re.compile(r"\\(?P<tag>VAR|BLOCK|COMMENT)\{|\\.|(?P<comment>%[^\n]*)", re.DOTALL)
_EXPRESSION = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{}]""", re.DOTALL)
_WORDS = re.compile(r"\\.|[{}]", re.DOTALL)
_ONLY_TAGS = re.compile(r"^[ \t]*\x00[\x00 \t]*(?:\n|\Z)", re.MULTILINE)
_INCLUDE = re.compile(r"\s*include\b")
_KINDS = {"VAR": "variable", "BLOCK": "block"}


@dataclass(frozen=True)
class Tag:
    r"""One tag: its name, where it starts and ends, and what stands between its braces."""

    name: str
    start: int
    end: int
    inside: str


def tags(source: str, name: str | None = None, filename: str | None = None) -> list[Tag]:
    """The tags of a template in order, those in TeX comments left out."""
    found: list[Tag] = []
    position = 0
    while match := _NEXT.search(source, position):
        position = match.end()
        if match["tag"]:
            end = _end(source, position, _WORDS if match["tag"] == "COMMENT" else _EXPRESSION)
            if end < 0:
                line = source.count("\n", 0, match.start()) + 1
                opened = rf"\{match['tag']}{{"
                raise TemplateSyntaxError(f"{opened} is never closed: a }} is missing", line, name, filename)
            found.append(Tag(match["tag"], match.start(), end, source[position : end - 1]))
            position = end
    return found


class TexLexer(Lexer):
    """Jinja's lexer with TeX's idea of comments, lines and braces, and marks for the source map."""

    def __init__(self, environment: Environment, files: Sequence[str]) -> None:
        super().__init__(environment)
        self.files = tuple(files)

    def tokeniter(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> Iterator[Token]:
        """The tokens of a whole template; of an expression alone where `state` says so."""
        if state is not None:
            yield from super().tokeniter(source, name, filename, state)
            return
        source = re.sub("\r\n|\r", "\n", source)
        source += "" if source.endswith("\n") else "\n"
        number = self.files.index(name) if name in self.files else 0
        found = tags(source, name, filename)
        dropped = [match.span() for match in _ONLY_TAGS.finditer(_blanked(source, found))]
        position, line = 0, 1
        for tag in [*found, Tag("", len(source), len(source), "")]:
            text = source[position : tag.start]
            yield from _data(source, position, tag.start, dropped, number, line)
            line += text.count("\n")
            if tag.name in _KINDS:
                yield from self._tag(tag, line, number, name, filename)
            line += source.count("\n", tag.start, tag.end)
            position = tag.end

    def _tag(
        self, tag: Tag, line: int, number: int, name: str | None, filename: str | None
    ) -> Iterator[Token]:
        kind = _KINDS[tag.name]
        prints = PRINTED if kind == "variable" else INCLUDED if _INCLUDE.match(tag.inside) else ""
        if prints:
            yield line, "data", mark(number, line, tag.start, tag.end - tag.start, prints)
        yield line, f"{kind}_begin", rf"\{tag.name}{{"
        try:
            for inner, token, text in super().tokeniter(tag.inside, name, filename, kind):
                yield line + inner - 1, token, text
        except TemplateSyntaxError as error:
            raise TemplateSyntaxError(error.message or "", line + error.lineno - 1, name, filename) from None
        line += tag.inside.count("\n")
        yield line, f"{kind}_end", "}"
        if prints:
            yield line, "data", CLOSED


def _data(
    source: str, start: int, end: int, dropped: Sequence[tuple[int, int]], number: int, line: int
) -> Iterator[Token]:
    """The LaTeX from `start` to `end` as one token, without the parts of lines that hold only tags."""
    kept: list[str] = []
    position = start
    for left, right in dropped:
        if right <= start or left >= end:
            continue
        shown = source[position : max(left, position)]
        kept.append(marked(shown, number, line + source.count("\n", start, position), position))
        position = min(right, end)
    kept.append(marked(source[position:end], number, line + source.count("\n", start, position), position))
    if start < end:
        yield line, "data", "".join(kept)


def _blanked(source: str, found: Sequence[Tag]) -> str:
    r"""The source, equally long, with each \BLOCK and \COMMENT as null characters."""
    pieces: list[str] = []
    position = 0
    for tag in found:
        if tag.name != "VAR":
            pieces += [source[position : tag.start], "\x00" * (tag.end - tag.start)]
            position = tag.end
    return "".join([*pieces, source[position:]])


def closing_brace(source: str, position: int) -> int:
    """The position after the brace of TeX that closes the one before `position`; -1 where none does."""
    return _end(source, position, _WORDS)


def _end(source: str, position: int, pattern: re.Pattern[str]) -> int:
    """The position after the brace that closes the one before `position`; -1 where none does."""
    depth = 1
    for match in pattern.finditer(source, position):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return -1

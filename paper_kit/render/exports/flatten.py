"""One TeX file of a paper: what it reads stands in it, and comments are gone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pylatexenc.latexwalker import LatexWalker, LatexWalkerParseError

from paper_kit.render.lexer import closing_brace

_SPECIAL = re.compile(r"[\\%]")
_READS = re.compile(
    r"\\(?:input|include)\{([^{}\n]+)\}|\\InputIfFileExists\{(?P<optional>[^{}\n]+)\}\{\}\{\}"
)
_VERBATIM = re.compile(
    r"\\begin\{(verbatim\*?|Verbatim|lstlisting|minted|comment|filecontents\*?)\}.*?\\end\{\1\}"
    r"|\\(?:verb|lstinline)\*?([^A-Za-z\s*{]).*?\2",
    re.DOTALL,
)
_ADDRESSES = ("url", "nolinkurl", "path", "href", "hyperimage")  # in their argument % is a sign
DEEPEST = 20  # files that read one another


def flat(tex: str, files: Mapping[str, str], depth: int = 0) -> str:
    """The TeX with the text of each of `files` that it reads where it does so."""
    if depth > DEEPEST:
        return tex
    pieces, position = [], 0
    for found in _READS.finditer(tex):
        name = (found[1] or found["optional"]).strip()
        name = name if name.endswith(".tex") else f"{name}.tex"
        if name not in files or _commented(tex, found.start()):
            continue
        pieces += [tex[position : found.start()], flat(files[name], files, depth + 1).rstrip("\n")]
        position = found.end()
    return "".join([*pieces, tex[position:]])


def without_comments(tex: str) -> str:
    """The TeX that prints the same without its comments; a % that hides the end of a line stays."""
    pieces, position = [], 0
    for start in comments(tex):
        if start < position:
            continue
        line = tex.rfind("\n", 0, start) + 1
        end = tex.find("\n", start)
        end = len(tex) if end < 0 else end
        if tex[line:start].strip():
            pieces += [tex[position:start], "%"]
            position = end
        else:
            pieces.append(tex[position:line])
            position = min(end + 1, len(tex))
    return "".join([*pieces, tex[position:]])


def comments(tex: str) -> Iterator[int]:
    """Where the comments of a TeX text start; a % in a verbatim text or an address starts none."""
    walker = LatexWalker(tex, tolerant_parsing=True)
    position = 0
    while found := _SPECIAL.search(tex, position):
        start = found.start()
        verbatim = _VERBATIM.match(tex, start)
        if verbatim:
            position = verbatim.end()
            continue
        try:
            token = walker.get_token(start, environments=False)
        except LatexWalkerParseError:
            position = start + 1
            continue
        if token.tok == "comment":
            yield start
            newline = tex.find("\n", start)
            position = len(tex) if newline < 0 else newline
        elif token.tok == "macro" and token.arg in _ADDRESSES:
            position = _argument(tex, start + 1 + len(token.arg))
        else:
            position = start + (2 if tex[start] == "\\" else 1)


def _argument(tex: str, position: int) -> int:
    """The place behind the argument in braces that starts at `position`, after an option; else `position`."""
    found = re.compile(r"\s*(?:\[[^\]]*\])?\s*\{").match(tex, position)
    if found is None:
        return position
    return max(closing_brace(tex, found.end()), position)


def _commented(tex: str, position: int) -> bool:
    """Whether a place of a TeX text stands in a comment."""
    line = tex.rfind("\n", 0, position) + 1
    return any(True for _ in comments(tex[line:position]))

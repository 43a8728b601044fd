"""A figure's notes as the last sentences of its caption."""

from __future__ import annotations

import re

from paper_kit.render.lexer import closing_brace

NOTES = r"\pknotes{"
_CAPTION = re.compile(r"\\caption\*?\s*(?:\[[^\]]*\]\s*)?\{")
_ENDED = re.compile("[.!?](?:[)}'\\s]|\ue000\\d+:\\d+\ue001)*$")  # marks of the source map may stand behind


def with_notes(tex: str) -> str:
    r"""The text with the \pknotes of each figure moved to the end of its caption, never bold.

    Notes without a caption behind them in the same figure stay below the picture.
    """
    pieces: list[str] = []
    position = 0
    while (start := tex.find(NOTES, position)) >= 0:
        inside = start + len(NOTES)
        end = closing_brace(tex, inside)
        if end < 0:
            break
        within = tex.find(r"\end{figure", end)
        caption = _CAPTION.search(tex, end, within) if within >= 0 else None
        closed = closing_brace(tex, caption.end()) if caption else -1
        if caption is None or not 0 < closed <= within or NOTES in tex[end : caption.start()]:
            pieces.append(tex[position:end])
            position = end
            continue
        said = tex[caption.end() : closed - 1].rstrip()
        stop = "" if _ENDED.search(said) else "."
        notes = tex[inside : end - 1].replace(r"\par ", " ")
        pieces += [tex[position:start], tex[end : caption.end()], said, stop, r" {\mdseries ", notes, "}}"]
        position = closed
    return "".join([*pieces, tex[position:]])

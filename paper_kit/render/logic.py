"""What decides which tests a document makes: the tags of its templates, and nothing of its words."""

from __future__ import annotations

import re

from jinja2 import TemplateSyntaxError

from paper_kit.core.files import canonical_json, sha256_text
from paper_kit.render.editions import Edition
from paper_kit.render.lexer import tags
from paper_kit.render.manuscript import Manuscript
from paper_kit.render.seal import Stamp

# Tags that hold words as a value, which another tag may ask about.
_TAKES_WORDS = re.compile(r"\\BLOCK\{\s*(?:endset|endmacro|endcall|endfilter)\b")


def logic(manuscript: Manuscript, edition: Edition, stamp: Stamp) -> str:
    """SHA-256 of what the tags of a manuscript say; empty where a tag is not closed.

    Documents of equal logic and equal records ask the same questions in the same order, whatever their words.
    """
    try:
        told = {name: _tags(source) for name, source in manuscript.templates.items()}
    except TemplateSyntaxError:
        return ""
    paper = manuscript.paper.model_dump(mode="json")
    return sha256_text(canonical_json([told, paper, edition, stamp.commit, stamp.clean]))


def _tags(source: str) -> list[list[str]]:
    if _TAKES_WORDS.search(source):
        return [["", source]]
    return [[tag.name, tag.inside] for tag in tags(source) if tag.name != "COMMENT"]

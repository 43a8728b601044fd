"""The contract of a figure: a file in this folder with `draw(results, style, *, width=..., ...) -> Figure`.

The file's name is the figure's name; keyword-only arguments are its options, each with a typed default;
`width` is "column" or "text". It is called inside `style.context()` and builds a matplotlib Figure without
pyplot. What is not measured yet is left out and told in a note; a figure never fails for it. Files that start
with "_" are support code. A figure of boxes and arrows gives back a Diagram, which is set in TikZ.
"""

from __future__ import annotations

from typing import Any, Protocol

from paper_kit.analysis.artifacts import Diagram, Figure
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style


class Drawer(Protocol):
    """A figure of the results in a style."""

    def __call__(self, results: Results, style: Style, **options: Any) -> Figure | Diagram: ...

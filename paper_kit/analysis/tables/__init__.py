"""The contract of a table: a file in this folder with a function `make(results, *, ...) -> Table`.

The file's name is the table's name; keyword-only arguments are its options, each with a typed default. What
is not measured yet is a cell whose Fact is missing; a table never fails for it. Files that start with "_" are
support code.
"""

from __future__ import annotations

from typing import Any, Protocol

from paper_kit.analysis.artifacts import Table
from paper_kit.analysis.results import Results


class Maker(Protocol):
    """A table of the results."""

    def __call__(self, results: Results, **options: Any) -> Table: ...

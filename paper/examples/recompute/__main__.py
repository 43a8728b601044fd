"""The numbers of a paper against its packed records: python paper/examples/recompute PDF RECORDS.zip

Needs numpy and poppler's pdftotext, and nothing of the code that wrote the paper. What each number claims to
be is read from provenance.json, and what its tests ask from claims.json, both attached to the PDF; the
numbers are read from its pages, the tests are done again and corrected together anew.
The plans are the experiments' files, the level of tests is that of paper/paper.toml, all in this repository;
published accuracies are those of templates/literature.toml. Of several experiments the first is the main one.
How well a map of t-SNE keeps neighbours is recomputed where figures/tsne.csv of the build lies beside the
paper; else it is counted apart, as not recomputed.
Exit 1 where a number disagrees or could not be checked, 2 where there was nothing to read.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from judge import CHANCE, DRAWN, EXACT, FIELD, NAMES, OPEN
from report import ROW, SHOWN, Report, report


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every number agrees, 1 where one disagrees or is unchecked, 2 where nothing could be read."""
    parser = argparse.ArgumentParser(
        prog="recompute", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pdf", type=Path, help="the paper, or the folder it was built in")
    parser.add_argument("records", type=Path, help="the packed records")
    asked = parser.parse_args(arguments)
    try:
        found = report(asked.pdf / "paper.pdf" if asked.pdf.is_dir() else asked.pdf, asked.records)
    except (OSError, ValueError) as error:
        print(f"recompute: {error}", file=sys.stderr)
        return 2
    print(told(found))
    return 1 if found.wrong else 0


def told(found: Report) -> str:
    """The report in words: how many numbers were checked in which way, then each that is not right."""
    counts = Counter(each.kind for each in found.findings)
    wrong = Counter(each.kind for each in found.findings if not each.agrees)
    lines = [f"{'':28}{'checked':>8}{'disagree':>10}"]
    lines += [
        f"{kind:28}{counts[kind]:8}{wrong[kind]:10}"
        for kind in (EXACT, CHANCE, FIELD, NAMES, DRAWN, OPEN, SHOWN, ROW)
    ]
    lines += [f"{'typed and meant':28}{found.literals:8}"]
    for each in found.wrong:
        word = "unchecked" if each.kind == OPEN else "disagrees"
        lines.append(f"{word}: page {each.page}, {each.key}: printed {each.printed!r}, here {each.own!r}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

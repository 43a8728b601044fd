r"""How many typed numbers `paperkit check` finds: each form of number planted at places of the templates.

    python benchmarks/mutations.py [--each 1500] [--seed 0] [--templates FOLDER] [--missed 5]

Every form is typed into a copy of a template between two words of its prose, one at a time, at places that
the seed draws, and the template is checked. Found means: a finding of a number at that line that was not
there before. The exit code is 1 where less than 95 % of a form are found. About 3 minutes for 1,500 a form on
a free CPU core.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from paper_kit.core.paper import Paper
from paper_kit.render.proof import check_template
from paper_kit.render.proof.files import paper_findings
from paper_kit.render.proof.manuscript import expressions

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
LEAST = 0.95  # of each form
# What is no prose: tags, comments, formulas, arguments that are names, and text that was typed with a reason.
NO_PROSE = re.compile(
    r"\\(?:VAR|BLOCK|COMMENT)\{(?:[^{}]|\{[^{}]*\})*\}|(?<!\\)%[^\n]*|\$[^$]*\$"
    r"|\\begin\{(equation|algorithmic|tabular)\*?\}.*?\\end\{\1\*?\}"
    r"|\\(?:cite|ref|eqref|label|begin|end|input|includegraphics|bibliography|algnotext)(?:\[[^\]]*\])?\{[^{}]*\}"
    r"|\\literal\{[^{}]*\}\{[^{}]*\}|\\pkauthor\{[^{}]*\}",
    re.DOTALL,
)
BETWEEN = re.compile(r"(?<=[A-Za-z,;:.)}])[ \n]+(?=[A-Za-z(])")
WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "fifteen", "twenty", "thirty", "hundreds")  # fmt: skip
RANKS = ("third", "fourth", "fifth", "seventh", "tenth", "twice", "thrice", "threefold", "tenfold", "double",
         "half")  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A gap between two words of a template's prose."""

    file: str
    start: int
    end: int


def places(templates: Mapping[str, str]) -> list[Place]:
    """Every gap between two words of prose in the sections."""
    return [
        Place(name, found.start(), found.end())
        for name, source in templates.items()
        if name.startswith("sections/")
        for found in BETWEEN.finditer(NO_PROSE.sub(lambda span: "\0" * len(span[0]), source))
    ]


def integer(chance: random.Random) -> str:
    """An integer that is no year: 3 to 28,709, with or without a comma."""
    low, high = chance.choice(((3, 100), (100, 1800), (2200, 40000)))
    number = chance.randrange(low, high)
    return f"{number:,}" if chance.random() < 0.5 else str(number)


def decimal(chance: random.Random) -> str:
    """A decimal such as 72.4 or 0.83."""
    return f"{chance.uniform(0, 100):.{chance.choice((1, 2))}f}"


def spread(chance: random.Random) -> str:
    """A range such as 3--5."""
    low = chance.randrange(1, 60)
    return f"{low}--{low + chance.randrange(1, 40)}"


SYMBOLS = ("n", "k", r"\alpha", "d_k", r"\gamma")
FORMS: Mapping[str, Callable[[random.Random], str]] = {
    "integer": integer,
    "decimal": decimal,
    "percent": lambda chance: decimal(chance) + chance.choice((r"\%", r"\,\%", r"~\%", " percent")),
    "range": spread,
    "number word": lambda chance: chance.choice(WORDS),
    "ordinal or multiple": lambda chance: chance.choice(RANKS),
    "caption": lambda chance: rf"\caption{{{chance.choice(('Over', 'All', 'Of'))} {integer(chance)} runs}}",
    "multicolumn": lambda chance: rf"\multicolumn{{2}}{{c}}{{{decimal(chance)}}}",
    "table cell": lambda chance: rf"\begin{{tabular}}{{lr}} a & {decimal(chance)} \\ \end{{tabular}}",
    "formula": lambda chance: f"${chance.choice((decimal, integer))(chance)}$",
    "equation": lambda chance: f"${chance.choice(SYMBOLS)} = {chance.randrange(0, 90)}$",
    "macro argument": lambda chance: rf"\{chance.choice(('emph', 'textbf', 'texttt'))}{{{integer(chance)}}}",
    "value tag": lambda chance: rf"\VAR{{{decimal(chance)}}}",
    "set tag": lambda chance: rf"\BLOCK{{set x = {decimal(chance)}}}",
    "arithmetic": lambda chance: rf"\VAR{{results.x.y {chance.choice('+-*')} {chance.randrange(2, 9)}}}",
    "joined text": lambda chance: rf'\VAR{{"acc " ~ "{decimal(chance)}"}}',
    "text with a word": lambda chance: rf'\VAR{{"{chance.choice(WORDS)} points"}}',
}


def planted(source: str, place: Place, text: str) -> tuple[str, int]:
    """The template with the text in that gap, and the text's line."""
    before = source[: place.start] + source[place.start : place.end]
    return f"{before}{text} {source[place.end :]}", before.count("\n") + 1


@cache
def known(name: str, source: str) -> Mapping[int, int]:
    """Line -> number of findings in the template as it is."""
    return counted(name, source)


def counted(name: str, source: str) -> dict[int, int]:
    """Line -> number of findings of numbers."""
    lines: dict[int, int] = {}
    for finding in check_template(name, source, environment=ENVIRONMENT).findings:
        line = int(finding.place.rpartition(":")[2])
        lines[line] = lines.get(line, 0) + (finding.kind == "number")
    return lines


ENVIRONMENT = expressions()


def is_found(templates: Mapping[str, str], place: Place, text: str) -> bool:
    """Whether the number planted there is found, at its line."""
    source = templates[place.file]
    changed, line = planted(source, place, text)
    return counted(place.file, changed).get(line, 0) > known(place.file, source).get(line, 0)


def is_found_in_paper(chance: random.Random) -> tuple[bool, str]:
    """Whether a number planted in paper.toml is found at its line, and the text."""
    number = chance.choice((integer, decimal))(chance)
    texts = {
        "title": f'title = "Faces at {number} points"',
        "keywords": f'keywords = ["faces", "{number} classes"]',
        "acknowledgements": f'acknowledgements = "We reached {number} thanks to them."',
    }
    key = chance.choice(list(texts))
    source = f'# A paper\n\n{texts[key]}\nvenue = "article"\n'
    said = {"title": f"Faces at {number} points", "keywords": ("faces", f"{number} classes"),
            "acknowledgements": f"We reached {number} thanks to them."}[key]  # fmt: skip
    found = list(paper_findings(Paper.model_validate({key: said}), source))
    return [finding.place for finding in found] == ["paper/paper.toml:3"], texts[key]


@dataclass(frozen=True)
class Rate:
    """How many of a form were found, and what was missed, with its place."""

    form: str
    found: int
    of: int
    missed: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share that was found."""
        return self.found / self.of


def rates(templates: Mapping[str, str], each: int, seed: int) -> Iterator[Rate]:
    """The rate of each form, `each` of it planted at places that the seed draws."""
    gaps = places(templates)
    for form, make in FORMS.items():
        chance = random.Random(f"{seed} {form}")
        drawn = [(chance.choice(gaps), make(chance)) for _ in range(each)]
        lost = [(gap, text) for gap, text in drawn if not is_found(templates, gap, text)]
        missed = tuple(told(templates, gap, text) for gap, text in lost)
        yield Rate(form, each - len(missed), each, missed)
    chance = random.Random(f"{seed} paper.toml")
    results = [is_found_in_paper(chance) for _ in range(each)]
    missed = tuple(text for found, text in results if not found)
    yield Rate("paper.toml", each - len(missed), each, missed)


def told(templates: Mapping[str, str], place: Place, text: str) -> str:
    """What was planted where, for a person."""
    source = templates[place.file]
    around = f"{source[max(0, place.start - 40) : place.start]} [{text}] {source[place.end : place.end + 40]}"
    return f"{place.file}:{source.count(chr(10), 0, place.end) + 1}: {' '.join(around.split())}"


def read_templates(folder: Path = TEMPLATES) -> dict[str, str]:
    """The templates of a folder by name."""
    paths = sorted(folder.rglob("*.tex"))
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code; the rates are on stdout."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--each", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--templates", type=Path, default=TEMPLATES)
    parser.add_argument("--missed", type=int, default=0, help="how many missed ones are shown a form")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    worst = 1.0
    for rate in rates(read_templates(options.templates), options.each, options.seed):
        worst = min(worst, rate.share)
        print(f"{rate.form:20} {rate.found:6} of {rate.of:6}  {100 * rate.share:6.2f} %", flush=True)
        for missed in rate.missed[: options.missed]:
            print(f"    {missed}")
    print(f"{time.monotonic() - started:.0f} s")
    return int(worst < LEAST)


if __name__ == "__main__":
    sys.exit(main())

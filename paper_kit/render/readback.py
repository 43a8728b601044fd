"""The PDF read back: each link must show its fact's text, and each number must have come from somewhere."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paper_kit.core.paper import Paper
from paper_kit.render.check import Finding
from paper_kit.render.covered import ReadBack, cited, fact_number, plain, runs, uncovered
from paper_kit.render.furniture import NAME
from paper_kit.render.layout import Layout, Link, Word, read_layout
from paper_kit.render.manuscript import Typeset
from paper_kit.render.material import Drawn
from paper_kit.render.poppler import numbers_drawn
from paper_kit.render.signs import flipped
from paper_kit.render.typed import NUMBER, body, numbers_in_formulas, numbers_in_tables

PAGES = "pages.json"  # beside provenance.json: which facts stand on which page
FLOATED = 400  # printings in the floats at the head of a page, at most
FRONT = 5  # letters and digits of neighbouring words that tell a text of paper.toml
Run = list[tuple[Link, list[int]]]  # links to one target, each with the places of its words
_FORMULA = set("=+\N{MINUS SIGN}\u00d7\u2190\u2211\u230a\u230b\u2264\u2265\u2208\u2112\u2113")


@dataclass(frozen=True)
class Meant:
    """Numbers that are typed and no results: how often each stands in formulas; those of tables and figures.

    `front` are the texts of names, addresses, title and thanks; `names` holds the letters and digits of the
    TeX, where a name such as ResNet-50 must stand as it is printed; None takes every name.
    """

    formulas: Counter[str]
    tables: frozenset[str] = frozenset()
    figures: frozenset[str] = frozenset()
    front: tuple[str, ...] = ()
    names: str | None = None

    def knows(self, name: str) -> bool:
        """Whether a name of letters and digits is typed as such."""
        return self.names is None or _signless(name) in self.names


def read_back(pdf: Path, made: Typeset, paper: Paper, columns: int) -> tuple[ReadBack, list[Finding]]:
    """The compiled paper read back, and what is wrong in it; needs poppler's pdftotext."""
    read = ReadBack(read_layout(pdf), {fact.number: fact for fact in made.facts}, columns)
    pictures = [_numbers(drawn) for drawn in made.figures.values() if drawn.pdf]
    own = (path.read_bytes() for path in _own_pictures(made.tex, pdf.parent))
    pictures += [numbers_drawn(picture) or frozenset() for picture in own]
    meant = Meant(
        numbers_in_formulas(made.tex),
        numbers_in_tables(made.tables.values()),
        frozenset().union(*pictures),
        tuple(_signless(text) for text in front_texts(paper)),
        _signless(body(made.tex)),
    )
    return read, [*misprints(read), *_signed(read), *untraced(read, meant)]


def _numbers(drawn: Drawn) -> frozenset[str]:
    return drawn.numbers if drawn.numbers is not None else numbers_drawn(drawn.pdf) or frozenset()


def front_texts(paper: Paper) -> list[str]:
    """What paper.toml prints of a paper: title, keywords, authors, thanks and the address of the code."""
    fields = [paper.title, " ".join(paper.keywords), paper.acknowledgements, paper.code_url]
    fields += [str(value) for author in paper.authors for value in author.model_dump().values()]
    return [text for text in fields if text]


def _own_pictures(tex: str, folder: Path) -> Iterator[Path]:
    """The PDF files of the templates' own that the text shows."""
    for name in set(re.findall(r"\\includegraphics\s*(?:\[[^\]]*\])?\s*\{([^{}]+)\}", tex)):
        path = folder / (name if name.endswith(".pdf") else f"{name}.pdf")
        if path.is_file():
            yield path


def _signless(text: str) -> str:
    """Letters and digits of a text alone, small."""
    return re.sub(r"[\W_]", "", plain(text))


def pages_json(read: ReadBack, digest: str) -> bytes:
    """pages.json: the facts of each page, with the digest of the provenance.json that numbers them.

    The supplement's pages follow those of the paper, `paper_pages` in number.
    """
    value: dict[str, Any] = {
        "provenance": digest, "paper_pages": read.layout.paper_pages, "pages": read.pages()
    }  # fmt: skip
    return (json.dumps(value) + "\n").encode()


def misprints(read: ReadBack) -> Iterator[Finding]:
    """Links whose words are not their fact's, and facts of the text that no link shows."""
    shown: set[int] = set()
    for links in _printings(read):
        number = fact_number(links[0][0].target)
        fact = read.facts.get(number)
        if fact is None:
            continue
        shown.add(number)
        pieces = _texts(read, links)
        if not _prints(pieces, fact.text):
            told = f'{fact.name} is "{fact.text}", but the page shows "{" ".join(pieces)}"'
            cure = "a command around it changes its text: set it outside of that command."
            yield Finding("misprint", f"page {links[0][0].box.page}", f"{told}; {cure}")
    for number, fact in read.facts.items():
        if fact.places and number not in shown:
            told = f'{fact.name} is printed as "{fact.text}", but no link of the PDF shows it'
            yield Finding(
                "misprint", str(fact.places[0]), f"{told}; is it inside of another command's argument?"
            )


def _printings(read: ReadBack) -> Iterator[Run]:
    """The runs of links, those joined again that a float at the head of a column or page parts."""
    left = list(runs(read.words_of))
    while left:
        run = left.pop(0)
        fact = read.facts.get(fact_number(run[0][0].target))
        if fact and not _prints(_texts(read, run), fact.text):
            target = run[0][0].target
            at = next((at for at, other in enumerate(left[:FLOATED]) if other[0][0].target == target), -1)
            if at >= 0 and _goes_on(read, run, left[at], fact.text):
                run = [*run, *left.pop(at)]
        yield run


def _goes_on(read: ReadBack, run: Run, later: Run, text: str) -> bool:
    """Whether a printing that a run begins may end in a later one: in another column, and no whole one."""
    before, after = run[-1][0].box, later[0][0].box
    elsewhere = after.page > before.page or after.top < before.top
    return elsewhere and not _prints(_texts(read, later), text)


def _texts(read: ReadBack, run: Run) -> list[str]:
    return ["".join(read.layout.words[place].text for place in places) for _, places in run]


def _signed(read: ReadBack) -> Iterator[Finding]:
    """Facts before which a sign is typed that makes another number of them."""
    for place, fact in flipped(read):
        told = f'{fact.name} is "{fact.text}", but a minus is typed before it: "… {_around(read, place)} …"'
        yield Finding(
            "misprint", f"page {read.layout.words[place].box.page}", f"{told}; a fact prints its own sign."
        )


def untraced(read: ReadBack, meant: Meant) -> Iterator[Finding]:
    """Numbers in the PDF that are no fact, no literal, not cited, and count or name nothing."""
    left = Counter(meant.formulas)
    found: list[tuple[int, str]] = []
    typed = list(_typed(read, meant))
    typed.sort(key=lambda each: not _formula(read, each[0]))  # formulas take what formulas have first
    for place, number in typed:
        stacked = _formula(read, place) and number.isdigit() and len(number) < 4  # ½ may be read as 12
        taken = next((each for each in ([number], [*number]) if _all_left(left, each)), None)
        if taken is None or (len(taken) > 1 and not stacked):
            found.append((place, number))
        else:
            left -= Counter(taken)
    for place, number in sorted(found):
        yield _untraced(read, place, number)


def _all_left(left: Counter[str], numbers: Sequence[str]) -> bool:
    return all(left[number] >= count for number, count in Counter(numbers).items())


def _typed(read: ReadBack, meant: Meant) -> Iterator[tuple[int, str]]:
    """(place of its word, number) of the numbers in the text that nothing accounts for but formulas."""
    for place, word in enumerate(read.layout.words):
        if word.box.page > read.layout.body_pages or not any(sign.isdigit() for sign in word.text):
            continue
        left = NAME.sub(lambda name: " " if meant.knows(name[0]) else name[0], uncovered(read, place))
        numbers = NUMBER.findall(left)
        if not numbers or read.furniture.holds(place) or _fronts(read, place, meant.front):
            continue
        known = meant.tables if _inside(read.layout, "table", word) else frozenset()
        known |= meant.figures if _inside(read.layout, "figure", word) else frozenset()
        if not cited(read, place):
            yield from ((place, number) for number in numbers if number not in known)


def _fronts(read: ReadBack, place: int, front: Sequence[str]) -> bool:
    """Whether the word and its neighbours are a part of what paper.toml prints."""
    words = [_signless(word.text) for word in read.layout.words[max(0, place - 2) : place + 3]]
    here = min(place, 2)
    if words[here] in front:
        return True
    if read.layout.words[place].box.page == 1 and re.fullmatch(r"[1-9]", words[here]):
        name, address = "".join(words[here - 1 : here]), "".join(words[here + 1 : here + 2])
        if any(len(name) > 1 and text.endswith(name) for text in front):  # the number of an author's address
            return True
        if any(len(address) > 1 and text.startswith(address) for text in front):
            return True
    spans = [words[start : start + size] for size in (2, 3) for start in range(here - size + 1, here + 1)]
    joined = ["".join(span) for span in spans]
    joined = [each for each in joined if len(each) >= FRONT and each != words[here]]
    return any(each in text for each in joined for text in front)


def _formula(read: ReadBack, place: int) -> bool:
    """Whether a letter or sign of a formula stands beside the word."""
    near = "".join(word.text for word in read.layout.words[max(0, place - 1) : place + 2])
    return any(sign in _FORMULA or "\U0001d400" <= sign <= "\U0001d7ff" for sign in near)


def _untraced(read: ReadBack, place: int, number: str) -> Finding:
    cure = rf"print the fact, or write \literal{{{number}}}{{why it is typed}}"
    return Finding(
        "untraced",
        f"page {read.layout.words[place].box.page}",
        f'{number} in "… {_around(read, place)} …" is no fact; {cure}.',
    )


def _around(read: ReadBack, place: int) -> str:
    return " ".join(word.text for word in read.layout.words[max(0, place - 4) : place + 4])


def _prints(pieces: Sequence[str], text: str) -> bool:
    """Whether the words under some links hold the text once or several times, not within a longer number."""
    wanted = re.escape(plain(text))
    whole = re.compile(rf"(?<!\d)(?<!\d[.,]){wanted}(?!\d)(?![.,]\d)")
    words = len(text.split(" "))  # each is a link of its own, and two where it is broken at a line's end
    if len(pieces) > words and len(pieces) % words == 0:
        parts = ["".join(pieces[at : at + words]) for at in range(0, len(pieces), words)]
        if all(whole.search(plain(part)) for part in parts):
            return True
    joined = plain("".join(pieces))
    unbroken = plain("".join(piece.rstrip("-\N{HYPHEN}") for piece in pieces))
    return any(whole.search(each) for each in (joined, unbroken)) or not text


def _inside(layout: Layout, kind: str, word: Word) -> bool:
    return any(
        box.page == word.box.page
        and box.top - 2 <= word.box.middle <= box.bottom + 2
        and box.left - 2 <= (word.box.left + word.box.right) / 2 <= box.right + 2
        for box in layout.regions[kind]
    )

"""Manuscript: the author's words, and which facts, tables and figures they place; set as one TeX file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, count
from pathlib import Path
from typing import Any

from paper_kit.analysis.artifacts import Diagram, Figure, Note, Table
from paper_kit.analysis.claims import Judged
from paper_kit.analysis.facts._tree import fact_trees
from paper_kit.core.errors import InputError
from paper_kit.core.paper import Paper
from paper_kit.render.captions import with_notes
from paper_kit.render.editions import Edition, nameless, telling, without_telling
from paper_kit.render.environment import TexEnvironment
from paper_kit.render.frontmatter import front_matter
from paper_kit.render.material import Drawn, Material
from paper_kit.render.narrow import Line
from paper_kit.render.printer import PrintedFact, Printer, same_digits
from paper_kit.render.provenance import Provenance, provenance, provenance_tex
from paper_kit.render.source_map import PRIVATE, Place, SourceMap, split_marks
from paper_kit.render.tabular import tabular
from paper_kit.render.template_errors import told
from paper_kit.render.tex import Tex, escape, join, label
from paper_kit.render.tikz import picture
from paper_kit.render.venue import CLASS_FILES, Venue, inside_class
from paper_kit.render.verbs import subject, verbs

MAIN = "manuscript.tex"
MACROS = "macros.tex"  # plain TeX, copied as it is
COPIED = {".bib", ".pdf", ".png", ".jpg", ".jpeg"}  # what a template may read beside TeX
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")  # not tab, line feed, form feed, return
_FACT = re.compile(r"\\pkfact\{(\d+)\}")
_DIAGRAM = re.compile(r"\\pkdiagram\{.*?\}\{figures/([\w-]+)\.tex\}")


@dataclass(frozen=True)
class Manuscript:
    """The templates by name, the files that they read, and paper.toml; errors call the folder `folder`."""

    templates: Mapping[str, str]
    files: Mapping[str, bytes]
    paper: Paper
    folder: str = "templates"


@dataclass(frozen=True)
class Typeset:
    """A manuscript set for one venue: TeX, each line's template, and what was printed and placed."""

    tex: str
    lines: SourceMap
    facts: tuple[PrintedFact, ...]
    tables: Mapping[str, Table]
    figures: Mapping[str, Drawn]
    claims: tuple[Judged, ...] = ()
    family: tuple[Mapping[str, Any], ...] = ()  # every test of the document
    registry: Mapping[str, str] = field(default_factory=dict)  # every fact, printed or not: key -> text
    provenance: Provenance = field(default_factory=Provenance)
    edition: Edition = "linked"
    withheld: tuple[str, ...] = ()  # what a blind edition may not tell, of the commit and the build
    marked: str = ""  # the TeX with the marks of source_map: each piece knows its template
    diagrams: Mapping[str, str] = field(default_factory=dict)  # stem -> TikZ, which the TeX reads in


def load_manuscript(folder: Path, paper: Paper, *, shown: str = "templates") -> Manuscript:
    """The manuscript of a templates folder; InputError names every file that cannot be read as UTF-8."""
    if not (folder / MAIN).is_file():
        raise InputError(
            f"{folder / MAIN}: there is no such file. Type `paperkit init` in an empty folder to get one."
        )
    templates: dict[str, str] = {}
    files: dict[str, bytes] = {}
    problems: list[str] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(part.startswith(".") for part in path.relative_to(folder).parts) or path.is_dir():
            continue
        try:
            if path.suffix == ".tex" and name != MACROS and not inside_class(name):
                templates[name] = _read_template(path, folder)
            elif name == MACROS or inside_class(name) or path.suffix in COPIED | CLASS_FILES:
                _refuse_far_link(path, folder)
                files[name] = path.read_bytes()
        except OSError as error:
            problems.append(f"{path}: cannot be read ({error.strerror}).")
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return Manuscript(templates, files, paper, shown)


def _read_template(path: Path, folder: Path) -> str:
    """The text of a template; InputError where it lies elsewhere, or is none that TeX can read."""
    _refuse_far_link(path, folder)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8.") from None
    found = PRIVATE.search(text) or CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        what = f"the sign U+{ord(found[0]):04X} cannot be set"
        raise InputError(f"{path}:{line}: {what}; remove it, or put a text in place of this file.")
    return text


def _refuse_far_link(path: Path, folder: Path) -> None:
    """Nothing; InputError for a link out of the study: what it shows would go into the paper."""
    if not path.resolve().is_relative_to(folder.resolve().parent):
        raise InputError(f"{path}: this link leads out of the study; put the file itself there.")


def typeset(manuscript: Manuscript, material: Material, venue: Venue, edition: Edition = "linked") -> Typeset:
    """The manuscript as one TeX file; InputError says file:line of a template that cannot be set."""
    withheld: tuple[str, ...] = ()
    if edition == "blind":
        manuscript = replace(manuscript, paper=nameless(manuscript.paper))
        venue, withheld = venue.for_reviewers(), telling(material.facts)
        material = replace(material, facts=without_telling(material.facts))
    claims = material.claims
    claims.clear()
    material.resume()
    while True:  # a claim met for the first time changes the corrected p of the others, and so their words
        claims.begin_round()
        made = _set_once(manuscript, material, venue, edition)
        if material.draw_waiting():  # figures were left out: the document is set from its start with them
            claims.clear()
        elif claims.settled:
            same_digits(made.facts)
            return replace(made, withheld=withheld)
        elif claims.resumed:  # it was the family of another document
            claims.clear()


def _set_once(manuscript: Manuscript, material: Material, venue: Venue, edition: Edition) -> Typeset:
    """The manuscript set with the family of tests as it is."""
    printer = Printer(material.stale_runs)
    artifacts = Artifacts(material, printer, venue.line)
    environment = TexEnvironment(manuscript.templates, manuscript.folder, printer.show, material.claims)
    names = {
        **_of_study(material),
        **front_matter(manuscript.paper, venue, manuscript.templates),
        **verbs(environment.judge),
        "subject": subject(material.seeds, printer.show),
        "table": artifacts.table,
        "figure": artifacts.figure,
        "edition": edition,
        "provenance": lambda: provenance_tex(provenance(printer.printed, material.runs), artifacts.tables),
    }
    with told(manuscript.folder, manuscript.templates, [*names, *environment.globals]):
        marked = with_notes(environment.get_template(MAIN).render(names))
    shown = [f"{manuscript.folder}/{name}" for name in manuscript.templates]
    tex, lines = split_marks(marked, shown)
    facts = _placed(printer.printed, tex, lines, artifacts.diagrams)
    claims = tuple(environment.judged)
    registry = {key: fact.text for key, fact in material.facts.items()}
    found = provenance(facts, material.runs)
    return Typeset(
        tex=tex,
        lines=lines,
        facts=facts,
        tables=artifacts.tables,
        figures=artifacts.figures,
        claims=claims,
        family=tuple(material.claims.family()),
        registry=registry,
        provenance=found,
        edition=edition,
        marked=marked,
        diagrams=artifacts.diagrams,
    )


def _of_study(material: Material) -> dict[str, Any]:
    """What templates may say of the study: facts, switches, and the lines of its audits."""
    audits = [
        {"name": line.name, "outcome": line.outcome, "found": Note(*line.parts)} for line in material.audits
    ]
    return {**fact_trees(material.facts), **material.switches, "audits": audits}


SUBJECTS = ("experiment", "model", "metric")  # options that say what an artifact is of, and name its files


class Artifacts:
    """The tables and figures that a manuscript places, each made once, by the stem of their files."""

    def __init__(self, material: Material, printer: Printer, line: Line) -> None:
        self._material = material
        self._line = line
        self._printer = printer
        self._stems: dict[tuple[str, str, str], str] = {}
        self.tables: dict[str, Table] = {}
        self.figures: dict[str, Drawn] = {}
        self.diagrams: dict[str, str] = {}

    def table(self, name: str, **options: Any) -> Tex:
        """The table of that name as TeX; the options are the plug-in's."""
        stem = self._stem("table", name, options)
        if stem not in self.tables:
            self.tables[stem] = self._material.table(name, options)
        return tabular(self.tables[stem], self._printer.show, self._line)

    def figure(self, name: str, **options: Any) -> Tex:
        """The figure of that name as wide as the line it stands in; its notes end its caption."""
        stem = self._stem("figure", name, options)
        if stem not in self.figures:
            drawn = self._material.figure(name, options)
            if drawn is None:
                return Tex("")
            self.figures[stem] = drawn
        figure = self.figures[stem].figure
        shown = self._diagram(stem, figure) if isinstance(figure, Diagram) else self._picture(stem, figure)
        notes = join((self._printer.show(note) for note in figure.notes), Tex(r"\par "))
        return Tex(shown + Tex(rf"\pknotes{{{notes}}}")) if notes else shown

    def _picture(self, stem: str, figure: Figure) -> Tex:
        options = rf"width=\linewidth,alt={{{escape(figure.alt)}}}"
        return Tex(rf"\pkfigure{{\includegraphics[{options}]{{figures/{stem}.pdf}}}}")

    def _diagram(self, stem: str, diagram: Diagram) -> Tex:
        self.diagrams[stem] = picture(diagram, self._printer.show)
        return Tex(rf"\pkdiagram{{{escape(diagram.alt)}}}{{figures/{stem}.tex}}")

    def _stem(self, kind: str, name: str, options: Mapping[str, Any]) -> str:
        """The name of the artifact's files, such as "layers-emotion-vit"; another one's gets a number."""
        asked = (kind, name, repr(sorted(options.items())))
        if asked not in self._stems:
            stem = "-".join([label(name), *(label(options[key]) for key in SUBJECTS if options.get(key))])
            known = {made for (each, *_), made in self._stems.items() if each == kind}
            stems = chain([stem], (f"{stem}-{number}" for number in count(2)))
            self._stems[asked] = next(free for free in stems if free not in known)
        return self._stems[asked]


def _placed(
    facts: tuple[PrintedFact, ...], tex: str, lines: SourceMap, diagrams: Mapping[str, str]
) -> tuple[PrintedFact, ...]:
    """The facts with the places that print them; those of a diagram stand where it is placed."""
    places: dict[int, dict[Place, None]] = {}
    for number, row in enumerate(tex.split("\n"), start=1):
        inner = (diagrams.get(stem, "") for stem in _DIAGRAM.findall(row))
        for found in _FACT.findall("".join([row, *inner])):
            places.setdefault(int(found), {})[lines.place(number)] = None
    return tuple(replace(fact, places=tuple(places.get(fact.number, ()))) for fact in facts)

"""A paper's TeX in the words that pandoc knows: numbers, citations and our own commands are resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from paper_kit.analysis.artifacts import Table
from paper_kit.render.exports.flatten import without_comments
from paper_kit.render.exports.web_floats import Float, Grid, replaced, with_floats, with_tables
from paper_kit.render.exports.web_numbers import Numbers, bracket, letters
from paper_kit.render.lexer import closing_brace
from paper_kit.render.manuscript import Typeset
from paper_kit.render.narrow import Line
from paper_kit.render.printer import Printer
from paper_kit.render.tabular import tabular
from paper_kit.render.tex import MATHS

# The front matter of every venue, for pandoc.
FRONT = r"""\begin{pkfronttitle}
\BLOCK{include "sections/title.tex"}
\end{pkfronttitle}
\BLOCK{for author in authors}
\begin{pkfrontauthor}
\VAR{author.name}
\BLOCK{for line in author.lines}

\VAR{line}
\BLOCK{endfor}
\end{pkfrontauthor}
\BLOCK{endfor}
\begin{pkfrontabstract}
\BLOCK{include "sections/abstract.tex"}
\end{pkfrontabstract}
\begin{pkfrontkeywords}
\BLOCK{include "venues/shared/keywords.tex"}
\end{pkfrontkeywords}
"""
# What macros.tex and bibliographies define, in pandoc's words; a link of ours is resolved in the tree.
MACROS = r"""\newcommand{\pkfact}[2]{\href{pk:#1}{#2}}
\newcommand{\pkto}[2]{\href{pkto:#1}{#2}}
\newcommand{\pkrun}[1]{\par #1\par}
\newcommand{\pkline}[2]{\par\emph{#1} #2\par}
\newcommand{\pkprovenance}[1]{\begin{pkorigins}#1\end{pkorigins}}
\newcommand{\pkmissing}[1]{\textcolor{pkmark}{#1}}
\newcommand{\pkstale}[1]{\textcolor{pkmark}{#1}}
\newcommand{\pkplaceholder}[1]{\textcolor{pkmark}{#1}}
\newcommand{\pkgrey}[1]{\textcolor{pkgrey}{#1}}
\newcommand{\pkauthor}[1]{}
\newcommand{\pkmark}[1]{}
\newcommand{\pktarget}[1]{}
\newcommand{\pkattach}[3]{}
\newcommand{\pkappendix}{}
\newcommand{\pkfigure}[1]{#1}
\newcommand{\pktable}[2]{#1\par #2\par}
\newcommand{\pknotes}[1]{\par #1\par}
\newcommand{\literal}[2]{#1}
\newcommand{\opinion}[1]{#1}
\newcommand{\newblock}{}
\newcommand{\bibinfo}[2]{#2}
\newcommand{\bibfield}[2]{#2}
\newcommand{\bibnamefont}[1]{#1}
\newcommand{\natexlab}[1]{#1}
\newcommand{\showarticletitle}[1]{#1}
\newcommand{\showDOI}[1]{#1}
\newcommand{\showISBNx}[1]{#1}
\newcommand{\showISSN}[1]{#1}
\newcommand{\path}[1]{\texttt{#1}}
\newcommand{\BIBentryALTinterwordspacing}{}
\newcommand{\BIBentrySTDinterwordspacing}{}
\newcommand{\BIBforeignlanguage}[2]{#2}
\newcommand{\urlprefix}{}
"""
_MATH = re.compile(r"(?<!\\)\$(?:\\.|[^$\\])+\$", re.DOTALL)
_EQUATION = re.compile(
    r"\\begin\{(equation|align|gather|multline)(\*?)\}(.*?)\\end\{\1\2\}|\\\[(?P<plain>.*?)\\\]", re.DOTALL
)
SIGNS = {tex: sign for sign, tex in MATHS.items()}
_SIGN = re.compile(r"\\ensuremath\{([^{}]*(?:\{\\circ\})?)\}")
_LABEL = re.compile(r"\s*\\label\{([^{}]+)\}")
_HEADING = re.compile(r"\\(section|subsection|subsubsection)\s*(?:\[[^\]]*\])?\{")
_CITE = re.compile(r"\\[cC]ite(?:p|t|alp|alt|author)?\*?(?:\[([^\]]*)\])?(?:\[([^\]]*)\])?\{([^{}]+)\}")
_REF = re.compile(r"\\(eqref|ref|autoref|cref|Cref)\{([^{}]+)\}")
_PICTURE = re.compile(r"\\includegraphics\s*(?=[\[{])")
_ALT = re.compile(r"(?:^|,)\s*alt=\{")
_OWN = re.compile(r"^\\(?:re)?newcommand\*?\s*(?!\{?\\(?:pk|@))|^\\DeclareMathOperator", re.MULTILINE)
_JOINED = re.compile(r"(?<!\\)%\n[ \t]*(?!\n)")  # pandoc would read a space
_SKIPS = re.compile(r"\\hskip[^\\]*\\relax")
_TOLD = re.compile(r"\\pkto\{([\d,]+)\}")
_UNSET = re.compile(r"\\pkunset\{([0-9A-Fa-f]+)\}")


@dataclass(frozen=True)
class Source:
    """TeX for pandoc, with what its reader cannot carry: floats, grids of tables, equations' numbers."""

    tex: str
    floats: tuple[Float, ...]
    grids: tuple[Grid, ...]
    equations: tuple[tuple[str, str], ...]  # (label, number)
    references: tuple[str, ...]  # bib keys
    origins: frozenset[int]  # numbers of the facts that the provenance appendix tells of


def source(made: Typeset, numbers: Numbers, line: Line) -> Source:
    """The TeX of a paper, whose front matter is FRONT, with the numbers of its PDF."""
    printer = Printer(printed=made.facts)

    def written(table: Table) -> str:
        return str(tabular(table, printer.show, line))

    preamble, _, rest = made.tex.partition(r"\begin{document}")
    body = rest.rpartition(r"\end{document}")[0]
    body, grids = with_tables(body, made.tables, written, printer.show)
    body = _JOINED.sub("", without_comments(body))
    body = _pictures(_front(body))
    body, floats = with_floats(body, numbers)
    body = _MATH.sub(lambda found: _formula(found[0]), body)
    body, equations = _equations(body, numbers)
    body = _SIGN.sub(lambda found: SIGNS.get(found[1], found[0]), body)
    body = _headings(body, numbers)
    body = _CITE.sub(lambda found: _cited(found, numbers.cited), body)
    body = _REF.sub(lambda found: _referred(found, numbers.labels), body)
    body = _UNSET.sub(lambda found: chr(int(found[1], 16)), body)
    body = _references(body, numbers)
    told = _TOLD.findall(body)
    return Source(
        tex="\n".join([MACROS, _macros_of(preamble), body]),
        floats=floats,
        grids=grids,
        equations=equations,
        references=tuple(name for name, _ in numbers.references),
        origins=frozenset(int(number) for each in told for number in each.split(",")),
    )


def _front(body: str) -> str:
    """The body; a supplement is a part of the page, with a heading."""
    supplement = "\n\n\\section*{Supplementary Material}\n\n"
    return replaced(body, "pksupplement", 2, lambda _: supplement)


def _macros_of(preamble: str) -> str:
    """The definitions of commands in a preamble that are the author's own, one a line."""
    found = []
    for line in preamble.splitlines():
        known = _OWN.match(line) and line.count("{") == line.count("}")
        found += [line.partition("%")[0]] if known and "\\pk" not in line else []
    return "\n".join(found)


def _pictures(body: str) -> str:
    r"""The body with each picture as a link `pkimage:` around the text for those who cannot see it."""
    body = replaced(body, "pkdiagram", 2, lambda given: rf"\href{{pkimage:{given[1]}}}{{{given[0]}}}")
    pieces, position = [], 0
    for found in _PICTURE.finditer(body):
        start = found.end()
        options = body[start + 1 : start + 1 + bracket(body[start + 1 :]) - 1] if body[start] == "[" else ""
        opening = start + (len(options) + 2 if body[start] == "[" else 0)
        end = closing_brace(body, opening + 1)
        alt = _ALT.search(options)
        words = options[alt.end() : closing_brace(options, alt.end()) - 1] if alt else ""
        file = body[opening + 1 : end - 1]
        pieces += [body[position : found.start()], rf"\href{{pkimage:{file}}}{{{words or 'picture'}}}"]
        position = end
    return "".join([*pieces, body[position:]])


def _formula(tex: str) -> str:
    """A formula without the commands that stand for facts and signs in text."""
    tex = replaced(tex, "pkfact", 2, lambda given: given[1])
    for name in ("pkmissing", "pkstale", "pkgrey", "ensuremath"):
        tex = replaced(tex, name, 1, lambda given: f"{{{given[0]}}}")
    return replaced(tex, "literal", 2, lambda given: given[0])


def _equations(body: str, numbers: Numbers) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The body with each displayed formula in an environment `pkequation`; (label, number) of each."""
    told: list[tuple[str, str]] = []
    last = 0

    def environment(found: re.Match[str]) -> str:
        nonlocal last
        kind, inside = found[1] or "equation", found["plain"] or found[3] or ""
        labels = _LABEL.findall(inside)
        known = [numbers.labels.get(label, "") for label in labels]
        rows = (
            1
            if kind in ("equation", "multline")
            else len(re.split(r"\\\\", inside.strip().removesuffix(r"\\")))
        )
        rows -= len(re.findall(r"\\(?:nonumber|notag)(?![A-Za-z])", inside))
        counted = 0 if found[2] or found["plain"] is not None else max(rows, 0)
        if counted > len(known) or not all(known):
            known = [str(last + place) for place in range(1, counted + 1)]
        last = max([last, *(int(number) for number in known if number.isdigit())])
        told.append((labels[0] if labels else "", ", ".join(f"({number})" for number in known)))
        formula = _formula(re.sub(r"\\(?:nonumber|notag)(?![A-Za-z])", "", _LABEL.sub("", inside))).strip()
        inner = {"align": "aligned", "gather": "gathered", "multline": "gathered"}.get(kind)
        shown = rf"\begin{{{inner}}}{formula}\end{{{inner}}}" if inner else formula
        return (
            f"\n\n\\begin{{pkequation}}\nPKEQUATION{len(told) - 1}\n\n\\[{shown}\\]\n\\end{{pkequation}}\n\n"
        )

    return _EQUATION.sub(environment, body), tuple(told)


def _headings(body: str, numbers: Numbers) -> str:
    """The body with the number of each heading before its title, in a link `pkno:`."""
    listed = list(numbers.headings)
    appendix = re.search(r"\\pkappendix(?![A-Za-z])", body)
    pieces, position = [], 0
    for found in _HEADING.finditer(body):
        end = closing_brace(body, found.end())
        title, wanted = body[found.end() : end - 1], (found[1], letters(body[found.end() : end - 1]))
        place = next((at for at, (kind, _, told) in enumerate(listed) if (kind, told) == wanted), -1)
        number = listed[place][1] if place >= 0 else ""
        listed = listed[place + 1 :]
        if number and found[1] == "section" and appendix and found.start() > appendix.start():
            number = f"Appendix {number}" if not number.startswith("Appendix") else number
        shown = rf"\href{{pkno:}}{{{number}}} {title}" if number else title
        pieces += [body[position : found.start()], rf"\{found[1]}{{{shown}}}"]
        position = end
    return "".join([*pieces, body[position:]])


def _cited(found: re.Match[str], cited: Mapping[str, str]) -> str:
    """The numbers of the works that a command cites, in order, each a link to its reference."""
    keys = [name.strip() for name in found[3].split(",")]
    known = sorted(keys, key=lambda name: (not cited.get(name, "").isdigit(), cited.get(name, "").zfill(5)))
    shown = ", ".join(rf"\href{{\#ref-{name}}}{{{cited.get(name, '?')}}}" for name in known)
    note = found[2] if found[2] is not None else found[1]
    return f"{{[}}{shown}{', ' + note if note else ''}{{]}}"


def _referred(found: re.Match[str], labels: Mapping[str, str]) -> str:
    number = labels.get(found[2], "??")
    shown = rf"\href{{\#{found[2]}}}{{{number}}}"
    return f"({shown})" if found[1] == "eqref" else shown


def _references(body: str, numbers: Numbers) -> str:
    r"""The body with the list of references in the place of \bibliography."""
    items = []
    for place, (name, tex) in enumerate(numbers.references):
        written = re.sub(r"\s+", " ", _SKIPS.sub(" ", re.sub(r"%\s*\n\s*", "", tex)))
        shown = f"{{[}}{numbers.cited.get(name, '')}{{]}}~{written}"
        items.append(f"\\begin{{pkreference}}\nPKREFERENCE{place}\n\n{shown}\n\\end{{pkreference}}")
    listed = "\n\n".join(["\\section*{References}", *items]) if items else ""
    body = replaced(body, "bibliographystyle", 1, lambda _: "")
    return replaced(body, "bibliography", 1, lambda _: f"\n\n{listed}\n\n")


def pictured(tex: str) -> list[str]:
    """The files of the pictures that a text for pandoc places."""
    return re.findall(r"\\href\{pkimage:([^{}]+)\}", tex)

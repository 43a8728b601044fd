"""The commands of LaTeX that a template may use: which arguments are text, and which are layout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from pylatexenc.latexwalker import get_default_latex_context_db
from pylatexenc.macrospec import (
    EnvironmentSpec,
    LatexContextDb,
    MacroSpec,
    MacroStandardArgsParser,
    SpecialsSpec,
)

# Each argument is "*", "[" or "{", then how it is read:
#   h  hidden: a name, a length, a number of columns
#   t  text of the sentence around it
#   s  a text of its own, such as a caption
_CITES = ("cite", "citep", "citet", "citealt", "citealp", "citeauthor", "parencite", "textcite", "nocite")
_REFERENCES = ("ref", "eqref", "autoref", "cref", "Cref", "pageref", "nameref", "label", "hyperlink")
_HIDDEN = {
    "{h": "input include bibliography bibliographystyle bstctlcite phantom hphantom vphantom date tag url "
    "path nolinkurl usetikzlibrary pagestyle thispagestyle pagenumbering linespread setstretch "
    "selectlanguage algnotext hypersetup pagecolor graphicspath hyphenation pkauthor",
    "*{h": "hspace vspace",
    "{h{h": "setlength addtolength setcounter addtocounter fontsize",
    "[h{h": "documentclass usepackage color captionsetup pagebreak",
    "{h{h{h": "definecolor",
    "[h{h{h": "rule",
    "[h": "footnotemark linebreak",
}
_TEXT = {
    "*{h[h[t{s": "newcommand renewcommand providecommand",
    "*[t{s": "part chapter section subsection subsubsection paragraph subparagraph",
    "[s{s": "caption",
    "*{s": "captionof",
    "[h{s": "footnote footnotetext",
    "{s": "title thanks author",
    "{h{h{t": "multicolumn multirow addcontentsline resizebox",
    "{h{t": "href pkcell pkfact scalebox",
    "[h{h{t": "textcolor colorbox",
    "[h[h[h{h{t": "parbox",
    "{h[h[h{t": "raisebox",
    "[h[h{t": "makebox framebox",
    "*[h": "\\",
    "{t": "emph textbf textit texttt textsc textsf textrm text mbox underline opinion pkgrey",
    "{h{h": "literal",
}
_ENVIRONMENTS = {
    "[h": "figure figure* table table* algorithm algorithm* algorithmic itemize enumerate description center",
    "{h": "multicols thebibliography",
    "[h{h": "tabular array longtable subfigure subtable wraptable tabulary",
    "{h[h{h": "tabular* tabularx",
    "[h[h[h{h": "minipage",
    "[h{h[h{h": "wrapfigure",
}
CITES = frozenset(_CITES)
REFERENCES = frozenset(_REFERENCES)
BREAKS = frozenset({"\\", "item", "par", "newline", "linebreak", "State", "Statex", "Require", "Ensure",
                    "Comment", "hline", "midrule", "toprule", "bottomrule", "tabularnewline"})  # fmt: skip
# Commands that print nothing of their own between the letters of a word.
_WEIGHTLESS_WORDS = (
    "- / relax protect null allowbreak nobreak itshape bfseries mdseries upshape scshape slshape normalfont "
    "rmfamily sffamily ttfamily selectfont em emph textbf textit texttt textsc textsf textrm textsl textup "
    "textmd text mbox underline pkgrey textcolor ensuremath"
)
WEIGHTLESS = frozenset(_WEIGHTLESS_WORDS.split())
# Commands that print or set what TeX counts, for which there is no fact.
COUNTERS = re.compile(
    r"arabic|[rR]oman|[aA]lph|number|romannumeral|numexpr|the|value|fnsymbol|(?:re|set|add|step|refstep)(?:to)?counter"
    r"|the(?!ta$|page|(?:sub){0,2}section|chapter|part|figure|table|equation|footnote|algorithm|ALG)[A-Za-z]+"
)
# Counters that lay out a page, and are not printed.
LAYOUT_COUNTERS = frozenset(
    ("secnumdepth", "tocdepth", "topnumber", "bottomnumber", "totalnumber", "dbltopnumber")
)
# A rule under some columns, and primitives that take a number without braces.
UNBRACED = {
    **dict.fromkeys(("cmidrule", "cline"), r"\s*(?:\[[^\]]*\])?(?:\([^)]*\))?\{[^{}]*\}"),
    **dict.fromkeys(
        ("kern", "hskip", "vskip", "penalty", "raise", "lower", "parskip", "parindent", "tabcolsep",
         "arraystretch", "baselineskip", "hyphenpenalty", "tolerance", "clubpenalty", "widowpenalty"),
        r"\s*=?\s*-?[\d.]*\s*(?:pt|em|ex|cm|mm|in|bp|sp|\\[a-z]+(?:width|height|skip))?",
    ),
}  # fmt: skip


def _spelled(*tables: Mapping[str, str]) -> dict[str, str]:
    return {name: spec for table in tables for spec, names in table.items() for name in names.split()}


MACROS: Mapping[str, str] = {
    **dict.fromkeys(_CITES, "*[h[h{h"),
    **dict.fromkeys(_REFERENCES, "*{h"),
    **_spelled(_HIDDEN, _TEXT),
    "includegraphics": "*[h{h",
    "item": "[t",
    "textsubscript": "{t",
    "textsuperscript": "{t",
}
ENVIRONMENTS: Mapping[str, str] = _spelled(_ENVIRONMENTS)
VERBATIM = "verbatim"  # its text is what pylatexenc takes for its argument


def readings(spec: str) -> str:
    """How each argument of a specification is read, one letter each; a star is hidden."""
    return spec.replace("*", "*h")[1::2]


def _arguments(spec: str) -> MacroStandardArgsParser:
    letters = spec.replace("*", "*h")[0::2]
    return MacroStandardArgsParser(letters, optional_arg_no_space=True)


@cache
def context() -> LatexContextDb:
    """What pylatexenc needs to know of these commands, beside those that it knows."""
    known = get_default_latex_context_db().filter_context(exclude_categories=("nonascii-specials",))
    known.add_context_category(
        "paperkit",
        macros=[MacroSpec(name, args_parser=_arguments(spec)) for name, spec in MACROS.items()],
        environments=[
            EnvironmentSpec(name, args_parser=_arguments(spec)) for name, spec in ENVIRONMENTS.items()
        ],
        specials=[SpecialsSpec("~")],
        prepend=True,
    )
    return known

"""Reads a template into its page: commands are blanked, node by node, and what no node covers stays text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pylatexenc import latexwalker as latex

from paper_kit.render.lexer import Tag, tags
from paper_kit.render.proof.commands import (
    BREAKS,
    CITES,
    COUNTERS,
    ENVIRONMENTS,
    MACROS,
    REFERENCES,
    UNBRACED,
    VERBATIM,
    WEIGHTLESS,
    context,
    readings,
)
from paper_kit.render.proof.page import BREAK, CITE, REFERENCE, SYMBOL, VALUE, Escape, Page, Span

_LINE_OF_TAGS = re.compile(r"^[ \t]*\ue005[\ue005 \t]*\n", re.MULTILINE)
_PLAIN_RUN = re.compile("[\\w.,;:()\ue000]+(?:[ \n][\\w.,;:()\ue000]+)*")  # no sign of these is a command
_RELATIONS = frozenset(("le", "leq", "ge", "geq", "approx", "ne", "neq", "equiv", "simeq", "ll", "gg"))
# Commands that leave a number a number: spaces, signs, brackets, fonts, fractions.
_PLAIN_WORDS = (
    ", ; : ! % quad qquad times cdot pm mp div left right big Big bigl bigr Bigl Bigr frac tfrac dfrac "
    "displaystyle textstyle mathbf boldsymbol bm text mbox boxed ensuremath sim"
)
_PLAIN = frozenset(_PLAIN_WORDS.split()) | {" ", "\n"}
_SUBTEXT = frozenset({"text", "mbox", "textrm", "textit", "textbf", "intertext"})


def read_page(source: str, name: str | None = None) -> Page:
    """The page of a template; TemplateSyntaxError where a tag is never closed."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    found = tags(source, name)
    reader = _Reader(_without_tags(source, found))
    reader.read()
    return Page(
        source,
        "".join(reader.text),
        "".join(reader.math),
        tuple(reader.formulas),
        tuple(reader.opinions),
        tuple(
            Escape(start, source[slice(*text)], source[slice(*reason)])
            for start, text, reason in reader.literals
        ),
        tuple(found),
        frozenset(reader.weightless | _inline(source, found)),
        tuple(reader.bare),
        tuple(reader.counters),
    )


def _inline(source: str, found: Sequence[Tag]) -> set[int]:
    """The positions of tags without a value that share their line with text."""
    lines = [
        (
            tag,
            source[source.rfind("\n", 0, tag.start) + 1 : tag.start] + (source[tag.end :].partition("\n")[0]),
        )
        for tag in found
        if tag.name != "VAR"
    ]
    return {at for tag, around in lines if around.strip() for at in range(tag.start, tag.end)}


def _without_tags(source: str, found: Sequence[Tag]) -> str:
    """The source, equally long: values as signs, other tags as spaces, a line of tags without its end."""
    pieces: list[str] = []
    position = 0
    for tag in found:
        sign = VALUE if tag.name == "VAR" else "\ue005"
        pieces += [source[position : tag.start], sign * (tag.end - tag.start)]
        position = tag.end
    text = "".join([*pieces, source[position:]])
    return _LINE_OF_TAGS.sub(lambda line: " " * len(line[0]), text).replace("\ue005", " ")


class _Walker(latex.LatexWalker):  # type: ignore[misc]
    """pylatexenc's reader, which takes plain words in one step and not sign by sign."""

    def get_token(self, pos: int, *arguments: Any, environments: bool = True, **options: Any) -> Any:
        """The next token; a run of plain signs is one, save where a command takes its argument."""
        run = _PLAIN_RUN.match(self.s, pos) if environments else None
        if run is None:
            return super().get_token(pos, *arguments, environments=environments, **options)
        return latex.LatexToken("char", run[0], pos, len(run[0]), "")


@dataclass
class _Reader:
    """Blanks what is not text, node by node; what no node covers stays text, so that nothing escapes."""

    source: str
    text: list[str] = field(init=False)
    math: list[str] = field(init=False)
    formulas: list[Span] = field(default_factory=list)
    opinions: list[Span] = field(default_factory=list)
    literals: list[tuple[int, Span, Span]] = field(default_factory=list)
    weightless: set[int] = field(default_factory=set)
    bare: list[tuple[int, str]] = field(default_factory=list)
    counters: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.text = list(self.source)
        self.math = [" "] * len(self.source)

    def read(self) -> None:
        """Nothing; text and math are filled."""
        walker = _Walker(self.source, latex_context=context(), tolerant_parsing=True)
        self.nodes(walker.get_latex_nodes()[0], self.text)

    def nodes(self, nodes: Sequence[Any], page: list[str]) -> None:
        raised = False
        for node in nodes:
            if node is None:
                continue
            if raised:  # a lowered or raised sign, as in Z_{0}
                self.blank(node.pos, node.pos + node.len, page)
                raised = False
            elif isinstance(node, latex.LatexCharsNode):
                raised = page is self.math and self.scripts(node)
            else:
                self.node(node, page)

    def node(self, node: Any, page: list[str]) -> None:
        end = node.pos + node.len
        match node:
            case latex.LatexCommentNode():
                self.blank(node.pos, end, page)
                self.weightless.update(range(node.pos, end))
            case latex.LatexGroupNode():
                self.group(node, page)
            case latex.LatexMacroNode():
                self.macro(node, page)
            case latex.LatexEnvironmentNode():
                self.environment(node, page)
            case latex.LatexMathNode():
                self.formula(node.pos, end)
                width = len(node.delimiters[0])
                self.blank(node.pos, node.pos + width, self.math)
                self.blank(end - len(node.delimiters[1]), end, self.math)
                self.nodes(node.nodelist, self.math)
            case latex.LatexSpecialsNode() if node.specials_chars == "&":
                self.mark(node.pos, BREAK if page is self.text else " ", page)
            case latex.LatexSpecialsNode() if node.specials_chars == "~":
                self.mark(node.pos, " ", page)

    def group(self, node: Any, page: list[str]) -> None:
        end = node.pos + node.len
        if self.source[node.pos : end] == "{,}":  # a separator of thousands
            return
        if self.source[node.pos] == "{":
            self.mark(node.pos, " ", page)
            self.weightless.update((node.pos, end - 1))
            if self.source[end - 1] == "}":
                self.mark(end - 1, " ", page)
        self.nodes(node.nodelist, page)

    def formula(self, start: int, end: int) -> None:
        """The span moves from the text to the formulas."""
        self.math[start:end] = self.text[start:end]
        self.text[start:end] = [SYMBOL, *" " * (end - start - 1)]
        self.formulas.append((start, end))

    def macro(self, node: Any, page: list[str]) -> None:
        name, start, end = node.macroname, node.pos, node.pos + node.len
        arguments = node.nodeargd.argnlist if node.nodeargd and node.nodeargd.argnlist else []
        self.blank(start, min([arg.pos for arg in arguments if arg is not None], default=end), page)
        if name == "%":
            self.mark(start, "%", page)
        elif page is self.math:
            self.mark(start, "=" if name in _RELATIONS else " " if name in _PLAIN else SYMBOL, page)
        if name in WEIGHTLESS:
            self.weightless.update(range(start, arguments[-1].pos if arguments and arguments[-1] else end))
        elif COUNTERS.fullmatch(name):
            self.counters.append((start, name))
        self.keep(name, node, arguments)
        if name in CITES or (name in REFERENCES and name != "label"):
            self.blank(start, end, page)
            self.mark(start, CITE if name in CITES else REFERENCE, page)
            return
        if name in BREAKS:
            self.mark(start, BREAK, page)
        if name in UNBRACED:
            found = re.compile(UNBRACED[name]).match(self.source, start + 1 + len(name))
            self.blank(start, found.end() if found else end, page)
        self.arguments(name, MACROS.get(name, ""), arguments, page)

    def arguments(self, name: str, spec: str, arguments: Sequence[Any], page: list[str]) -> None:
        known = readings(spec) if spec else "t" * len(arguments)
        for number, (node, reading) in enumerate(zip(arguments, known, strict=False)):
            if node is None:
                continue
            start, end = node.pos, node.pos + node.len
            touching = name.startswith("textsu") and self.source[start - len(name) - 2 : start][:1].isalpha()
            if reading == "h" or touching:
                self.blank(start, end, page)
                if name == "includegraphics" and number == 1:
                    self.alternative(node, page)
                continue
            inside = self.words(start, end) if name in _SUBTEXT and page is self.math else page
            self.nodes([node], inside)
            if reading == "s":
                self.mark(start, BREAK, page)
                self.mark(end - 1, BREAK, page)

    def words(self, start: int, end: int) -> list[str]:
        """The span moves from the formulas to the text."""
        self.text[start:end] = self.source[start:end]
        self.blank(start, end, self.math)
        return self.text

    def alternative(self, options: Any, page: list[str]) -> None:
        """Alternative text among the options of a picture is read."""
        for before, node in zip(options.nodelist, options.nodelist[1:], strict=False):
            if isinstance(node, latex.LatexGroupNode) and before.latex_verbatim().endswith("alt="):
                start, end = node.pos + 1, node.pos + node.len - 1
                page[start:end] = self.source[start:end]
                self.nodes(node.nodelist, page)

    def keep(self, name: str, node: Any, arguments: Sequence[Any]) -> None:
        """Nothing; an escape or an opinion is noted."""
        spans = [(arg.pos, arg.pos + arg.len) for arg in arguments if arg is not None]
        inner = [(a + 1, b - 1) if self.source[a] == "{" else (a, b) for a, b in spans]
        braced = [self.source[a] == "{" for a, _ in spans]
        if name in {"opinion", "literal"} and not (braced and all(braced)):
            shown = self.source[spans[0][0] : spans[0][1]] if braced and braced[0] else ""
            self.bare.append((node.pos, f"\\{name}{shown}"))
        elif name == "opinion":
            self.opinions.append(inner[-1])
        elif name == "literal" and len(inner) == 2:
            self.literals.append((node.pos, inner[0], inner[1]))

    def environment(self, node: Any, page: list[str]) -> None:
        name, start, end = node.environmentname, node.pos, node.pos + node.len
        if getattr(node, "nodelist", None) is None:
            return
        formula = self.is_math(name) and page is self.text
        if formula:
            self.formula(start, end)
            page = self.math
        opened = len(r"\begin{}") + len(name)
        self.blank(start, start + opened, page)
        closing = rf"\end{{{name}}}"
        if self.source.endswith(closing, start, end):
            self.blank(end - len(closing), end, page)
            self.mark(end - 1, " " if page is self.math else BREAK, page)
        if page is self.text:
            self.mark(start, BREAK, page)
        arguments = node.nodeargd.argnlist if node.nodeargd and node.nodeargd.argnlist else []
        known = ENVIRONMENTS.get(name, ("{t" if name == VERBATIM else "{h") * len(arguments))
        self.arguments("", known, arguments, page)
        self.nodes(node.nodelist, page)

    @staticmethod
    def is_math(name: str) -> bool:
        spec = context().get_environment_spec(name)
        return bool(spec and spec.is_math_mode)

    def scripts(self, node: Any) -> bool:
        """Whether a script is still to come after these signs of a formula; those in it are blanked."""
        end = node.pos + node.len
        for found in re.finditer(r"[_^]\s*(\S?)", self.source[node.pos : end]):
            self.blank(node.pos + found.start(), node.pos + found.end(), self.math)
            if not found[1]:
                return True
        return False

    def blank(self, start: int, end: int, page: list[str]) -> None:
        page[start:end] = " " * (end - start)

    def mark(self, position: int, sign: str, page: list[str]) -> None:
        page[position] = sign

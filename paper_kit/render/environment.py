"""Jinja for LaTeX: sandboxed, strict, and escaping for TeX where Jinja would for HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame, operators
from jinja2.filters import FILTERS
from jinja2.lexer import Lexer
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from paper_kit.analysis.claims import Claims, Judged, Relation
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts._tree import FactTree
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.render.claim_tag import SHOWN, ClaimTag, refuse_absent_p
from paper_kit.render.lexer import TexLexer
from paper_kit.render.measured import (
    FactTex,
    FactText,
    comparable,
    kept_apart,
    refuse_arithmetic,
    without_link,
)
from paper_kit.render.tex import Tex, join, key, label

KEPT_FILTERS = (
    "abs", "batch", "default", "first", "items", "last", "length", "list", "map", "reject", "rejectattr",
    "reverse", "select", "selectattr", "sort", "unique",
)  # fmt: skip
COMPARING = (
    "batch", "length", "map", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique",
)  # fmt: skip
KEPT_TESTS = (
    "boolean", "defined", "divisibleby", "even", "false", "iterable", "mapping", "none", "odd", "sequence",
    "string", "true", "undefined",
)  # fmt: skip
KEPT_GLOBALS = ("range", "dict", "namespace", "joiner")
METHODS: Mapping[type, frozenset[str]] = {
    dict: frozenset({"items", "keys", "values", "get"}),
    str: frozenset({"lower", "upper", "capitalize", "startswith", "endswith", "split", "strip"}),
    list: frozenset({"index", "count"}),
    tuple: frozenset({"index", "count"}),
}
FACT_TEXTS = frozenset({"text", "bare", "words", "Words", "ordinal"})
FACT_SHOWN = FACT_TEXTS | {"plural", "missing"}


MOST_STEPS = 200_000  # of all loops of one document together
MOST_LETTERS = 20_000_000  # of a text that a template puts together
LARGEST_POWER = 64
LARGEST_NUMBER = 10**18  # that a template reckons with: squares of squares take for ever


class Unknown(StrictUndefined):
    """A name that is not there; in a dict the nearest keys are told."""

    @property
    def _undefined_message(self) -> str:
        obj, name = self._undefined_obj, self._undefined_name
        if isinstance(obj, dict):
            return f"There is no {name!r} here.{did_you_mean(str(name), map(str, obj))}"
        return super()._undefined_message


class TexCode(CodeGenerator):
    """Jinja's compiler, with constants printed by `finalize` and `~` joined as TeX, never as HTML."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        if isinstance(node, nodes.TemplateData):
            return super()._output_child_to_const(node, frame, finalize)
        raise nodes.Impossible

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        """Writes the call that joins the parts of `a ~ b`."""
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        """Writes a comparison whose sides are looked at first: no measured value may be one."""
        self.write("(environment.comparable(")
        self.visit(node.expr, frame)
        self.write(")")
        for operand in node.ops:
            self.write(f" {operators[operand.op]} environment.comparable(")
            self.visit(operand.expr, frame)
            self.write(")")
        self.write(")")

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        """Writes a loop whose steps are counted."""
        counted = nodes.EnvironmentAttribute("counted")
        node.iter = nodes.Call(counted, [node.iter], [], None, None, lineno=node.lineno)
        super().visit_For(node, frame)


class TexEnvironment(ImmutableSandboxedEnvironment):
    """The templates of one paper, by the names under which errors show them; `show` makes TeX of a value."""

    code_generator_class = TexCode
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    comparable = staticmethod(comparable)

    def __init__(
        self,
        files: Mapping[str, str],
        folder: str,
        show: Callable[[Any], Tex],
        claims: Claims | None = None,
    ) -> None:
        super().__init__(
            extensions=[ClaimTag],
            block_start_string=r"\BLOCK{",
            block_end_string="}",
            variable_start_string=r"\VAR{",
            variable_end_string="}",
            comment_start_string=r"\COMMENT{",
            comment_end_string="}",
            keep_trailing_newline=True,
            autoescape=True,
            finalize=show,
            undefined=Unknown,
            loader=FunctionLoader(
                lambda name: (files[name], f"{folder}/{name}", None) if name in files else None
            ),
            cache_size=-1,
        )
        self._show = show
        self._claims = claims
        self.judged: list[Judged] = []
        self._steps = 0
        self._reader = TexLexer(self, tuple(files))
        self.globals = {name: self.globals[name] for name in KEPT_GLOBALS}
        self.tests = {name: self.tests[name] for name in KEPT_TESTS}
        self.filters = {**_filters(), "join": self._joined_by}

    @property
    def lexer(self) -> Lexer:  # type: ignore[override]
        """The reader of LaTeX templates."""
        return self._reader

    def judge(
        self, left: Fact, relation: Relation, right: Fact, equivalence: bool = False, place: str = ""
    ) -> Judged:
        """The claim, judged and kept in `judged`; InputError where the environment has no results."""
        if self._claims is None:
            raise InputError("There are no results here that a claim could be tested on.")
        told = self._claims.judge(left, relation, right, equivalence=equivalence, place=place)
        self.judged.append(told)
        return told

    def counted(self, values: Iterable[Any]) -> Iterator[Any]:
        """The values of a loop; InputError after more steps than any paper needs."""
        for value in values:
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise InputError(f"The loops of the templates take more than {MOST_STEPS:,} steps; end them.")
            yield value

    def joined(self, parts: Iterable[Any]) -> Tex:
        """`a ~ b` as TeX; InputError where that is longer than any paper."""
        shown = [self._show(part) for part in parts]
        if sum(map(len, shown)) > MOST_LETTERS:
            raise InputError(f"This text has more than {MOST_LETTERS:,} letters; does it double in a loop?")
        return join(shown)

    def _joined_by(self, parts: Iterable[Any], separator: str = "") -> Tex:
        return join((self._show(part) for part in parts), separator)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`; a text of a fact remembers its fact."""
        if isinstance(obj, FactText | FactTex):
            raise InputError(f"The text of a fact cannot be taken apart ({attribute}); print it as it is.")
        if isinstance(obj, Judged) and attribute in {"p", "p_equivalence"}:
            refuse_absent_p(obj, attribute)
        found = super().getattr(obj, attribute)
        if isinstance(obj, Fact) and attribute in FACT_TEXTS:
            return FactText.of(obj, str(found))
        return found

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`; a text of a fact cannot be taken apart."""
        if isinstance(obj, FactText | FactTex):
            raise InputError("The text of a fact cannot be taken apart; print it as it is.")
        return super().getitem(obj, argument)

    def wrap_str_format(self, value: Any) -> None:
        """None: texts are not formatted, and `format` is refused like any other method of them."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Only what a text needs: facts, items of dicts, plain methods of strings, and the loop."""
        if attr.startswith("_") or hasattr(obj, "__html__"):
            return False
        if isinstance(obj, FactTree):
            return True
        if isinstance(obj, Fact):
            return attr in FACT_SHOWN
        if isinstance(obj, Judged):
            return attr in SHOWN
        if isinstance(obj, LoopContext | Namespace):
            return super().is_safe_attribute(obj, attr, value)
        return any(isinstance(obj, kind) and attr in allowed for kind, allowed in METHODS.items())

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Sums as Python makes them; of texts by TeX's rules. Texts are not formatted or repeated."""
        refuse_arithmetic(operator, left, right)
        texts = isinstance(left, str) or isinstance(right, str)
        if texts and operator == "+":
            return self.joined((left, right))
        if texts or isinstance(left, list | tuple):
            raise InputError(f"'{operator}' cannot be used on text; print the parts one after another.")
        if any(isinstance(each, int | float) and abs(each) > LARGEST_NUMBER for each in (left, right)):
            raise InputError(f"'{operator}' takes numbers up to {LARGEST_NUMBER:,}; this one is larger.")
        if operator == "**" and not (isinstance(right, int | float) and abs(right) <= LARGEST_POWER):
            raise InputError(f"The exponent of ** is at most {LARGEST_POWER}.")
        return super().call_binop(context, operator, left, right)


def _filters() -> dict[str, Callable[..., Any]]:
    """Jinja's filters that a text needs, those that compare kept apart from measured values."""
    kept = {
        name: kept_apart(name, FILTERS[name]) if name in COMPARING else FILTERS[name] for name in KEPT_FILTERS
    }
    cases = {name: _case(name) for name in ("lower", "upper", "capitalize")}
    return {**kept, **cases, "label": without_link(label), "key": without_link(key)}


def _case(name: str) -> Callable[[Any], str]:
    def changed(value: Any) -> str:
        if not isinstance(value, str) or isinstance(value, FactText) or hasattr(value, "__html__"):
            raise InputError(f"The filter '{name}' takes plain text only; of a fact print .words or .Words.")
        return str(getattr(value, name)())

    return changed

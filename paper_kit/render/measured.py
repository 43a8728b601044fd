"""What a template may not do with a measured value: branch on it, take it apart, mix it with typed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from paper_kit.analysis.facts import Fact
from paper_kit.core.errors import InputError
from paper_kit.render.tex import Tex

CURE = r"A printed comparison needs a test. Write \BLOCK{claim a > b} … \BLOCK{endclaim}."
ADDABLE = frozenset({"percent", "points", "magnitude"})  # fractions that are told in percent
DEEPEST = 3  # lists in lists that are looked through


class FactText(str):
    """One of a fact's texts, such as its words; prints as that fact."""

    fact: Fact

    @classmethod
    def of(cls, fact: Fact, text: str) -> FactText:
        """`text`, which remembers its fact."""
        made = cls(text)
        made.fact = fact
        return made

    def __getitem__(self, _part: object) -> NoReturn:
        raise InputError("The text of a fact cannot be taken apart; print it as it is.")


class FactTex(Tex):
    """A fact as TeX without its link, for \\cite, \\ref and \\label."""

    __slots__ = ()


def is_measured(value: Any, depth: int = 0) -> bool:
    """Whether a value is a fact, a text of one, TeX that prints one, or a collection that holds one."""
    if isinstance(value, Fact | FactText | FactTex):
        return True
    if isinstance(value, str):
        return r"\pkfact{" in value
    if depth < DEEPEST and isinstance(value, Mapping):
        return any(is_measured(each, depth + 1) for pair in value.items() for each in pair)
    if depth < DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return any(is_measured(each, depth + 1) for each in value)
    return False


def comparable(value: Any) -> Any:
    """The value, as a side of a comparison; InputError where it is measured."""
    if is_measured(value):
        raise InputError(f"A measured value or its text cannot be compared or tested in a template. {CURE}")
    return value


def kept_apart(name: str, filter_: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, which takes no measured value: sorting and choosing would compare it."""

    def filtered(*arguments: Any, **options: Any) -> Any:
        values = [each for each in arguments if not isinstance(each, Fact) or each.kind != "list"]
        if any(map(is_measured, values)):
            raise InputError(f"The filter '{name}' cannot be used on measured values. {CURE}")
        return filter_(*arguments, **options)

    for mark in ("jinja_pass_arg",):  # how Jinja knows which filters want the environment first
        if hasattr(filter_, mark):
            setattr(filtered, mark, getattr(filter_, mark))
    return filtered


def without_link(filter_: Callable[[Any], Tex]) -> Callable[[Any], Tex]:
    """The filter, whose result of a fact cannot be compared."""
    return lambda value: FactTex(filter_(value)) if is_measured(value) else filter_(value)


def refuse_arithmetic(sign: str, left: Any, right: Any) -> None:
    """Nothing; InputError for arithmetic of a fact with a typed number, or with a fact of another kind."""
    if not (isinstance(left, Fact) or isinstance(right, Fact)):
        return
    if not (isinstance(left, Fact) and isinstance(right, Fact)):
        raise InputError(
            f"'{sign}' stands between a fact and {right if isinstance(left, Fact) else left!r}, which nobody "
            "measured. Arithmetic in templates is between facts; a constant belongs into a fact of your own, "
            "plugins/facts/<topic>.py."
        )
    kinds = {left.kind, right.kind}
    alike = (len(kinds) == 1 and left.unit == right.unit) or kinds <= ADDABLE
    if (sign in "+-" and not alike) or (sign == "*" and kinds & ADDABLE):
        raise InputError(
            f"'{sign}' stands between {left.key or left.text} ({left.kind}) and {right.key or right.text} "
            f"({right.kind}), which are no quantities of one kind."
        )

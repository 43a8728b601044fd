"""Which fact holds a typed number."""

from __future__ import annotations

import re
from collections.abc import Mapping

from paper_kit.render.proof.numbers import ORDINALS, VALUES, Typed

_KINDS = (
    "counts.",
    "settings.",
)  # small integers among these are equal by chance, unless the text names them
SMALL = 20
_CARDINALS = frozenset(VALUES) - frozenset(ORDINALS)
SHOWN = 2  # facts named in one finding
_NAMES = {"network": "model", "architecture": "model", "clas": "class"}
_NUMBER = re.compile(r"[-+\N{MINUS SIGN}]?(\d[\d,]*(?:\.\d+)?)")


class Values:
    """The facts of a study by the number that they print."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        self._keys: dict[str, list[str]] = {}
        for key, text in facts.items():
            found = _NUMBER.match(text)
            if found:
                self._keys.setdefault(found[1].replace(",", ""), []).append(key)

    def holding(self, typed: Typed, around: str = "") -> tuple[str, ...]:
        """The tags that print the number: those whose key shares most words with the text around it."""
        word = typed.word
        if word:
            first = re.split(r"[\s-]", typed.text.lower())[0]
            value = VALUES.get(first.rstrip("s"), VALUES.get(first))
            number = f"{value:g}" if value is not None else ""
        else:
            number = typed.text.replace(",", "").replace("{}", "")
        keys = [key for key in self._keys.get(number, ()) if not word or key.startswith("counts.")]
        if word and first not in _CARDINALS:
            keys = []  # second, twice: no count
        near = {_stem(found) for found in re.findall(r"[A-Za-z]{3,}", around.lower())}
        shared = {key: len(near & _steps(key)) for key in keys}
        small = number.isdigit() and int(number) <= SMALL
        shared = {
            key: many for key, many in shared.items() if many or not small or not key.startswith(_KINDS)
        }
        most = max(shared.values(), default=0)
        best = sorted(
            (key for key in shared if shared[key] == most), key=lambda key: (key.count("."), len(key))
        )
        return tuple(rf"\VAR{{{key}{'.words' if word else ''}}}" for key in best[:SHOWN])


def told(typed: str, tags: tuple[str, ...]) -> str:
    """The message of a finding: what holds the value, or what to write."""
    if not tags:
        return rf"{typed} is typed; print a fact, or write \literal{{{typed}}}{{why it is typed}}."
    return f"{typed} is typed; {' and '.join(tags)} {'hold' if len(tags) > 1 else 'holds'} this value."


def _steps(key: str) -> set[str]:
    """The words of a key that tell what it is of."""
    return {
        _stem(step)
        for step in re.findall(r"[a-z]{3,}", key.removeprefix("counts.").removeprefix("settings."))
    }


def _stem(word: str) -> str:
    """The word without its plural, as keys of facts name the thing."""
    stem = word.removesuffix("es") if word.endswith("sses") else word.rstrip("s")
    return _NAMES.get(stem, stem)

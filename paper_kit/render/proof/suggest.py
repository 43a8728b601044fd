"""Which fact holds a typed number."""

from __future__ import annotations

import re
from collections.abc import Mapping

from paper_kit.render.proof.numbers import VALUES, Typed

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
        near = {_stem(found) for found in re.findall(r"[A-Za-z]{3,}", around.lower())}
        shared = {key: len(near & {_stem(step) for step in re.findall(r"[a-z]{3,}", key)}) for key in keys}
        most = max(shared.values(), default=0)
        best = sorted(
            (key for key in keys if shared[key] == most), key=lambda key: (key.count("."), len(key))
        )
        return tuple(rf"\VAR{{{key}{'.words' if word else ''}}}" for key in best[:SHOWN])


def told(typed: str, tags: tuple[str, ...]) -> str:
    """The message of a finding: what holds the value, or what to write."""
    if not tags:
        return rf"{typed} is typed; print a fact, or write \literal{{{typed}}}{{why it is typed}}."
    return f"{typed} is typed; {' and '.join(tags)} {'hold' if len(tags) > 1 else 'holds'} this value."


def _stem(word: str) -> str:
    """The word without its plural, as keys of facts name the thing."""
    stem = word.removesuffix("es") if word.endswith("sses") else word.rstrip("s")
    return _NAMES.get(stem, stem)

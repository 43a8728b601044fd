"""What a paper of this kind speaks of: networks, techniques, classes, datasets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from paper_kit.render.proof.lexicon import CLASSES, DATASETS, KEYS, MODELS, NOUNS, TECHNIQUES
from paper_kit.render.proof.page import CITE

_NAMING = re.compile(r"""\bnames(?:\.|\[["'])(\w+)""")


@dataclass(frozen=True)
class Subjects:
    """What a claim can be about, as patterns of words; a study adds its own labels with `of`."""

    models: tuple[str, ...] = MODELS
    techniques: tuple[str, ...] = TECHNIQUES
    classes: tuple[str, ...] = CLASSES
    datasets: tuple[str, ...] = DATASETS
    keys: tuple[tuple[str, str], ...] = KEYS  # (key of a model in facts, its name in print)

    @classmethod
    def of(
        cls,
        models: Iterable[str] = (),
        classes: Iterable[str] = (),
        datasets: Iterable[str] = (),
        keys: Mapping[str, str] | None = None,
    ) -> Subjects:
        """The default subjects and these names, taken literally; `keys` has the name of each model's key."""
        return cls(
            (*MODELS, *map(re.escape, models)),
            TECHNIQUES,
            (*CLASSES, *map(re.escape, classes)),
            (*DATASETS, *map(re.escape, datasets)),
            tuple({**dict(KEYS), **(keys or {})}.items()),
        )

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of them as a whole word."""
        names = (*self.models, *self.techniques, *self.classes, *self.datasets, *NOUNS)
        return re.compile(
            rf"(?<!\w)(?:{'|'.join(name.replace(' ', chr(92) + 's+') for name in names)})(?!\w)", re.I
        )

    def model(self, key: str | None) -> str | None:
        """The name of the model that has this key; None for any other step of a fact's key."""
        return dict(self.keys).get(key or "")

    @cached_property
    def _names(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        return tuple(
            (
                name,
                re.compile(rf"(?<![\w-])(?:{re.escape(name)}|{re.escape(key)})(?![\w-])(?!\s*{CITE})", re.I),
            )
            for key, name in self.keys
        )

    def named(self, text: str, printed: Iterable[str] = ()) -> set[str]:
        """The models that a text names, in letters or by a tag; one cited at its name is another's."""
        keys = {found[1] for inside in printed for found in _NAMING.finditer(inside)}
        typed = {name for name, pattern in self._names if pattern.search(text)}
        return typed | {name for key, name in self.keys if key in keys}

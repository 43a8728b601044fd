"""All facts of a study: collected from the topics, and as a tree that templates walk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from paper_kit.analysis.facts import Fact
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.named import refuse_unnamed
from paper_kit.core.part import available, load

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results


def collect_facts(results: Results) -> dict[str, Fact]:
    """Full key ("results.emotion_vit.accuracy") -> Fact, of every topic; each fact knows its full key."""
    found: dict[str, Fact] = {}
    for topic in available("facts"):
        refuse_unnamed("facts", topic, results.named)
        for key, fact in load("facts", topic)(results).items():
            found[f"{topic}.{key}"] = fact
    return found


def fact_trees(facts: Mapping[str, Fact]) -> dict[str, FactTree]:
    """Topic -> tree: what a template sees under each topic's name."""
    topics = dict.fromkeys(key.partition(".")[0] for key in facts)
    return {topic: FactTree(facts, topic) for topic in topics}


class FactTree:
    """Facts below one path; steps are attributes, items, or a fact whose name is the step."""

    def __init__(self, facts: Mapping[str, Fact], path: str, chosen_of: int = 1) -> None:
        self._facts = facts
        self._path = path
        self._chosen_of = chosen_of  # of how many the step was that led here: claims below pay for it

    def __getattr__(self, name: str) -> Fact | FactTree:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, step: str | int | Fact) -> Fact | FactTree:
        path = f"{self._path}.{step.name if isinstance(step, Fact) else step}"
        chosen = max(self._chosen_of, step.chosen_of if isinstance(step, Fact) else 1)
        if path in self._facts:
            fact = self._facts[path]
            return replace(fact, chosen_of=chosen) if chosen > fact.chosen_of else fact
        if any(key.startswith(f"{path}.") for key in self._facts):
            return FactTree(self._facts, path, chosen)
        raise InputError(f"There is no fact {path!r}.{did_you_mean(str(step), self)}")

    def __iter__(self) -> Iterator[str]:
        """The next steps below this path."""
        below = (
            key.removeprefix(f"{self._path}.") for key in self._facts if key.startswith(f"{self._path}.")
        )
        return iter(dict.fromkeys(key.partition(".")[0] for key in below))

    def __str__(self) -> str:
        raise InputError(f"{self._path!r} is not one fact but a group; name one of: {', '.join(self)}.")

    def __repr__(self) -> str:
        return f"FactTree({self._path!r})"


def slug(name: str) -> str:
    """A name as a step of a key: "w/o TTA" -> "w_o_tta"; a leading digit gets a c before it."""
    step = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "unnamed"
    return f"c{step}" if step[0].isdigit() else step


def slugs(names: tuple[str, ...]) -> tuple[str, ...]:
    """A slug for each name, numbered where two would be equal."""
    found: list[str] = []
    for name in names:
        step, number = slug(name), 2
        while step in found:
            step, number = f"{slug(name)}_{number}", number + 1
        found.append(step)
    return tuple(found)

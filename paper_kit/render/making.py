"""Facts, tables, figures and tests of a study, each made once: a later build gets them from the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

from paper_kit.analysis.claims import Claims, Heard
from paper_kit.analysis.style import Style
from paper_kit.core.files import canonical_json
from paper_kit.core.named import refuse_unnamed
from paper_kit.core.part import Part, complete, load
from paper_kit.render.cache import Cache
from paper_kit.render.legend import run_labels
from paper_kit.render.material import Drawn, Material, Options, Study

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results

STUDY, TESTS, FAMILY = "study", "tests", "family"  # names of entries in the cache
MOST_VARIANTS = 6  # of an artifact that depends on the document's tests: those of the last edits

Kind = Literal["table", "figure"]
Together = Callable[[Sequence[Part], Style], Iterator[tuple[Part, Drawn]]]


@dataclass(frozen=True)
class Variant:
    """A table or figure, with what its maker asked of the document's claims and was told."""

    heard: tuple[Heard, ...]
    made: Any


class Making:
    """Makes what templates place. `results` is called only where something is not in the cache.

    `together` draws several figures at once and gives those that it could draw.
    """

    def __init__(
        self,
        results: Callable[[], Results],
        claims: Claims,
        style: Style,
        cache: Cache | None = None,
        together: Together | None = None,
    ) -> None:
        self._results = results
        self._claims = claims
        self._style = style
        self._cache = cache or Cache()
        self._together = together
        self._variants: dict[str, list[Variant]] = {}
        self._waiting: dict[str, Part] = {}
        self._may_wait = together is not None
        self._recalled = self._cache.get(TESTS) or {}
        claims.recall(self._recalled)
        self.drawn: set[str] = set()  # names of figures that were not in the cache

    @cached_property
    def study(self) -> Study:
        """What is known of the study beside its artifacts."""
        found = self._cache.get(STUDY)
        return found if isinstance(found, Study) else self._cache.put(STUDY, study_of(self._results()))

    def material(self, stale_runs: frozenset[str] = frozenset(), logic: str = "") -> Material:
        """The material of one manuscript; `logic` says which tests it makes, where that is known."""
        return Material(
            facts=self.study.facts,
            switches=self.study.switches,
            table=self.table,
            figure=self.figure,
            claims=self._claims,
            stale_runs=stale_runs,
            seeds=self.study.seeds,
            audits=self.study.audits,
            runs=self.study.runs,
            draw_waiting=self.draw_waiting,
            resume=partial(self._resume, logic),
        )

    def table(self, name: str, options: Options) -> Any:
        """The table; InputError for an unknown name or option."""
        part = complete("table", Part(name=name, arguments=dict(options)))
        found = self._found("table", part)
        if found is not None:
            return found
        return self._made("table", part, lambda: make_table(self._results(), part))

    def figure(self, name: str, options: Options) -> Drawn | None:
        """The figure; None where it is to be drawn together with others."""
        part = complete("figure", Part(name=name, arguments=dict(options)))
        found: Drawn | None = self._found("figure", part)
        if found is not None:
            return found
        self.drawn.add(name)
        if self._may_wait:
            self._waiting[self._key("figure", part)] = part
            return None
        made: Drawn = self._made("figure", part, lambda: draw_figure(self._results(), self._style, part))
        return made

    def draw_waiting(self) -> bool:
        """Whether figures had to wait; now they are drawn, but those whose drawing fails or hears claims."""
        self._may_wait = False
        waiting = tuple(self._waiting.values())
        self._waiting.clear()
        if self._together is not None and waiting:
            for part, drawn in self._together(waiting, self._style):
                self._keep("figure", part, Variant((), drawn))
        return bool(waiting)

    def _resume(self, logic: str) -> None:
        """Nothing; the family of tests is that of the last document of this logic, where there was one."""
        kept = self._cache.get(f"{FAMILY} {logic}") if logic else None
        if kept is not None:
            self._claims.resume(kept)

    def keep(self, logic: str = "") -> None:
        """Nothing; the tests that were made are in the cache, and what was not used is not."""
        if logic:
            self._cache.put(f"{FAMILY} {logic}", self._claims.settlement())
        tests = self._claims.remembered()
        if any(set(tests[name]) != set(self._recalled.get(name, ())) for name in tests):
            self._cache.put(TESTS, tests)
        self._cache.prune()

    def _key(self, kind: Kind, part: Part) -> str:
        style = repr(self._style) if kind == "figure" else ""
        return f"{kind} {canonical_json(part.model_dump(mode='json'))} {style}"

    def _found(self, kind: Kind, part: Part) -> Any:
        """What was made when the claims answered as they do now; its questions are asked of them again."""
        key = self._key(kind, part)
        if key not in self._variants:
            known = self._cache.get(key)
            self._variants[key] = list(known) if known is not None else []
        return replayed(self._claims, self._variants[key])

    def _made(self, kind: Kind, part: Part, make: Callable[[], Any]) -> Any:
        heard: list[Heard] = []
        self._claims.heard = heard
        try:
            made = make()
        finally:
            self._claims.heard = None
        return self._keep(kind, part, Variant(tuple(heard), made))

    def _keep(self, kind: Kind, part: Part, variant: Variant) -> Any:
        key = self._key(kind, part)
        known = self._variants.get(key, [])
        self._variants[key] = list(self._cache.put(key, (variant, *known)[:MOST_VARIANTS]))
        return self._variants[key][0].made


def replayed(claims: Claims, variants: Iterable[Variant]) -> Any:
    """What was made when the claims gave the answers that they give now; None where none was.

    A maker asks the same as long as it is told the same: so all that are left agree on the next question.
    """
    left, step = list(variants), 0
    while left:
        ended = next((each for each in left if len(each.heard) == step), None)
        if ended is not None:
            return ended.made
        answer = claims.answer(left[0].heard[step][0])
        left = [each for each in left if each.heard[step][1] == answer]
        step += 1
    return None


def make_table(results: Results, part: Part) -> Any:
    """The table that a complete part stands for."""
    refuse_unnamed("table", part.name, results.named)
    return load("table", part.name)(results, **part.arguments)


def draw_figure(results: Results, style: Style, part: Part) -> Drawn:
    """The figure that a complete part stands for, drawn."""
    refuse_unnamed("figure", part.name, results.named)
    with style.context():
        return Drawn.of(load("figure", part.name)(results, style, **part.arguments)).kept()


def study_of(results: Results) -> Study:
    """What the results tell beside tables and figures."""
    from paper_kit.analysis.audits import audits_of_all
    from paper_kit.analysis.facts._tree import collect_facts
    from paper_kit.render.seal import runs_file
    from paper_kit.render.switches import switches

    card, studies = results.card(), [plan.experiment for plan in results.plans]
    return Study(
        facts=collect_facts(results),
        switches=switches(results),
        seeds=len(results.main.seeds),
        audits=audits_of_all(results),
        runs=run_labels(results),
        models=tuple(dict.fromkeys((m.key, m.label) for study in studies[::-1] for m in study.model)),
        classes=tuple(dict.fromkeys(name for study in studies for name in results.classes(study.name))),
        dataset=card.title if card else "",
        others=_others(results),
        runs_file=runs_file(results),
    )


def _others(results: Results) -> tuple[str, ...]:
    """Names and titles of the datasets of the experiments after the main one."""
    names = [plan.experiment.name for plan in results.plans[1:]]
    cards = (results.card(name) for name in names)
    return tuple(dict.fromkeys((*names, *(card.title for card in cards if card))))

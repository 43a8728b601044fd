"""Which runs share a job array, so that each job waits for the job of its source run and for no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from paper_kit.core.spec import RunSpec
from paper_kit.core.store import Store


@dataclass(frozen=True)
class Wave:
    """The runs of one array, and the sources that they wait for: none, one for all, or one for each."""

    specs: tuple[RunSpec, ...]
    sources: tuple[str, ...] = ()

    def dependency(self, jobs: Mapping[str, str]) -> str:
        """sbatch's --dependency, given the jobs of the sources; "" where nothing is waited for.

        A source for each is the same place of an array: `aftercorr` waits place by place.
        """
        if not self.sources:
            return ""
        first = jobs[self.sources[0]]
        return f"afterok:{first}" if len(self.sources) == 1 else f"aftercorr:{first.partition('_')[0]}"

    def array(self, jobs: Mapping[str, str]) -> str:
        """The array of the sources."""
        return jobs[self.sources[0]].partition("_")[0]


def waves(
    specs: Sequence[RunSpec], store: Store, held: Mapping[str, str], size: int
) -> tuple[list[Wave], frozenset[str]]:
    """The arrays of at most `size` runs in the order of submission, and ids of runs that cannot be submitted.

    Runs in `held` have a job already. First come the runs that wait for nothing, those that most wait for
    in front; then, source by source in the same order, the first that waits for each, the second, and so on.
    """
    new = [spec for spec in specs if spec.id not in held]
    ids = {spec.id for spec in new}
    waiting: dict[str, list[RunSpec]] = {}
    for spec in new:
        source = spec.transfer.run
        if source and (source in ids or not store.file(source, "record.json").is_file()):
            waiting.setdefault(source, []).append(spec)
    stuck = [
        spec.id
        for source, all_ in waiting.items()
        if source not in ids and source not in held
        for spec in all_
    ]
    blocked = {spec.id for all_ in waiting.values() for spec in all_}
    first = sorted(
        (spec for spec in new if spec.id not in blocked), key=lambda spec: -len(waiting.get(spec.id, ()))
    )
    found = [Wave(tuple(part)) for part in _parts(first, size)]
    for wave in tuple(found):
        found += _after(wave, waiting)
    for source in (run_id for run_id in waiting if run_id in held):
        found += [Wave(tuple(part), (source,)) for part in _parts(waiting[source], size)]
    return found, frozenset(stuck)


def _after(wave: Wave, waiting: Mapping[str, list[RunSpec]]) -> Iterator[Wave]:
    """The arrays of the runs that wait for those of this one."""
    number = 0
    while True:
        pairs = [(source.id, waiting[source.id][number]) for source in wave.specs
                 if len(waiting.get(source.id, ())) > number]  # fmt: skip
        if not pairs:
            return
        yield Wave(tuple(spec for _, spec in pairs), tuple(source for source, _ in pairs))
        number += 1


def _parts(specs: Sequence[RunSpec], size: int) -> Iterator[Sequence[RunSpec]]:
    return (specs[start : start + size] for start in range(0, len(specs), size))

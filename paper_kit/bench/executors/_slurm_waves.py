"""Which runs share a job array, so that each job waits for the job of its source run and for no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from paper_kit.core.spec import RunSpec
from paper_kit.core.store import Store


@dataclass(frozen=True)
class Wave:
    """Ids of the runs of one array, and of the sources that they wait for: none, one for all, or one each."""

    runs: tuple[str, ...]
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
    new = {run_id: spec for spec in specs if (run_id := spec.id) not in held}
    waiting: dict[str, list[str]] = {}
    for run_id, spec in new.items():
        source = spec.transfer.run
        if source and (source in new or not store.file(source, "record.json").is_file()):
            waiting.setdefault(source, []).append(run_id)
    later = {run_id for runs in waiting.values() for run_id in runs}
    first = sorted((run_id for run_id in new if run_id not in later), key=lambda i: -len(waiting.get(i, ())))
    found = [Wave(tuple(part)) for part in _parts(first, size)]
    for wave in tuple(found):
        found += _after(wave, waiting)
    for source in (source for source in waiting if source in held):
        found += [Wave(tuple(part), (source,)) for part in _parts(waiting[source], size)]
    placed = {run_id for wave in found for run_id in wave.runs}
    return found, frozenset(new.keys() - placed)


def _after(wave: Wave, waiting: Mapping[str, list[str]]) -> Iterator[Wave]:
    """The arrays of the runs that wait for those of this one."""
    number = 0
    while sources := tuple(run_id for run_id in wave.runs if len(waiting.get(run_id, ())) > number):
        yield Wave(tuple(waiting[source][number] for source in sources), sources)
        number += 1


def _parts(runs: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (runs[start : start + size] for start in range(0, len(runs), size))

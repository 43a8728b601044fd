"""Workers that draw runs of uneven length through bench/schedule.py, simulated: how long they are idle."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from paper_kit.bench.schedule import Pace, Schedule
from paper_kit.core.part import Part
from paper_kit.core.spec import RunSpec, Transfer
from paper_kit.core.store import RunState

MODELS = 12  # whose epochs take from 5 s to 80 s
FASTEST_S, SLOWEST_S = 5.0, 80.0
EPOCHS = (8, 16, 30)
NOISE = 0.15  # standard deviation of the logarithm of a run's pace about that of its kind
RESULTS_A_SOURCE = 4


class Drawn(NamedTuple):
    """What came out: wall seconds, those of a schedule that could not be better, the share of idle time."""

    runs: int
    wall: float
    ideal: float
    idle: float  # of the workers' time until the last run has ended

    @property
    def excess(self) -> float:
        """The part of the ideal wall time by which the schedule takes longer."""
        return self.wall / self.ideal - 1


def uneven_runs(runs: int, random: np.random.Generator) -> tuple[list[RunSpec], dict[str, float]]:
    """Runs, a fifth of them sources of four others, and the seconds of an epoch of each."""
    paces = np.geomspace(FASTEST_S, SLOWEST_S, MODELS)
    specs: list[RunSpec] = []
    seconds: dict[str, float] = {}
    while len(specs) < runs:
        place, epochs = int(random.integers(MODELS)), int(random.choice(EPOCHS))
        model = Part(name="resemotenet", arguments={"width": 8 * (place + 1)})
        number = len(specs)
        source = RunSpec(task="action_units", model=model, seed=number, epochs=8)
        start = Transfer(source="run", run=source.id)
        results = [
            RunSpec(model=model, seed=number + n, epochs=epochs, transfer=start)
            for n in range(1, RESULTS_A_SOURCE + 1)
        ]
        for spec in (source, *results)[: runs - number]:
            specs.append(spec)
            seconds[spec.id] = float(paces[place] * np.exp(random.normal(scale=NOISE)))
    return specs, seconds


def draw(specs: Sequence[RunSpec], seconds: dict[str, float], workers: int) -> Drawn:
    """How the schedule does with so many workers, of whose runs it learns as it would in a study.

    It knows nothing before the first epoch has ended. `ideal` is the larger of two bounds: all the work
    shared evenly, and the longest run after its source.
    """
    schedule, now, free, begun = Schedule(specs, Pace()), 0.0, workers, 0
    working: list[tuple[float, int, bool, RunSpec]] = []  # when, turn, whether the run has ended
    while schedule.waiting or working:
        while free and (spec := schedule.next()) is not None:
            epoch_s = seconds[spec.id]
            begun += 1
            heapq.heappush(working, (now + epoch_s, begun, False, spec))
            heapq.heappush(working, (now + epoch_s * spec.epochs, begun, True, spec))
            free -= 1
        now, _, ended, spec = heapq.heappop(working)
        schedule.pace.learn(spec, seconds[spec.id])
        if ended:
            schedule.end(spec.id, RunState.DONE)
            free += 1
    taken = {spec.id: seconds[spec.id] * spec.epochs for spec in specs}
    work = sum(taken.values())
    longest = max(taken[spec.id] + taken.get(spec.transfer.run, 0.0) for spec in specs)
    return Drawn(len(specs), now, max(work / workers, longest), 1 - work / (workers * now))

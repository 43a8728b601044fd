"""Whether the synthetic faces are a useful test bed: property, target and what was measured, as a table.

    python benchmarks/testbed.py [EXPERIMENT] [--seeds 0 1 2] [--jobs 2] [--runs FOLDER] [--cache FOLDER]

Trains the base of each model of the experiment (experiments/quick.toml) with each seed, and with the first
seed twice more on a quarter of the training images: for as many updates, and for as many epochs.
Runs that the Store has are not trained again, so a command that was cut off goes on where it was. About 8
minutes on 2 free CPU cores. The exit code is 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from paper_kit.analysis.results import Results, collect
from paper_kit.bench.executors.local import execute
from paper_kit.bench.progress import Ended, Event, never
from paper_kit.core.experiment import AblationEntry, Experiment, load_experiment
from paper_kit.core.plan import all_runs, plan
from paper_kit.core.spec import Resources
from paper_kit.core.store import RunState, Store
from paper_kit.data.cache import open_dataset
from paper_kit.data.dataset import Dataset
from paper_kit.data.sources.synthetic_faces import load
from paper_kit.stats.metrics import row_rates

QUARTERS = {"quarter": "same updates", "quarter_of_time": "same epochs"}  # keys of the ablations
EXPECTED_PAIRS = {frozenset({"sad", "neutral"}), frozenset({"fear", "surprise"})}
PENALTIES = (1e-4, 1e-3, 1e-2)  # scikit-learn's C; the one that is best on the test set counts, to be strict
DRAWN = 1000  # faces drawn to take the time


class Finding(NamedTuple):
    """One row of the table."""

    what: str
    target: str
    measured: str
    holds: bool


def base_only(experiment: Experiment, seeds: Sequence[int]) -> Experiment:
    """The experiment's base, without its ablations, for these seeds."""
    return experiment.model_copy(update={"seeds": tuple(seeds), "ablation": ()})


def with_quarter(experiment: Experiment, seed: int) -> Experiment:
    """The base, also on a quarter of the images: for as many updates, and for as many epochs."""
    spec = experiment.spec(experiment.model[0], seed, {})
    stretched = {
        "epochs": 4 * spec.epochs,
        "transfer.freeze_epochs": 4 * spec.transfer.freeze_epochs,
        "transfer.stage_epochs": 4 * spec.transfer.stage_epochs,
        "schedule.warmup_epochs": 4 * spec.schedule.warmup_epochs,
    }
    entries = tuple(
        AblationEntry(key=key, label=f"a quarter, {said}", set={"train_fraction": 0.25, **changes})
        for (key, said), changes in zip(QUARTERS.items(), (stretched, {}), strict=True)
    )
    return experiment.model_copy(update={"seeds": (seed,), "ablation": entries})


def accuracies(results: Results) -> Finding:
    """The mean test accuracy of each model."""
    means = {
        model.label: 100 * results.measured(model.key).values("accuracy").mean() for model in results.models
    }
    shown = ", ".join(f"{label} {mean:.1f} %" for label, mean in means.items())
    holds = all(60 <= mean <= 90 for mean in means.values())
    return Finding("base accuracy of each model", "60 to 90 %", shown, holds)


def order(results: Results) -> Finding:
    """How many seeds put the models in the order of the means."""
    labels = np.array([model.label for model in results.models])
    values_MR = np.array([results.measured(model.key).values("accuracy") for model in results.models])
    ranking = np.argsort(-values_MR.mean(axis=1))
    alike = [bool((np.diff(column) < 0).all()) for column in values_MR[ranking].T]
    shown = f"{' > '.join(labels[ranking])} with {sum(alike)} of {len(alike)} seeds"
    return Finding("order of the models", "the same with each seed", shown, all(alike))


def more_data(results: Results, key: str) -> Finding:
    """The gain in points of each model from four times the images."""
    gains = {
        model.label: 100
        * (
            results.measured(model.key).values("accuracy")[0]
            - results.measured(model.key, key).values("accuracy")[0]
        )
        for model in results.models
    }
    shown = ", ".join(f"{label} {gain:+.1f}" for label, gain in gains.items())
    what = f"gain from four times the data, {QUARTERS[key]}"
    return Finding(what, "at least 3 points", shown, min(gains.values()) >= 3)


def confusions(results: Results) -> Finding:
    """The two pairs of classes that all models and seeds together confuse most, in both directions."""
    classes = results.classes()
    counts = [results.measured(model.key).counts_KK for model in results.models]
    rates_KK = row_rates(np.sum([one for one in counts if one is not None], axis=0))
    pairs = sorted(
        combinations(range(len(classes)), 2), key=lambda pair: -rates_KK[pair] - rates_KK[pair[::-1]]
    )[:3]
    shown = ", ".join(
        f"{classes[i]}/{classes[j]} {50 * (rates_KK[i, j] + rates_KK[j, i]):.1f} %" for i, j in pairs
    )
    found = {frozenset({classes[i], classes[j]}) for i, j in pairs[:2]}
    target = "sad/neutral and fear/surprise"
    return Finding("most confused pairs (then the third)", target, shown, found == EXPECTED_PAIRS)


def linear_model(dataset: Dataset) -> Finding:
    """The test accuracy of a logistic regression on standardised pixels."""
    train, test = dataset.split("train"), dataset.split("test")
    scaler = StandardScaler().fit(pixels(train.images))
    scaled, scaled_test = scaler.transform(pixels(train.images)), scaler.transform(pixels(test.images))
    best = max(
        LogisticRegression(C=penalty, max_iter=1000, tol=1e-3)
        .fit(scaled, train.labels)
        .score(scaled_test, test.labels)
        for penalty in PENALTIES
    )
    return Finding("logistic regression on pixels", "under 45 %", f"{100 * best:.1f} %", best < 0.45)


def pixels(images_NHW: NDArray[Any]) -> NDArray[np.float32]:
    """Images as rows of float32."""
    return np.asarray(images_NHW, dtype=np.float32).reshape(len(images_NHW), -1)


def drawing() -> Finding:
    """CPU seconds that 4,000 faces take, from the time of a quarter of them."""
    start = time.process_time()
    load(train=DRAWN, validation=1, test=1)
    seconds = (time.process_time() - start) * 4000 / DRAWN
    return Finding("drawing 4,000 faces of 48x48", "under 8 s of one core", f"{seconds:.1f} s", seconds < 8)


def told(event: Event) -> None:
    """Nothing; a line to stderr for each run that ended."""
    if isinstance(event, Ended):
        print(f"{event.run_id} {event.state} {event.reason} {event.seconds:.0f} s", file=sys.stderr)


def main() -> int:
    """The exit code; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("experiment", nargs="?", type=Path, default=Path("experiments/quick.toml"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=0, help="workers; 0: one a core")
    parser.add_argument("--runs", type=Path, default=Path("experiments/runs"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/data"))
    given = parser.parse_args()
    experiment, store = load_experiment(given.experiment), Store(given.runs)
    resources = Resources(device="cpu", jobs=given.jobs, cache=given.cache)
    bases = plan(base_only(experiment, given.seeds))
    quarters = plan(with_quarter(experiment, given.seeds[0]))
    dataset = open_dataset(bases.trainings[0].dataset, {}, given.cache)
    findings = [drawing(), linear_model(dataset)]
    missing = [run for run in all_runs((bases, quarters)) if store.state(run) is not RunState.DONE]
    execute(missing, store, resources, told, never)
    if any(store.state(run) is not RunState.DONE for run in missing):
        print(
            "Not all runs are done: type the command again, or see error.txt in their folders.",
            file=sys.stderr,
        )
        return 1
    seeds, sizes = collect([bases], store), collect([quarters], store)
    gains = [more_data(sizes, key) for key in QUARTERS]
    findings += [accuracies(seeds), order(seeds), *gains, confusions(seeds)]
    width = max(len(finding.what) for finding in findings)
    for what, target, measured, holds in findings:
        print(f"{what:{width}}  {target:30} {measured}{'' if holds else '  MISSED'}")
    return 0 if all(finding.holds for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())

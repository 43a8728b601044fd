"""Which format, precision and compilation the models of a study train fastest with: measured, written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from paper_kit.bench.executors._worker import environment
from paper_kit.bench.fresh import Team
from paper_kit.bench.machine import cores, usable_gpus
from paper_kit.core.errors import InputError, PaperkitError
from paper_kit.core.plan import Plan, all_runs, load_plans
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState, Store
from paper_kit.core.toml_edit import edit_experiment

TIME = "paper_kit.bench.step_speed:time_choices"  # imported in the fresh process
SECONDS = 6.0  # spent on the plain choices of a model, and again on the compiled ones
MARGIN = 1.05  # what changes the numbers, or the file, must be faster by more than this

Precision = Literal["fp32", "bf16", "fp16"]
Mode = Literal["", "default", "reduce-overhead"]  # "" is not compiled
FORMATS = {True: "channels_last", False: "contiguous"}
COMPILED = {"": "", "default": ", compiled", "reduce-overhead": ", compiled with CUDA graphs"}


@dataclass(frozen=True)
class Choice:
    """One way to train the same model."""

    channels_last: bool = True
    precision: Precision = "fp32"
    mode: Mode = ""

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the spec; compile_mode only where it is asked for."""
        found: dict[str, Any] = {
            "channels_last": self.channels_last,
            "precision": self.precision,
            "compile": bool(self.mode),
        }
        return found | ({"compile_mode": self.mode} if self.mode == "reduce-overhead" else {})

    def of(self, run: RunSpec) -> RunSpec:
        """The run with this choice in place of its own."""
        return run.model_copy(update={"compile_mode": "default", **self.fields})

    def __str__(self) -> str:
        return f"{FORMATS[self.channels_last]}, {self.precision}{COMPILED[self.mode]}"


@dataclass(frozen=True)
class Timed:
    """A choice, the median ms of its steps, and the s of its first one; `why` it failed, where it did."""

    choice: Choice
    ms: float = 0.0
    first_s: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class Length:
    """Steps of a run, and how many sets of stages learn in it, each of which is compiled."""

    steps: int
    sets: int


@dataclass(frozen=True)
class Finding:
    """What was measured of a model, and what was chosen; `own` is what the experiment says now."""

    key: str
    label: str
    own: Choice
    timed: tuple[Timed, ...]
    lengths: tuple[Length, ...]
    chosen: Choice

    def break_even(self, timed: Timed) -> float | None:
        """Steps after which a compiled choice has won back its compilation; None where it never does."""
        return break_even(timed, best_plain(self.timed), max(length.sets for length in self.lengths))


def tune_speed(
    planned: Plan, resources: Resources, report: Callable[[str], None], log: Path, *, seconds: float = SECONDS
) -> tuple[Finding, ...]:
    """A Finding for each model of the plan; each is measured in a fresh process, alone on the machine.

    First the formats and precisions in turn, then, with the best of them, compilation, into an empty cache.
    """
    settled = resources.model_copy(update={"jobs": 1, "threads": resources.threads or cores()})
    gpus = usable_gpus(resources)
    found = []
    for key, label, runs in _models(planned):
        report(f"Measuring {label}")
        with tempfile.TemporaryDirectory(prefix="paperkit-", ignore_cleanup_errors=True) as cache:
            variables = environment(settled.threads, gpus[0] if gpus else "")
            variables["TORCHINDUCTOR_CACHE_DIR"] = cache  # a compilation that is known takes no time
            with Team(TIME, [variables], log) as team:
                team.ready()
                timed, lengths = _asked(team, runs, plain_choices(bool(gpus)), settled, seconds)
                best = best_plain(timed).choice
                more, _ = _asked(team, runs, compiled_choices(best, bool(gpus)), settled, seconds)
        timed = (*timed, *more[1:])
        found.append(Finding(key, label, _own(runs[0]), timed, lengths, choose(timed, lengths)))
    return tuple(found)


def plain_choices(cuda: bool) -> tuple[Choice, ...]:
    """Both memory formats with each precision that the device may gain from."""
    precisions: tuple[Precision, ...] = ("fp32", "bf16", "fp16") if cuda else ("fp32", "bf16")
    return tuple(Choice(last, precision) for precision in precisions for last in (True, False))


def compiled_choices(plain: Choice, cuda: bool) -> tuple[Choice, ...]:
    """The best plain choice once more, to be timed in turn with it compiled."""
    modes: tuple[Mode, ...] = ("", "default", "reduce-overhead") if cuda else ("", "default")
    return tuple(Choice(plain.channels_last, plain.precision, mode) for mode in modes)


def best_plain(timed: Sequence[Timed]) -> Timed:
    """The choice without compilation: FP32 in channels_last, unless another is faster by over 5 %.

    A lower precision must be that much faster than a higher one. PaperkitError where all failed.
    """
    working = [one for one in timed if not one.why and not one.choice.mode]
    if not working:
        raise PaperkitError(timed[0].why if timed else "Nothing was timed.")
    best = working[0]
    for precision in ("fp32", "bf16", "fp16"):
        for one in (one for one in working if one.choice.precision == precision):
            same = one.choice.precision == best.choice.precision != "fp32"
            best = one if one.ms * (1.0 if same else MARGIN) < best.ms else best
    return best


def choose(timed: Sequence[Timed], lengths: Sequence[Length]) -> Choice:
    """The best plain choice, or it compiled where that is faster by over 5 % and won back in every run."""
    plain = best_plain(timed)
    paying = [one for one in timed if one.choice.mode and not one.why and _pays(one, plain, lengths)]
    return min(paying, key=lambda one: one.ms).choice if paying else plain.choice


def _pays(timed: Timed, plain: Timed, lengths: Sequence[Length]) -> bool:
    won_s = [(plain.ms - timed.ms) * length.steps / 1e3 - timed.first_s * length.sets for length in lengths]
    return timed.ms * MARGIN < plain.ms and min(won_s) > 0


def break_even(timed: Timed, plain: Timed, sets: int) -> float | None:
    """Steps whose gain is the time of `sets` compilations; None where a step gains nothing."""
    gain_s = (plain.ms - timed.ms) / 1e3
    return None if timed.why or gain_s <= 0 else timed.first_s * sets / gain_s


def fields_to_write(findings: Sequence[Finding]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Fields for [base], where all models have chosen the same, and for each [[model]] by its key."""
    each = {finding.key: finding.chosen.fields for finding in findings}
    first, *others = each.values()
    base = {name: value for name, value in first.items() if all(o.get(name) == value for o in others)}
    rest = {key: {n: v for n, v in fields.items() if n not in base} for key, fields in each.items()}
    return base, {key: fields for key, fields in rest.items() if fields}


def write_choices(
    path: Path,
    findings: Sequence[Finding],
    store: Store,
    weights: tuple[Path, ...] = (),
    *,
    yes: bool = False,
) -> None:
    """Nothing; the experiment file has the chosen fields. `weights` are the folders of weights files.

    InputError, and the file stays, where runs that are done would no longer be those of the experiment,
    unless `yes`.
    """
    base, models = fields_to_write(findings)
    with tempfile.TemporaryDirectory() as folder:
        trial = edit_experiment(path, base=base, models=models, out=Path(folder) / path.name)
        after = {run.id for run in all_runs(load_plans((trial,), weights=weights))}
    before = all_runs(load_plans((path,), weights=weights))
    lost = [run for run in before if run.id not in after and store.state(run) is RunState.DONE]
    if lost and not yes:
        raise InputError(
            f"{path}: {len(lost)} of its runs are done, and these fields change what a run is, so that they "
            "would be trained anew. Type --yes to write the fields all the same, or --dry to be told only."
        )
    edit_experiment(path, base=base, models=models)


def _models(planned: Plan) -> Iterator[tuple[str, str, tuple[RunSpec, ...]]]:
    """(key, label, runs) of each model: its base first, then what differs in length."""
    seed = planned.experiment.seeds[0]
    for model in planned.experiment.model:
        rows = [row for row in planned.rows if row.model_key == model.key and row.seed == seed]
        runs = {row.reading.run.id: row.reading.run for row in rows}
        yield model.key, model.label, tuple(runs.values())


def _own(run: RunSpec) -> Choice:
    return Choice(run.channels_last, run.precision, run.compile_mode if run.compile else "")


def _asked(
    team: Team,
    runs: tuple[RunSpec, ...],
    choices: tuple[Choice, ...],
    resources: Resources,
    seconds: float,
) -> tuple[tuple[Timed, ...], tuple[Length, ...]]:
    (answer,) = team.ask([(runs, choices, resources, seconds)])
    if isinstance(answer, PaperkitError):
        raise answer
    timed, lengths = answer
    return timed, lengths

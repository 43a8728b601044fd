"""The study that a command works on: its folder, its plans, its Store, and what it may use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from paper_kit.core.config import data_roots, local_config, study_root, weights_folders
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.paper import experiment_files
from paper_kit.core.part import Part, available, complete
from paper_kit.core.plan import BASE, Plan, all_runs, load_plans
from paper_kit.core.record import RunRecord
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState, Store


@dataclass(frozen=True)
class Workplace:
    """A study's folder with its Store, and the experiment files at hand; `runs` is another Store's folder."""

    root: Path
    files: tuple[Path, ...]
    runs: Path | None = None

    @property
    def store(self) -> Store:
        """The Store of the study; InputError where a folder was named that is not there."""
        if self.runs is not None and not self.runs.is_dir():
            raise InputError(f"{self.runs}: there is no such folder of runs. Correct --runs.")
        return Store(self.runs or self.root / "experiments" / "runs")

    @property
    def cache(self) -> Path:
        """The folder of decoded datasets."""
        return self.root / "experiments" / "data"

    def plans(self) -> tuple[Plan, ...]:
        """The plans of the experiment files; InputError lists everything wrong with them."""
        return load_plans(self.files, weights=weights_folders(self.root))

    def resources(self, data: list[str] | None = None, **choices: object) -> Resources:
        """What the command may use, with this machine's paths, and its `devices` where these are 0."""
        if choices.get("devices") == 0:
            choices["devices"] = local_config(self.root).devices
        return Resources.model_validate(
            {
                "data_roots": data_roots(self.root, tuple(data or ())),
                "weights_folders": weights_folders(self.root),
                "cache": self.cache,
                **choices,
            }
        )

    def executor(self, name: str) -> Part:
        """The executor with its options from the table [resources.<name>] of paperkit.local.toml.

        InputError lists unknown options, and tables of executors that there are not.
        """
        tables, known = local_config(self.root).resources, available("executor")
        unknown = [
            f"paperkit.local.toml: [resources.{table}]: no such executor.{did_you_mean(table, known)}"
            for table in tables
            if table not in known
        ]
        if unknown:
            raise InputError(unknown)
        return complete("executor", Part(name=name, arguments=tables.get(name, {})))


def workplace(experiments: list[str] | None = None, runs: Path | None = None) -> Workplace:
    """The study around the current folder, with the named experiments or those of paper.toml."""
    root = study_root()
    return Workplace(root, experiment_files(root, tuple(experiments or ())), runs)


def split_keys(only: list[str] | None) -> tuple[str, ...]:
    """Keys given as `--only a --only b` or `--only a,b`."""
    return tuple(key.strip() for item in only or () for key in item.split(",") if key.strip())


def find_run(text: str, store: Store, plans: tuple[Plan, ...]) -> RunSpec:
    """The run that a person means: by id or its first digits, or by model[/ablation[/seed]]."""
    ids = [run_id for run_id in store.ids() if run_id.startswith(text)] if len(text) >= 3 else []
    if len(ids) == 1:
        return store.spec(ids[0])
    if ids:
        raise InputError(f"{text}: the runs {', '.join(ids)} begin so; type more digits.")
    planned = {run.id: run for run in all_runs(plans) if len(text) >= 3 and run.id.startswith(text)}
    if len(planned) == 1:
        return next(iter(planned.values()))
    model, ablation, seed = (*text.split("/"), "", "")[:3]
    for row in (row for plan in plans for row in plan.rows):
        if (row.model_key, row.ablation_key) == (model, ablation or BASE) and seed in ("", str(row.seed)):
            return row.reading.run
    keys = dict.fromkeys(f"{row.model_key}/{row.ablation_key}" for plan in plans for row in plan.rows)
    raise InputError(f"There is no run {text!r} in the Store or the plans. Known: {', '.join(keys)}.")


def finished_record(run: RunSpec, store: Store) -> RunRecord:
    """The record of a run that is done; InputError says what to type where it is not."""
    state = store.state(run)
    if state is not RunState.DONE:
        raise InputError(f"The run {run.id} is not done ({state}). Type `paperkit run-all` first.")
    return store.record(run.id)


def fingerprint_of(resources: Resources, part: Part) -> str | None:
    """The dataset's fingerprint where it is at hand, without decoding it; None otherwise."""
    from paper_kit.data.cache import fingerprint_at_hand

    return fingerprint_at_hand(part, resources.data_roots, resources.cache)

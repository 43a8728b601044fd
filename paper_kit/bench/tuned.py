"""What a search comes to: the settings that are kept, the experiment file that sets them, record and log."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from paper_kit.bench.search import Search
from paper_kit.core.errors import InputError
from paper_kit.core.files import write_text
from paper_kit.core.store import Store
from paper_kit.core.toml_edit import edit_experiment
from paper_kit.core.tuning import SearchRecord, TrialRow, TuningRecord, best_of, own_of

NORMAL_95 = 1.959963984540054  # two-sided quantile of the normal distribution
MARK = "# Tuned by: "
LOG_HEAD = """# Searches

A line for each question that was asked of a search, with its answer, also where nothing came of it. Values
are those of the validation images; no test image was read. `paperkit tune` appends here.

| date | question | settings | on validation | kept |
|--|--|--|--|--|
"""


@dataclass(frozen=True)
class Choice:
    """What is kept of a search, and why in one sentence."""

    chosen: Mapping[str, float]  # the fields to set; none where the file's own are kept
    verdict: str
    noise: float = 0.0  # what a gain of accuracy has to exceed, a fraction


def choice(trials: Sequence[TrialRow], images: int, take_best: bool) -> Choice:
    """The best settings, or the file's own where nothing is better than noise on so many images."""
    own, best = own_of(trials), best_of(trials)
    if own is None or best is None or own.accuracy is None or best.accuracy is None:
        return Choice({}, "kept: the file's own settings have no finished trial to compare with")
    bound, difference = noise(own.accuracy, images), best.accuracy - own.accuracy
    if best.own or not best.settings:
        return Choice({}, "kept: no trial was above the file's own settings", bound)
    told = f"{100 * difference:+.1f} points, noise ±{100 * bound:.1f}"
    if difference > bound:
        return Choice(best.settings, f"changed: better than noise ({told})", bound)
    if take_best:
        return Choice(best.settings, f"changed on request: not better than noise ({told})", bound)
    return Choice({}, f"not better than noise: kept ({told})", bound)


def noise(accuracy: float, images: int) -> float:
    """Half the 95 % interval of a binomial accuracy on so many images (normal approximation), a fraction."""
    return NORMAL_95 * math.sqrt(accuracy * (1 - accuracy) / max(1, images))


def search_record(search: Search, *, take_best: bool, command: str) -> SearchRecord | None:
    """The search's record; None where no trial has ended yet."""
    question, trials, lasting = search.question, search.rows(), search.lasting()
    if not any(row.state == "complete" for row in trials):
        return None
    least = question.budget.of(question.spec)
    kept = choice(trials, lasting["validation_images"], take_best)
    return SearchRecord(
        kind="grid" if question.grid else "search",
        fields=question.varied,
        grid={name: tuple(question.grid[name]) for name in question.varied if question.grid},
        trials_planned=question.planned,
        epochs=least.epochs,
        train_fraction=least.train_fraction,
        seed=least.seed,
        sampler_seed=question.seed,
        select=least.select,
        validation_images=lasting["validation_images"],
        trials=trials,
        chosen=dict(kept.chosen),
        noise=kept.noise,
        verdict=kept.verdict,
        command=command,
        ended_at=datetime.now(UTC).isoformat(timespec="seconds"),
        fingerprint=lasting["fingerprint"],
        environment=lasting["environment"],
    )


def keep_record(search: Search, record: SearchRecord, store: Store) -> None:
    """Nothing; the Store holds the search, beside earlier ones of the same model and settings."""
    question = search.question
    whole = TuningRecord(
        experiment=question.experiment,
        model=question.model,
        spec=question.spec.full(),
        parameters=search.lasting()["parameters"],
        searches=(record,),
    )
    store.write_tuning(whole.joined(store.tuning(whole.name)))


def write_tuned(source: Path, out: Path, records: Mapping[str, SearchRecord], command: str) -> None:
    """Nothing; `out` is the source with the chosen fields set, and says at its top how they were found.

    Raises InputError where `out` is a file that a person wrote.
    """
    free_place(source, out)
    models = {key: dict(record.chosen) for key, record in records.items() if record.chosen}
    edit_experiment(source, models=models, out=out)
    write_text(out, header(source, records, command) + _named(out))


def _named(path: Path) -> str:
    """The file's text; where it gives itself a name, that of the file it came from, it has the file's now."""
    import tomlkit

    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    if "name" in document:
        document["name"] = path.stem
    return tomlkit.dumps(document)


def free_place(source: Path, out: Path) -> None:
    """Nothing; InputError where `out` may not be written over."""
    if out.resolve() == source.resolve():
        raise InputError(f"--out {out}: this is the experiment itself; name another file.")
    if out.exists() and not out.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        raise InputError(f"{out}: this file was not written by `paperkit tune`; name another with --out.")


def default_out(source: Path, folder: Path) -> Path:
    """<name>_tuned.toml in the folder; what was tuned before is <name>_tuned2.toml, and so on."""
    stem, mark, number = source.stem.rpartition("_tuned")
    if not mark or not (number == "" or number.isdigit()):
        return folder / f"{source.stem}_tuned.toml"
    return folder / f"{stem}_tuned{int(number or 1) + 1}.toml"


def header(source: Path, records: Mapping[str, SearchRecord], command: str) -> str:
    """Comment lines: the command, and for each model its trials, budget, values and what was kept."""
    lines = [
        f"{MARK}{command}",
        f"# From {source.name}; chosen on validation images, no test image was read.",
    ]
    lines += [f"# {key}: {told(record)}" for key, record in records.items()]
    return "\n".join(lines) + "\n\n"


def told(record: SearchRecord) -> str:
    """One line: trials, budget, what the best and the file's own settings reached, what was kept."""
    best, own = record.best, record.own
    parts = [f"{record.finished} of {record.trials_planned} trials of {budget(record)}"]
    if best is not None and best.accuracy is not None:
        parts.append(f"best {100 * best.accuracy:.1f} % ({written(best.params)})")
    if own is not None and own.accuracy is not None:
        parts.append(f"own {100 * own.accuracy:.1f} %")
    return f"{', '.join(parts)}; {record.verdict}"


def budget(record: SearchRecord) -> str:
    """ "12 epochs on 30 % of the training images, seed 0"."""
    part = f"{100 * record.train_fraction:g} % of the training images"
    return f"{record.epochs} epochs on {part}, seed {record.seed}"


def written(params: Mapping[str, float]) -> str:
    """ "optim.lr = 0.002, augment × 0.7"."""
    parts = [f"{name} {'×' if name == 'augment' else '='} {value:.3g}" for name, value in params.items()]
    return ", ".join(parts)


def append_log(
    log: Path, experiment: str, labels: Mapping[str, str], records: Mapping[str, SearchRecord]
) -> None:
    """Nothing; the log has a line more for each search, whether anything came of it or not."""
    before = log.read_text(encoding="utf-8") if log.is_file() else LOG_HEAD
    lines = []
    for key, record in records.items():
        tried = {name: sorted({row.params[name] for row in record.trials}) for name in record.fields}
        asked = "; ".join(f"{name} in {_values(values, record)}" for name, values in tried.items())
        best, own = record.best, record.own
        reached = [f"best {percent(best)} ({written(best.params)})"] if best else []
        reached += [f"own {percent(own)} ({written(own.params)})"] if own else []
        cells = (
            record.ended_at[:10],
            f"{experiment}, {labels[key]}: {asked}?",
            f"{record.finished} trials of {budget(record)}",
            ", ".join(reached) + f", of {record.validation_images:,} images",
            record.verdict,
        )
        lines.append(f"| {' | '.join(cells)} |\n")
    write_text(log, before + "".join(lines))


def _values(values: Sequence[float], record: SearchRecord) -> str:
    if record.kind == "grid":
        return ", ".join(f"{value:g}" for value in values)
    return f"{values[0]:.3g} to {values[-1]:.3g}"


def percent(row: TrialRow | None) -> str:
    """ "61.2 %" of the validation images, or a dash where it is not known."""
    return "–" if row is None or row.accuracy is None else f"{100 * row.accuracy:.1f} %"

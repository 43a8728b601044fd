"""What a research object of a study holds: PDF, records, experiment files, words, tables and facts."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from paper_kit.core.git import git
from paper_kit.core.pack import pack
from paper_kit.core.paper import experiment_files
from paper_kit.core.plan import all_runs
from paper_kit.core.store import Store
from paper_kit.render.exports.ro_crate import Content, write_crate
from paper_kit.render.reading import Inputs, read_inputs
from paper_kit.render.request import Request

UNKNOWN_DATE = "1980-01-01"  # of a study that is in no git repository
BUILT = {
    "paper.pdf": "The paper",
    "supplement.pdf": "Its supplement",
    "facts.json": "Every number the paper prints, with its origin",
    "claims.json": "Every comparison the paper makes, with its test",
    "provenance.json": "Where every printed number is from",
    "manifest.json": "The seal: hashes of all that the paper was made from",
}


def write_study(
    to: Path, root: Path, folder: Path, venue: str, experiments: tuple[str, ...], runs: Path | None
) -> int:
    """How many files the research object at `to` holds; `folder` is that of the paper's build."""
    inputs = read_inputs(Request(venue=venue, experiments=experiments, runs=runs), root)
    with tempfile.TemporaryDirectory() as kept:
        packed, environment = Path(kept) / "records.zip", Path(kept) / "environment.json"
        store = Store(runs or root / "experiments" / "runs")
        pack(store, [run.id for run in all_runs(inputs.results.plans) if inputs.results.done(run)], packed)
        environment.write_text(json.dumps(_environments(inputs), indent=1), encoding="utf-8")
        contents = [
            Content("records.zip", packed, "The records of all trainings: logits, ids, histories, settings"),
            Content("environment.json", environment, "Machines and package versions of the trainings"),
            *_built(folder),
            *_sources(root, experiments),
        ]
        paper = inputs.manuscript.paper
        write_crate(to, contents, paper, paper.title, inputs.results, _date(root))
    return len(contents)


def _environments(inputs: Inputs) -> dict[str, object]:
    results = inputs.results
    return {
        run.id: results.record(run.id).environment for run in all_runs(results.plans) if results.done(run)
    }


def _built(folder: Path) -> Iterator[Content]:
    for name, about in BUILT.items():
        if (folder / name).is_file():
            yield Content(name, folder / name, about)
    for kind in ("tables", "figures"):
        for path in sorted((folder / kind).glob("*")):
            if path.suffix in {".csv", ".md", ".pdf"}:
                yield Content(f"{kind}/{path.name}", path, f"{kind[:-1].capitalize()} {path.stem}")


def _sources(root: Path, experiments: tuple[str, ...]) -> Iterator[Content]:
    """Experiment files, paper.toml and templates, at their places in the study."""
    for path in (root / "paper" / "paper.toml", *experiment_files(root, experiments)):
        yield Content(f"{path.parent.name}/{path.name}", path, f"Settings: {path.name}")
    for path in sorted((root / "templates").rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            place = path.relative_to(root).as_posix()
            yield Content(place, path, f"Text: {place}")


def _date(root: Path) -> str:
    """The date of the last commit of the study; git missing or no commit gives UNKNOWN_DATE."""
    return (git(root, "log", "-1", "--format=%cs") or "").strip() or UNKNOWN_DATE

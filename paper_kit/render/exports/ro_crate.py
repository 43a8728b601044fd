"""The study as a research object: records, configuration, environment and PDF, described by RO-Crate.

RO-Crate, https://w3id.org/ro/crate, by the profile Process Run Crate 0.5: a training is a CreateAction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paper_kit import __version__
from paper_kit.analysis.results import Results
from paper_kit.core.errors import InputError
from paper_kit.core.paper import Author, Paper
from paper_kit.core.plan import all_runs
from paper_kit.core.record import RunRecord

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
TYPES = {
    ".pdf": "application/pdf", ".json": "application/json", ".csv": "text/csv", ".md": "text/markdown",
    ".toml": "application/toml", ".tex": "application/x-tex", ".zip": "application/zip",
    ".bib": "text/x-bibtex", ".txt": "text/plain",
}  # fmt: skip
OTHER, TOOL = "application/octet-stream", "#paper_kit"


@dataclass(frozen=True)
class Content:
    """A file of the crate: where it lies there, where it is now, and what it is."""

    place: str
    source: Path
    about: str


def write_crate(
    to: Path, contents: Iterable[Content], paper: Paper, title: str, results: Results, date: str
) -> None:
    """Nothing; `to`, a folder or a .zip, holds the files and ro-crate-metadata.json.

    `date` is that of the last commit of the study's sources, ISO 8601. InputError where rocrate is missing,
    or where `to` holds other things.
    """
    try:
        from rocrate.model import File
        from rocrate.rocrate import ROCrate
    except ImportError:
        raise InputError("RO-Crate needs a library. Type: pip install 'paper-kit[export]'.") from None
    if to.is_dir() and any(to.iterdir()) and not (to / "ro-crate-metadata.json").is_file():
        raise InputError(f"{to}: holds other files. Name a new folder or a .zip: --to my_study.zip")
    crate = ROCrate()
    crate.name, crate.datePublished = title, date
    crate.description = f"The records, configuration and text behind the paper {title!r}."
    if paper.keywords:
        crate.keywords = list(paper.keywords)
    crate.root_dataset["conformsTo"] = crate.add_jsonld({"@id": PROFILE, "@type": "CreativeWork"})
    crate.root_dataset["author"] = [crate.add_jsonld(each) for each in _people(paper.authors)]
    files = {}
    for each in contents:
        told = {
            "name": each.about,
            "encodingFormat": TYPES.get(each.source.suffix, OTHER),
        }
        files[each.place] = crate.add(File(crate, each.source, each.place, properties=told))
    crate.mainEntity = files.get("paper.pdf", crate.root_dataset)
    crate.add_jsonld(_tool())
    actions = [crate.add_jsonld(each) for each in _actions(results, "records.zip")]
    datasets = {each["@id"]: each for each in _datasets(results)}
    for dataset in datasets.values():
        crate.add_jsonld(dataset)
    crate.root_dataset["mentions"] = [{"@id": each.id} for each in actions]
    if to.suffix == ".zip":
        crate.write_zip(to)
    else:
        crate.write(to)


def _people(authors: Iterable[Author]) -> Iterator[dict[str, Any]]:
    for number, author in enumerate(authors, start=1):
        name = f"https://orcid.org/{author.orcid}" if author.orcid else f"#author-{number}"
        told = {"@id": name, "@type": "Person", "name": author.name}
        told |= {"affiliation": author.affiliation} if author.affiliation else {}
        yield told | ({"email": author.email} if author.email else {})


def _tool() -> dict[str, Any]:
    return {
        "@id": TOOL,
        "@type": "SoftwareApplication",
        "name": "paper_kit",
        "softwareVersion": __version__,
        "description": "Trains, measures and writes the paper from the records.",
    }


def _records(results: Results) -> list[RunRecord]:
    return [results.record(run.id) for run in all_runs(results.plans) if results.done(run)]


def _actions(results: Results, records: str) -> Iterator[dict[str, Any]]:
    """A CreateAction for each finished training: its settings, data, machine and metrics."""
    for record in _records(results):
        environment = record.environment
        yield {
            "@id": f"#run-{record.id}",
            "@type": "CreateAction",
            "name": f"Training {record.id}",
            "instrument": {"@id": TOOL},
            "object": {"@id": _dataset_id(record)},
            "result": {"@id": records},
            "description": _json(
                {
                    "spec": record.spec, "metrics": record.metrics, "seconds": record.seconds,
                    "environment": environment, "code": record.code, "weights_sha256": record.weights_sha256,
                }
            ),
            "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        }  # fmt: skip


def _datasets(results: Results) -> Iterator[dict[str, Any]]:
    """The datasets by fingerprint; their images are not part of the crate."""
    for record in _records(results):
        card = record.card
        yield {
            "@id": _dataset_id(record),
            "@type": "Dataset",
            "name": card.get("title", card.get("name", "")),
            "description": f"{card.get('protocol', '')}; images not included",
            "conditionsOfAccess": card.get("licence", ""),
            "identifier": record.data.get("fingerprint", ""),
        }


def _dataset_id(record: RunRecord) -> str:
    return f"#data-{record.data.get('fingerprint', 'unknown')}"


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)

"""All that a build reads: templates, records, venue, the state of the runs, and the seal of it all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from paper_kit.analysis.claims import Claims
from paper_kit.core.config import weights_folders
from paper_kit.core.digest import FileHashes
from paper_kit.core.errors import InputError
from paper_kit.core.files import canonical_json, sha256_text
from paper_kit.core.paper import experiment_files, load_paper
from paper_kit.core.plan import Plan, load_plans
from paper_kit.core.spec import Resources
from paper_kit.core.status import Fingerprint, RunStatus, not_at_hand, statuses
from paper_kit.core.store import RunState, Store
from paper_kit.render.cache import FOLDER, Cache
from paper_kit.render.editions import Edition, folder_name
from paper_kit.render.logic import logic
from paper_kit.render.making import Making
from paper_kit.render.manuscript import Manuscript, Typeset, load_manuscript, typeset
from paper_kit.render.material import Study
from paper_kit.render.request import Request
from paper_kit.render.seal import Sealing, sealing, stamped
from paper_kit.render.venue import Venue, load_venue

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results

WORDS = (".tex", ".bib", ".pdf", ".png", ".jpg", ".jpeg")  # files of templates/ that no fact depends on
OF_RECORDS = ("records", "data", "environment", "code", "options")  # classes of inputs that facts depend on


@dataclass(frozen=True)
class Records:
    """Where results come from; they are collected when they are first asked for."""

    plans: tuple[Plan, ...]
    runs: Path
    resources: Resources
    literature: Path | None
    show_images: bool
    alpha: float
    margin_points: float

    @cached_property
    def results(self) -> Results:
        """The results, whose claims are `claims`."""
        from paper_kit.analysis.results import collect

        found = collect(
            self.plans,
            Store(self.runs),
            resources=self.resources,
            literature=self.literature,
            show_images=self.show_images,
            alpha=self.alpha,
            margin_points=self.margin_points,
        )
        found.claims = self.claims
        return found

    @cached_property
    def claims(self) -> Claims:
        """The claims on these results."""
        return Claims(lambda: self.results, self.alpha, self.margin_points)


@dataclass(frozen=True)
class Inputs:
    """All that a build reads, read; the records only where the cache in `folder` does not do."""

    manuscript: Manuscript
    records: Records
    venue: Venue
    states: tuple[RunStatus, ...]
    sealing: Sealing
    folder: Path

    @property
    def results(self) -> Results:
        """The results of the study, collected when first asked for."""
        return self.records.results

    @property
    def missing(self) -> tuple[RunStatus, ...]:
        """The runs that are not finished."""
        return tuple(status for status in self.states if status.state is not RunState.DONE)

    @property
    def stale(self) -> tuple[RunStatus, ...]:
        """The runs that would come out differently today."""
        return tuple(status for status in self.states if status.stale)

    @property
    def deviating(self) -> tuple[RunStatus, ...]:
        """The finished runs that were not trained as their specs say; their notes tell how."""
        return tuple(status for status in self.states if status.state is RunState.DONE and status.note)

    @property
    def study(self) -> Study:
        """What is known of the study beside tables and figures."""
        return self.making.study

    @cached_property
    def making(self) -> Making:
        """The maker of facts, tables and figures, with its cache in the build folder."""
        from paper_kit.render.drawing import Together

        cache = Cache(self.folder / FOLDER, key_of(self))
        claims, style = self.records.claims, self.venue.figure_style()
        return Making(lambda: self.results, claims, style, cache, Together(self.records))

    def typeset(self, edition: Edition = "linked") -> Typeset:
        """The manuscript as one TeX file, with what it places."""
        asked = logic(self.manuscript, edition, self.sealing.stamp)
        found = self.making.material(frozenset(status.run.id for status in self.stale), asked)
        made = typeset(self.manuscript, stamped(found, self.sealing.stamp), self.venue, edition)
        self.making.keep(asked)
        return made


def read_inputs(request: Request, root: Path, fingerprint: Fingerprint = not_at_hand) -> Inputs:
    """Templates, records and venue of a study; InputError for what is wrong with them."""
    paper, templates = load_paper(root), root / "templates"
    if request.supplement:
        paper = paper.model_copy(update={"supplement": request.supplement})
    venue = load_venue(templates, request.venue or paper.venue)
    plans = load_plans(experiment_files(root, request.experiments), weights=weights_folders(root))
    if request.runs is not None and not request.runs.is_dir():
        raise InputError(f"{request.runs}: there is no such folder of runs. Correct --runs.")
    runs = request.runs or root / "experiments" / "runs"
    literature = templates / "literature.toml"
    records = Records(
        plans,
        runs,
        request.resources,
        literature if literature.is_file() else None,
        request.show_images,
        paper.alpha,
        paper.equivalence_margin,
    )
    sealed, hashes = sealing(request, root, plans), FileHashes(root)
    states = statuses(plans, Store(runs), fingerprint, hashes=hashes.of_plugin)
    hashes.write()
    return Inputs(
        load_manuscript(templates, paper),
        records,
        venue,
        states,
        sealed,
        request.out or root / "paper" / "build" / folder_name(venue.key, request.edition),
    )


def key_of(inputs: Inputs) -> str:
    """SHA-256 of all that facts, tables and figures are made from: the words of the paper are left out."""
    classes, paper = inputs.sealing.inputs.classes, inputs.manuscript.paper
    told = {
        **{name: dict(classes.get(name, {})) for name in OF_RECORDS},
        "experiments": _but(classes.get("paper", {}), ("paper.toml",)),
        "templates": _but(classes.get("templates", {}), WORDS),
        "levels": [paper.alpha, paper.equivalence_margin],
        "states": [_told(status) for status in inputs.states],
    }
    return sha256_text(canonical_json(told))


def _but(files: Mapping[str, str], ends: tuple[str, ...]) -> dict[str, str]:
    return {name: digest for name, digest in files.items() if not name.endswith(ends)}


def _told(status: RunStatus) -> list[object]:
    return [status.run.id, status.label, status.state, status.stale, status.unknown, status.note]

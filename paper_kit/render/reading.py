"""All that a build reads: templates, records, venue, the state of the runs, and the seal of it all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from paper_kit.analysis.results import Results, collect
from paper_kit.core.config import weights_folders
from paper_kit.core.paper import experiment_files, load_paper
from paper_kit.core.plan import load_plans
from paper_kit.core.status import Fingerprint, RunStatus, not_at_hand, statuses
from paper_kit.core.store import RunState, Store
from paper_kit.render.editions import Edition
from paper_kit.render.manuscript import Manuscript, Typeset, load_manuscript, typeset
from paper_kit.render.material import material
from paper_kit.render.request import Request
from paper_kit.render.seal import Sealing, sealing, stamped
from paper_kit.render.venue import Venue, load_venue


@dataclass(frozen=True)
class Inputs:
    """All that a build reads, read."""

    manuscript: Manuscript
    results: Results
    venue: Venue
    missing: tuple[RunStatus, ...]
    stale: tuple[RunStatus, ...]
    sealing: Sealing

    def typeset(self, edition: Edition = "linked") -> Typeset:
        """The manuscript as one TeX file, with what it places."""
        stale_runs = frozenset(status.run.id for status in self.stale)
        found = material(self.results, self.venue.style(), stale_runs)
        return typeset(self.manuscript, stamped(found, self.sealing.stamp), self.venue, edition)


def read_inputs(request: Request, root: Path, fingerprint: Fingerprint = not_at_hand) -> Inputs:
    """Templates, records and venue of a study; InputError for what is wrong with them."""
    paper, templates = load_paper(root), root / "templates"
    if request.supplement:
        paper = paper.model_copy(update={"supplement": request.supplement})
    venue = load_venue(templates, request.venue or paper.venue)
    plans = load_plans(experiment_files(root, request.experiments), weights=weights_folders(root))
    store = Store(request.runs or root / "experiments" / "runs")
    literature = templates / "literature.toml"
    results = collect(
        plans,
        store,
        resources=request.resources,
        literature=literature if literature.is_file() else None,
        show_images=request.show_images,
        alpha=paper.alpha,
        margin_points=paper.equivalence_margin,
    )
    states = statuses(plans, store, fingerprint)
    return Inputs(
        load_manuscript(templates, paper),
        results,
        venue,
        missing=tuple(status for status in states if status.state is not RunState.DONE),
        stale=tuple(status for status in states if status.stale),
        sealing=sealing(request, root),
    )

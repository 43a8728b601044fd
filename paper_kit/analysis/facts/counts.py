"""How many there are: models, ablations, trainings, seeds, classes."""

from __future__ import annotations

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._sheet import Sheet
from paper_kit.analysis.results import Results


def facts(results: Results) -> dict[str, Fact]:
    """Counts of the main experiment; counts.runs is trainings and source runs together."""
    plan, sheet = results.plan(), Sheet("counts")
    counted = {
        "models": len(results.models),
        "ablations": len(results.ablations),
        "seeds": len(results.main.seeds),
        "trainings": len(plan.trainings),
        "source_runs": len(plan.sources),
        "runs": len(plan.runs),
        "readings": len(plan.rows),
        "experiments": len(results.plans),
        "classes": len(results.classes()) or None,
    }
    for key, value in counted.items():
        sheet.add(
            key,
            value,
            "count",
            0,
            origin=Origin(formula=f"number of {key.replace('_', ' ')} in the plan"),
            exact=True,
        )
    return sheet.facts

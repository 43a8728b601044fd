"""What audits count: copies among the images of a study, its cells and runs, accuracies without copies."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from results import Numbers, spread_over, tenth
from study import Study

LITERATURE = "templates/literature.toml"
READ = ["test_last_VNK", "test_selected_VNK"]  # the epochs that may be read on test images


def audited(study: Study, root: Path) -> Numbers:
    """audit.… of a study: what is counted in its records, and what the audit of its images found."""
    accuracies = [study.cell(model).metric("accuracy") for model in study.models]
    seeds = len(study.seeds)
    found: Numbers = {
        "audit.cells": len(study.models) * (1 + len(study.ablations)) * seeds,
        "audit.ablated_cells": len(study.models) * len(study.ablations) * seeds,
        "audit.runs": len(study.trainings),
        "audit.highest_accuracy": max(accuracies),
        "audit.chosen_on_test": chosen_on_test(root),
    }
    readings = {len(READ) if study.records.test_readings(run) == READ else 0 for run in study.trainings}
    if len(readings) == 1:  # else no number is true of all runs
        found["audit.test_readings"] = readings.pop()
    audit = audit_of(study)
    return found if audit is None else found | _copies(study, audit)


def audit_of(study: Study) -> Mapping[str, Any] | None:
    """The audit of the images that a study's first runs were made on; None where it is not packed."""
    fingerprint = study.record(next(iter(study.models)))["data"]["fingerprint"]
    return next((each for each in study.records.audits if each["fingerprint"] == fingerprint), None)


def chosen_on_test(root: Path) -> int:
    """How many published rows say that their epoch was chosen on test images."""
    told = tomllib.loads((root / LITERATURE).read_text(encoding="utf-8"))
    return sum("test" in row.get("selection", "").lower() for row in told["result"])


def _copies(study: Study, audit: Mapping[str, Any]) -> Numbers:
    exact = {
        image["id"]
        for group in audit["copies"]
        for image in group
        if image["split"] == "test" and any(other["split"] != "test" for other in group)
    }
    pairs = [(pair["image"], pair["partner"]) for pair in audit["near"]]
    near = {
        one["id"]
        for pair in pairs
        for one, other in (pair, pair[::-1])
        if one["split"] == "test" and other["split"] != "test"
    }
    leaked, test = near | exact, sum(audit["counts"]["test"].values())
    found: Numbers = {
        "audit.duplicates.exact": len(exact),
        "audit.duplicates.near": len(near - exact),
        "audit.duplicates.groups": len(audit["copies"]),
        "audit.duplicates.conflicting": len(audit["conflicts"]),
        "audit.duplicates.conflicting_images": sum(len(group) for group in audit["conflicts"]),
        "audit.duplicates.blank": len(audit["blank"]),
        "audit.test_leaked": len(leaked),
        "audit.images": sum(sum(counts.values()) for counts in audit["counts"].values()),
        "audit.test_deduplicated": test - len(leaked),
    }
    for model in study.models:
        cell = study.cell(model)
        kept_N = ~np.isin(cell.ids, sorted(leaked))
        clean = spread_over(each.right_N[kept_N].mean() for each in cell.seeds)
        found |= {f"audit.{model}.accuracy_deduplicated{end}": value for end, value in clean.items()}
        change = tenth(float(clean[""])) - tenth(cell.metric("accuracy"))
        found[f"audit.{model}.deduplicated_change"] = change
    return found

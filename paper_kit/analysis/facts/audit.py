"""What the audit of the test images found, and what each model measures without those that leaked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._effects import accuracy_fact
from paper_kit.analysis.facts._sheet import Sheet, measured_origin
from paper_kit.analysis.predictions import Measured, Predictions
from paper_kit.analysis.results import Results
from paper_kit.core.plan import BASE
from paper_kit.core.record import AuditRecord

LEAKED = "test images with an exact or near copy in train or validation"


def facts(results: Results) -> dict[str, Fact]:
    """audit.duplicates.…, .test_deduplicated, .<model>.accuracy_deduplicated … of the main dataset."""
    return audit_facts(results)


def audit_facts(results: Results, experiment: str = "") -> dict[str, Fact]:
    """The facts of any experiment's dataset; those of the main one are the topic's own."""
    plan = results.plan(experiment).experiment
    sheet = Sheet("audit" if plan.name == results.main.name else f"audit of {plan.name}")
    found = audit_of(results, experiment)
    leaked = found.test_leaked if found else None
    _counts(sheet, found)
    for model in plan.model:
        measured = results.measured(model.key, BASE, experiment)
        without = sheet.put(f"{model.key}.accuracy_deduplicated", deduplicated_fact(measured, leaked))
        full = replace(full_fact(results, model.key, experiment), terms=())  # a test would be on all images
        sheet.put(f"{model.key}.deduplicated_change", without - full)
    return sheet.facts


def full_fact(results: Results, model: str, experiment: str = "") -> Fact:
    """The accuracy of a model's base on all test images, under the key that templates know it by."""
    name = results.plan(experiment).experiment.name
    topic = "results" if name == results.main.name else f"results of {name}"
    return replace(accuracy_fact(results.measured(model, BASE, experiment)), key=f"{topic}.{model}.accuracy")


def audit_of(results: Results, experiment: str = "") -> AuditRecord | None:
    """The audit of an experiment's dataset, as its runs saw it; None where there is none yet."""
    record = results.any_record(experiment)
    return results.store.audit(str(record.data.get("fingerprint", ""))) if record else None


def deduplicated_deviation(results: Results, model: str, experiment: str = "") -> float | None:
    """Standard deviation over seeds of the accuracy without copies, as a fraction; None for one seed."""
    found = audit_of(results, experiment)
    values = _without(results.measured(model, BASE, experiment), found.test_leaked if found else None)
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def _without(measured: Measured, leaked: Collection[str] | None) -> list[float]:
    """The accuracy of each seed on the test images that did not leak; empty where one is not known."""
    if leaked is None or not measured.complete:
        return []
    values = [accuracy_without(one, leaked) for one in measured.predictions]
    known = [each for each in values if each is not None]
    return known if len(known) == len(values) else []


def deduplicated_fact(measured: Measured, leaked: Collection[str] | None) -> Fact:
    """Mean accuracy over the seeds on the test images that did not leak; missing without an audit."""
    origin = measured_origin(measured, f"accuracy without {LEAKED}")
    values = _without(measured, leaked)
    value = float(np.mean(values)) if values else None
    return Fact("", value, "percent", 1, origin=origin)


def accuracy_without(one: Predictions, leaked: Collection[str]) -> float | None:
    """Accuracy on the images that are not in `leaked`, as a fraction; None where none is left."""
    kept_N = np.array([str(key) not in leaked for key in one.ids.tolist()])
    right_N = one.predicted_N == one.labels
    return float(right_N[kept_N].mean()) if kept_N.any() else None


def _counts(sheet: Sheet, found: AuditRecord | None) -> None:
    """Nothing; duplicates.exact, .near, .groups, .conflicting, .blank, test_leaked and test_deduplicated."""
    test = sum(found.counts.get("test", {}).values()) if found else 0
    conflicts = [image for group in found.conflicts for image in group] if found else []
    numbers = {
        "duplicates.exact": (len(found.test_exact), "test_exact") if found else None,
        "duplicates.near": (len(found.test_near), "test_near") if found else None,
        "duplicates.groups": (len(found.copies), "copies") if found else None,
        "duplicates.conflicting": (len(found.conflicts), "conflicts") if found else None,
        "duplicates.conflicting_images": (len(conflicts), "conflicts") if found else None,
        "duplicates.blank": (len(found.blank), "blank") if found else None,
        "test_leaked": (len(found.test_leaked), "test_leaked") if found else None,
        "test_deduplicated": (test - len(found.test_leaked), "counts") if found else None,
    }
    for key, number in numbers.items():
        value, field = number or (None, key)
        origin = Origin(fields=(f"audit.{field}",))
        sheet.add(key, value, "count", origin=origin, exact=True)

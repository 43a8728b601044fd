"""Audits of a study's dataset: counts, copies across splits, accuracies without them, plausibility."""

from __future__ import annotations

from paper_kit.analysis.audit_line import AuditLine, Piece, line, number
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts.audit import LEAKED, audit_facts
from paper_kit.analysis.results import Results
from paper_kit.core.plan import BASE
from paper_kit.core.record import AuditRecord
from paper_kit.data.card import Card
from paper_kit.data.known import known, splits_differ

FALSE_FLAGS = 0.001  # share of images of different people that the scan for near copies may flag


def counts(results: Results, experiment: str, found: AuditRecord | None) -> AuditLine:
    name = "Counts of the dataset"
    card, record = results.card(experiment), results.any_record(experiment)
    if card is None or record is None:
        return line(name, [], 0)
    if not card.official_counts:
        return AuditLine(name, None, (f"the card of {card.title} states no official counts",))
    if not found and record.spec.get("train_fraction", 1) != 1:  # the record counts what the run used
        return AuditLine(name, None, (ask(results, experiment),))
    counts = found.counts if found else record.data.get("counts", {})
    total = number("images", sum(sum(row.values()) for row in counts.values()), "count", "audit.counts")
    problems = list(splits_differ(counts, card.official_counts))
    return line(
        name, problems, 1, "the ", total, f" images are the official ones of {card.title}, class by class"
    )


def duplicates(results: Results, experiment: str, found: AuditRecord | None) -> AuditLine:
    """Copies across splits; a split of the user's own must have none, an official one is as it is."""
    name = "Copies across splits"
    card = results.card(experiment)
    if found is None or card is None:
        return AuditLine(name, None, (ask(results, experiment),))
    numbers = {
        key.removeprefix("duplicates."): fact for key, fact in audit_facts(results, experiment).items()
    }
    parts: tuple[Piece, ...] = (
        "test images with an exact copy among all images of train or validation: ", numbers["exact"],
        "; with a near copy: ", numbers["near"],
        "; groups of copies with conflicting labels: ", numbers["conflicting"],
        "; blank images: ", numbers["blank"],
        "; test images without a copy: ", audit_facts(results, experiment)["test_deduplicated"],
    )  # fmt: skip
    official = bool(card.official_counts) and not splits_differ(found.counts, card.official_counts or {})
    allowed = max(1.0, FALSE_FLAGS * sum(found.counts.get("test", {}).values()))
    clean = not found.test_exact and len(found.test_near) <= allowed
    if official and not clean:
        parts = (*parts, ". The split is the official one")
    return AuditLine(name, clean or official, parts, report=not clean)


def deduplicated(results: Results, experiment: str, found: AuditRecord | None, model: str) -> AuditLine:
    label = results.model(model, experiment).label
    name = f"{label} without the copies"
    measured = results.measured(model, BASE, experiment)
    if found is None or not measured.complete:
        return AuditLine(
            name, None, ("needs every seed of the base, and the audit: " + ask(results, experiment),)
        )
    facts = audit_facts(results, experiment)
    without, change = facts[f"{model}.accuracy_deduplicated"], facts[f"{model}.deduplicated_change"]
    if without.missing:
        return AuditLine(name, None, (f"every test image is among the {LEAKED}",))
    return AuditLine(name, True, (without, " (", change, ")"), report=True)


def ceiling(results: Results, experiment: str, found: AuditRecord | None) -> AuditLine:
    name = "Plausibility ceiling"
    card = results.card(experiment)
    limit, source, home = ceiling_of(card) if card else (None, "", "")
    cells = [
        results.measured(model.key, BASE, experiment) for model in results.plan(experiment).experiment.model
    ]
    highest = max((value for cell in cells if (value := cell.mean("accuracy")) is not None), default=None)
    if card is None or highest is None:
        return line(name, [], 0)
    if limit is None:
        return AuditLine(name, None, (f"no source gives one for {card.title}",))
    best = number("highest_accuracy", highest, "percent", "results.*.accuracy")
    bound = number("ceiling", limit, "percent", f"{home}.ceiling", digits=0)
    told = Fact("audit.ceiling_source", source, "text", origin=Origin(fields=(f"{home}.ceiling_source",)))
    if highest <= limit:
        return AuditLine(name, True, (best, " is the highest accuracy, not above ", bound, ": ", told))
    asked = f"; a result above it asks for a look at leaks: {ask(results, experiment)}"
    done = "; the copies above were looked for" if found else asked
    return AuditLine(name, found is not None, (best, " is above ", bound, ": ", told, done))


def ceiling_of(card: Card) -> tuple[float | None, str, str]:
    """The accuracy (a fraction) above which a result on this dataset is doubted, its source, who says so."""
    field = known(card.name)
    if field and field.ceiling is not None:
        return field.ceiling, field.ceiling_source, "known"
    return card.ceiling, card.ceiling_source, "card"


def ask(results: Results, experiment: str) -> str:
    """What to type where there is no audit of the dataset yet."""
    return f"type `paperkit data audit {results.plan(experiment).rows[0].dataset} --record`"

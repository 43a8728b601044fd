"""The study: its question, its models, ablations and datasets as lists."""

from __future__ import annotations

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts import names as names_topic
from paper_kit.analysis.facts._sheet import Sheet
from paper_kit.analysis.results import Results


def facts(results: Results) -> dict[str, Fact]:
    """study.title, .question, .models, .ablations, .datasets."""
    sheet, names = Sheet("study"), names_topic.facts(results)
    sheet.add("title", results.main.called, origin=Origin(fields=("experiment.title",)))
    sheet.add("question", results.main.question, origin=Origin(fields=("experiment.question",)))
    models = tuple(names[model.key] for model in results.models)
    sheet.listed("models", models, Origin(fields=("model.*.label",)))
    ablations = tuple(names[ablation.key] for ablation in results.ablations)
    sheet.listed("ablations", ablations, Origin(fields=("ablation.*.label",)))
    parts = dict.fromkeys(plan.rows[0].dataset for plan in results.plans)
    sheet.listed("datasets", tuple(names[part] for part in parts), Origin(fields=("card.title",)))
    return sheet.facts

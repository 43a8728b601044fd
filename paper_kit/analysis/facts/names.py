"""Display names: of models, ablations, datasets."""

from __future__ import annotations

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._sheet import Sheet
from paper_kit.analysis.results import Results


def facts(results: Results) -> dict[str, Fact]:
    """names.<model key>, names.<ablation key>, names.dataset, names.<dataset plug-in>."""
    sheet = Sheet("names")
    for model in results.models:
        sheet.add(model.key, model.label, origin=Origin(fields=(f"model.{model.key}.label",)))
    for ablation in results.ablations:
        sheet.add(ablation.key, ablation.label, origin=Origin(fields=(f"ablation.{ablation.key}.label",)))
    titles = {plan.rows[0].dataset: results.card(plan.experiment.name) for plan in reversed(results.plans)}
    for part, card in titles.items():
        sheet.add(part, card.title if card else None, origin=Origin(fields=("card.title",)))
    main = results.card()
    sheet.add("dataset", main.title if main else None, origin=Origin(fields=("card.title",)))
    return sheet.facts

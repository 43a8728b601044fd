"""The experiments that a paper names after its main one: what they trained, on what, and what came of it."""

from __future__ import annotations

from dataclasses import replace

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._effects import applies, change_fact, exact_change
from paper_kit.analysis.facts._sheet import Sheet, measured_origin, measured_terms
from paper_kit.analysis.facts._tree import slugs
from paper_kit.analysis.facts.audit import audit_facts
from paper_kit.analysis.facts.cost import training_time
from paper_kit.analysis.facts.data import SPLITS, counts_of
from paper_kit.analysis.facts.model import layer_size
from paper_kit.analysis.results import Results
from paper_kit.core.plan import BASE, Plan

METRICS = ("accuracy", "macro_f1")


def facts(results: Results) -> dict[str, Fact]:
    """further.<experiment>.name .question .dataset .test .models .best.… .worst.… .largest_effect.…"""
    sheet = Sheet("further")
    for step, plan in further(results).items():
        _said(sheet, results, step, plan)
        _order(sheet, results, step, plan)
        _largest(sheet, results, step, plan)
    return sheet.facts


def further(results: Results) -> dict[str, Plan]:
    """Step of a key -> plan, of every experiment but the main one."""
    plans = results.plans[1:]
    return dict(zip(slugs(tuple(plan.experiment.name for plan in plans)), plans, strict=True))


def _said(sheet: Sheet, results: Results, step: str, plan: Plan) -> None:
    """Nothing; what the experiment file and the card say: names, question, images, trainings and seeds."""
    name = plan.experiment.name
    card, record = results.card(name), results.any_record(name)
    sheet.add(f"{step}.name", plan.experiment.called, origin=Origin(fields=("experiment.title",)))
    sheet.add(f"{step}.question", plan.experiment.question, origin=Origin(fields=("experiment.question",)))
    sheet.add(f"{step}.dataset", card.title if card else None, origin=Origin(fields=("card.title",)))
    licence = card.licence if card else None
    sheet.add(f"{step}.licence", licence, origin=Origin(fields=("card.licence",)))
    counts, counted = counts_of(record), Origin(fields=("record.data.counts",))
    for split in SPLITS:
        count = sum(counts[split].values()) if split in counts else None
        sheet.add(f"{step}.{split}", count, "count", origin=counted, exact=True)
    planned = {
        "classes": len(results.classes(name)) or None,
        "trainings": len(plan.trainings),
        "seed_count": len(plan.experiment.seeds),
        "ablations": len(plan.experiment.ablation),
    }
    for key, value in planned.items():
        origin = Origin(formula=f"number of {key.replace('_', ' ')} in the plan of {name}")
        sheet.add(f"{step}.{key}", value, "count", 0, origin=origin, exact=True)
    seeds = tuple(
        Fact("", seed, "setting", origin=Origin(fields=("seeds",))) for seed in plan.experiment.seeds
    )
    sheet.listed(f"{step}.seeds", seeds, Origin(fields=("seeds",)))
    models = tuple(
        Fact("", model.label, "text", origin=Origin(fields=(f"model.{model.key}.label",)))
        for model in plan.experiment.model
    )
    sheet.listed(f"{step}.models", models, Origin(fields=("model.*.label",)))
    sheet.listed(f"{step}.parameters", _sizes(results, plan), Origin(fields=("record.parameters",)))
    time, unit, origin = training_time(results, name)
    sheet.add(f"{step}.training_time", time, "quantity", 2, unit, origin=origin)
    sheet.point(f"{step}.test_leaked", audit_facts(results, name)["test_leaked"])


def _sizes(results: Results, plan: Plan) -> tuple[Fact, ...]:
    """The parameters of each model, three digits each; without a value before its first run has finished."""
    origin, found = Origin(fields=("record.parameters",)), []
    for model in plan.experiment.model:
        records = results.records(model.key, experiment=plan.experiment.name)
        if records:
            found.append(layer_size("", records[0].parameters, origin))
        else:
            found.append(Fact("", None, "count", origin=origin))
    return tuple(found)


def _order(sheet: Sheet, results: Results, step: str, plan: Plan) -> None:
    """Nothing; each model's metrics, the best and the worst by accuracy; missing until all are measured."""
    name = plan.experiment.name
    labels = {model.key: model.label for model in plan.experiment.model}
    for model in labels:
        for metric in METRICS:
            fact = _metric(results, name, model, metric)
            sheet.point(f"{step}.{model}.{metric}", fact)
        key = "accuracy_deduplicated"
        sheet.point(f"{step}.{model}.{key}", audit_facts(results, name)[f"{model}.{key}"])
    exact = {model: sheet.facts[f"{step}.{model}.accuracy"].value for model in labels}
    known = {model: value for model, value in exact.items() if isinstance(value, float)}
    ranking = sorted(known, key=lambda model: -known[model]) if len(known) == len(labels) else []
    origin = Origin(formula=f"models of {name} ordered by accuracy")
    for word, place in (("best", 0), ("worst", -1)):
        chosen = ranking[place] if ranking else ""
        sheet.name(f"{step}.{word}.model", labels.get(chosen), chosen, origin, len(labels))
        for metric in (*METRICS, "accuracy_deduplicated"):
            fact = sheet.facts[f"{step}.{chosen or next(iter(labels))}.{metric}"]
            missing = Fact(f"further.{step}.{word}.{metric}", None, fact.kind, origin=fact.origin)
            sheet.point(
                f"{step}.{word}.{metric}", replace(fact, chosen_of=len(labels)) if chosen else missing
            )
        others = tuple(sheet.facts[f"{step}.{model}.accuracy"] for model in ranking if model != chosen)
        sheet.listed(f"{step}.{word}.others", others, origin)


def _metric(results: Results, name: str, model: str, metric: str) -> Fact:
    measured = results.measured(model, BASE, name)
    return Fact(
        f"results of {name}.{model}.{metric}", measured.mean(metric), "percent", 1,
        origin=measured_origin(measured, metric), terms=measured_terms(measured, metric=metric),
    )  # fmt: skip


def _largest(sheet: Sheet, results: Results, step: str, plan: Plan) -> None:
    """Nothing; .largest_effect: the change that is largest in size, with its model and ablation."""
    name, study = plan.experiment.name, plan.experiment
    cells = [(m, a) for m in study.model for a in study.ablation if applies(results, m.key, a.key, name)]
    exact = [exact_change(results, m.key, a.key, name) for m, a in cells]
    sizes = [abs(value) for value in exact if value is not None]
    whole = bool(sizes) and len(sizes) == len(cells)
    origin = Origin(formula="largest size of results.*.without.*.change")
    model, ablation = cells[sizes.index(max(sizes))] if whole else (None, None)
    prefix, of = f"{step}.largest_effect", max(1, len(cells))
    for word, entry in (("model", model), ("ablation", ablation)):
        label, key = (entry.label, entry.key) if entry else (None, "")
        sheet.name(f"{prefix}.{word}", label, key, origin, of)
    if model is None or ablation is None:
        sheet.add(f"{prefix}.change", None, "points", origin=origin)
        return
    key = f"results of {name}.{model.key}.without.{ablation.key}.change"
    change = replace(change_fact(results, model.key, ablation.key, name), key=key, spread=None)
    sheet.point(f"{prefix}.change", replace(change, chosen_of=of))

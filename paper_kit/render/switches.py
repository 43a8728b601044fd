"""What a template may ask of a study with `if` and `for`: plain names and truths, never a measured number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from paper_kit.analysis.claims import SEEDS_FOR_METHODS
from paper_kit.analysis.facts._effects import applies
from paper_kit.analysis.facts.audit import audit_of
from paper_kit.analysis.facts.further import further
from paper_kit.analysis.searches import beyond_noise, searched, step_of
from paper_kit.analysis.tables.ablation import is_listed
from paper_kit.analysis.tables.literature import DATASETS
from paper_kit.core.plan import Plan
from paper_kit.core.spec import Reading, RunSpec
from paper_kit.core.store import GALLERY, SALIENCY

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results

# uses.<name>: whether the base of any model does it.
USES: Mapping[str, Callable[[RunSpec], bool]] = {
    "accumulation": lambda run: run.optim.accumulate > 1,
    "adamw": lambda run: run.optim.name == "adamw",
    "amp": lambda run: run.precision != "fp32",
    "balanced_sampler": lambda run: run.sampler == "balanced",
    "brightness": lambda run: run.augment.brightness_p > 0,
    "class_weights": lambda run: run.loss.class_weights != "none",
    "clipping": lambda run: run.optim.clip_norm > 0,
    "constant_rate": lambda run: run.schedule.name == "constant",
    "contrast": lambda run: run.augment.contrast_p > 0,
    "cosine": lambda run: run.schedule.name == "cosine",
    "cutmix": lambda run: _mixes(run) and run.mixing.cutmix_alpha > 0,
    "early_stop": lambda run: run.patience > 0,
    "ema": lambda run: run.optim.ema_decay > 0,
    "erasing": lambda run: run.augment.erase_p > 0,
    "flip": lambda run: run.augment.flip > 0,
    "focal": lambda run: run.loss.gamma > 0,
    "kl_uniform": lambda run: run.loss.kl_uniform > 0,
    "layer_decay": lambda run: run.optim.layer_decay < 1,
    "mixup": lambda run: _mixes(run) and run.mixing.mixup_alpha > 0,
    "one_cycle": lambda run: run.schedule.name == "one_cycle",
    "progressive": lambda run: _transfers(run) and run.transfer.unfreezing == "progressive",
    "r_drop": lambda run: run.loss.r_drop > 0,
    "randaugment": lambda run: run.augment.randaugment_ops > 0,
    "rotate": lambda run: run.augment.rotate_p > 0,
    "scale": lambda run: run.augment.scale_p > 0,
    "sgd": lambda run: run.optim.name == "sgd",
    "shift": lambda run: run.augment.shift_p > 0,
    "smoothing": lambda run: run.loss.smoothing > 0,
    "subset": lambda run: run.train_fraction < 1,
    "transfer": lambda run: _transfers(run),
    "warmup": lambda run: run.schedule.name == "cosine" and run.schedule.warmup_epochs > 0,
}

DISCUSSED = ("no_transfer", "no_mixing", "no_focal", "no_tta")  # ablations with a paragraph of their own
DESCRIBED = ("resemotenet", "advanced_emotenet", "emotion_vit")  # parts that have a section of their own

# explained.<name>: whether a base run, or `paperkit explain` after it, left what the figure is drawn from.
EXPLAINED: Mapping[str, str] = {"saliency": SALIENCY, "augmentation": GALLERY}


def switches(results: Results) -> dict[str, Any]:
    """The names by which templates choose among texts; `uses.tta` and the other uses are truths."""
    readings = [results.cells(model.key)[0].reading for model in results.models]
    runs = [reading.run for reading in readings]
    of_model = {model.key: run for model, run in zip(results.models, runs, strict=True)}
    card = results.card()
    stand_ins = card is not None and not (card.redistributable or card.synthetic or results.show_images)
    return {
        "study_is_synthetic": results.synthetic,
        "model_keys": [model.key for model in results.models],
        "architectures": _architectures(results),  # part -> key of the first model that is built by it
        "other_keys": [
            model.key
            for model in results.models
            if model.part.name not in DESCRIBED or _architectures(results)[model.part.name] != model.key
        ],
        "applied_keys": [  # ablations that change something of some model
            ablation.key
            for ablation in results.ablations
            if any(applies(results, model.key, ablation.key) for model in results.models)
        ],
        "several_seeds": len(results.main.seeds) > 1,
        "methods_are_tested": len(results.main.seeds) >= SEEDS_FOR_METHODS,
        "several_models": len(results.models) > 1,
        "dataset_source": runs[0].dataset.name,
        "dataset_key": runs[0].dataset.arguments.get("alias") or runs[0].dataset.name,
        "data_has_citation": card is not None and bool(card.citation),
        "samples_are_stand_ins": stand_ins,
        "transfer_source": {key: run.transfer.source for key, run in of_model.items()},
        "encoder": {key: _encoder(run) for key, run in of_model.items()},
        "explained": {name: _left(results, runs, file) for name, file in EXPLAINED.items()},
        "searched": [
            {"field": field, "key": step_of(field), "beyond_noise": beyond_noise(results, field)}
            for field in searched(results)
        ],
        "uses": {name: any(map(holds, runs)) for name, holds in USES.items()}
        | {"tta": any(map(_tta, readings)), "amp_speed": _amp_is_timed(results)}
        | _measured(results),
        **_studies(results),
    }


def _studies(results: Results) -> dict[str, Any]:
    """What several experiments are to one another, and what the main one has beyond the outline's."""
    audited = audit_of(results)
    parts = {plan.rows[0].reading.run.dataset.model_dump_json() for plan in results.plans}
    published = dict.fromkeys(plan.rows[0].dataset for plan in results.plans)
    return {
        "copies_across_splits": bool(audited and audited.test_leaked),
        "ablation_keys": [ablation.key for ablation in results.ablations],
        "several_datasets": len(parts) > 1,
        "literature_keys": [key for key in published if key in DATASETS] or ["fer2013"],
        "other_ablation_keys": [
            ablation.key for ablation in results.ablations if ablation.key not in DISCUSSED
        ],
        "further_keys": list(further(results)),
        "some_are_of_networks": len(results.main.seeds) >= SEEDS_FOR_METHODS
        and any(len(plan.experiment.seeds) < SEEDS_FOR_METHODS for plan in results.plans[1:]),
        "further_has": {key: _further(plan, results.plans[0]) for key, plan in further(results).items()},
    }


def _further(plan: Plan, main: Plan) -> dict[str, Any]:
    """What a template asks of a further experiment; `comparable`: a paired test with the main one exists."""
    study = plan.experiment
    same_images = plan.rows[0].reading.run.dataset == main.rows[0].reading.run.dataset
    return {
        "name": study.name,
        "question": bool(study.question),
        "ablations": bool(study.ablation),
        "wide": not is_listed(study) and len(study.ablation) > 1,
        "several_models": len(study.model) > 1,
        "several_seeds": len(study.seeds) > 1,
        "methods_are_tested": len(study.seeds) >= SEEDS_FOR_METHODS,
        "other_data": plan.rows[0].dataset != main.rows[0].dataset,
        "comparable": same_images and len(study.seeds) == len(main.experiment.seeds),
    }


def _left(results: Results, runs: Iterable[RunSpec], file: str) -> bool:
    """Whether any of the runs left this file."""
    return any(results.store.file(run.id, file).is_file() for run in runs)


def _architectures(results: Results) -> dict[str, str]:
    return {model.part.name: model.key for model in reversed(results.models)}


def _encoder(run: RunSpec) -> str:
    """Whose encoder a network has that can take one of timm: its "own", a "cut" or a "whole" one."""
    chosen = run.model.arguments
    if chosen.get("backbone", "own") == "own":
        return "own"
    return "cut" if chosen.get("backbone_depth") else "whole"


def _mixes(run: RunSpec) -> bool:
    return run.mixing.probability > 0


def _transfers(run: RunSpec) -> bool:
    return run.transfer.source != "none"


def _measured(results: Results) -> dict[str, bool]:
    """How costs were measured: on a machine at rest or not, if that is known; which timings there are."""
    costs = tuple(results.costs.values())
    return {
        "cost_alone": bool(costs) and all(cost.alone for cost in costs),
        "cost_disturbed": any(cost.alone is False for cost in costs),
        "cost_calls": bool(costs) and all(cost.latencies for cost in costs),
        "energy": any(cost.alone and cost.energy_meter for cost in costs),
        "latencies": any(cost.latencies for machine in results.machines for cost in machine.values()),
    }


def _amp_is_timed(results: Results) -> bool:
    """Whether a training step was timed in FP32 and under AMP for every model."""
    costs = [results.costs.get(model.key) for model in results.models]
    return all(cost is not None and cost.amp_speedup is not None for cost in costs)


def _tta(reading: Reading) -> bool:
    return len(reading.views) > 1

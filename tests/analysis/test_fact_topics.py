"""Every topic gives every fact under its name, whatever is there to be measured."""

from __future__ import annotations

import itertools

import pytest

from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts._tree import collect_facts, fact_trees
from paper_kit.analysis.results import collect
from paper_kit.core.errors import InputError
from tests.analysis.conftest import CASES
from tests.analysis.fabricated import experiment, fabricate

MODELS = ("resemotenet", "advanced_emotenet", "emotion_vit")
ABLATIONS = ("no_transfer", "no_mixing", "no_focal", "no_tta")
CONTRACT = """
study.title study.models names.dataset names.synthetic_faces names.{m} results.{m}.accuracy
results.{m}.accuracy_sd results.{m}.macro_f1 results.{m}.balanced_accuracy results.{m}.ece
results.{m}.nll results.{m}.gain_tta results.{m}.best_class results.{m}.best_class_recall
results.{m}.worst_class results.{m}.worst_class_recall results.{m}.confused_true
results.{m}.confused_predicted results.{m}.confused_rate results.{m}.confused2_true
results.{m}.confused2_predicted results.{m}.confused2_rate results.{m}.selected_epoch
results.{m}.without.{a}.accuracy results.{m}.without.{a}.change results.{m}.recall.0
results.{m}.recall.happy results.best.model results.best.accuracy results.best.macro_f1
results.best.best_class_recall results.worst.model results.worst.accuracy results.spread results.ranking
results.largest_effect.model results.largest_effect.ablation results.largest_effect.change
results.smallest_effect.model results.smallest_effect.ablation results.smallest_effect.change
results.average.{a}.change results.confused.true results.confused.predicted results.confused.rate
results.best_class results.worst_class results.gained.class results.gained.ablation
results.gained.change counts.models counts.ablations counts.runs counts.trainings
counts.source_runs counts.seeds counts.classes data.name data.classes data.train data.validation
data.test data.total data.largest_class data.largest_count data.smallest_class data.smallest_count
data.imbalance
data.rarest_test_class data.rarest_test_count data.rarest_test_step
data.image_size data.split data.fingerprint data.licence data.protocol data.citation
settings.epochs settings.batch_size settings.optim.lr settings.optim.weight_decay
settings.mixing.mixup_alpha settings.mixing.cutmix_alpha settings.mixing.probability settings.loss.gamma
settings.loss.smoothing settings.transfer.freeze_epochs settings.seeds settings.tta_views
settings.precision settings.select settings.patience settings.train_fraction settings.loss.class_weights
settings.{m}.optim.lr model.{m}.parameters model.{m}.macs model.{m}.flops model.{m}.layers
model.{m}.stages model.emotion_vit.options.patch_size model.resemotenet.options.reduction
cost.{c}.parameters cost.{c}.file_mb cost.{c}.macs cost.{c}.flops cost.{c}.epoch_seconds
cost.{c}.latency_p50 cost.{c}.latency_p95 cost.{c}.latency_tta_p50 cost.{c}.throughput
cost.{c}.peak_train_mb cost.{c}.peak_inference_mb cost.device cost.threads cost.total_training_hours
cost.{c}.batch_p50 cost.{c}.batch_p95 cost.{c}.energy_epoch cost.{c}.energy_inference cost.torch cost.batch
cost.warm_up cost.calls cost.busy_share
cost.cheapest.model cost.costliest.model environment.python environment.torch environment.timm
environment.device environment.os environment.paperkit environment.commit
"""


def keys_of_the_contract():
    names = itertools.product(MODELS, ABLATIONS, (*MODELS, "cheapest", "costliest"))
    return {key.format(m=m, a=a, c=c) for m, a, c in names for key in CONTRACT.split()}


@pytest.fixture(scope="module")
def facts(results):
    return collect_facts(results)


def test_every_key_of_the_contract_is_there(facts):
    assert keys_of_the_contract() - facts.keys() == set()


def test_the_class_that_leans_most_on_a_technique_has_the_lowest_change_of_recall(facts, results):
    changes = {}
    for ablation in results.ablations:
        pooled = {
            key: sum(results.measured(model.key, key).counts_KK for model in results.models)
            for key in ("base", ablation.key)
        }
        recall = {key: counts.diagonal() / counts.sum(axis=1) for key, counts in pooled.items()}
        for place, name in enumerate(results.classes()):
            changes[name, ablation.label] = recall[ablation.key][place] - recall["base"][place]
    lowest = min(changes, key=changes.get)
    assert (facts["results.gained.class"].text, facts["results.gained.ablation"].text) == lowest
    assert facts["results.gained.change"].value == pytest.approx(changes[lowest])


@pytest.mark.parametrize("case", CASES)
def test_every_topic_gives_facts_that_print_whatever_is_there(fabricated, case):
    found = collect_facts(fabricated(case))
    assert all(isinstance(fact, Fact) and isinstance(fact.text, str) and fact.key for fact in found.values())


def test_nothing_finished_gives_the_same_keys_but_for_classes_and_packages(facts, fabricated):
    found = collect_facts(fabricated("nothing_finished"))
    for_classes = ("recall.", "data.count.", "packages.")
    assert {k for k in facts if not any(word in k for word in for_classes)} == set(found)
    assert found["results.emotion_vit.accuracy"].missing
    assert found["results.best.model"].missing
    assert found["cost.device"].missing
    assert found["settings.epochs"].text == "6"


def test_nothing_is_missing_when_everything_is_finished(facts, fabricated):
    allowed = ("_sd", "ceiling", "data.citation")
    needed = {k: fact for k, fact in facts.items() if not k.startswith("tuning.")}  # a search is no duty
    assert [k for k, fact in needed.items() if fact.missing and not k.endswith(allowed)] == []
    several = collect_facts(fabricated("three_seeds"))
    assert several["results.emotion_vit.accuracy_sd"].text.endswith("points")


def test_facts_know_their_readings_and_seeds(fabricated):
    results = fabricated("three_seeds")
    fact = collect_facts(results)["results.emotion_vit.without.no_tta.change"]
    assert fact.origin.seeds == (0, 1, 2)
    assert {reading.views for reading in fact.origin.readings} == {("identity",), ("identity", "flip")}
    assert "results.emotion_vit.accuracy" in fact.origin.formula


def test_best_worst_and_spread_follow_the_accuracies(facts, results):
    accuracy = {m: results.measured(m).mean("accuracy") for m in MODELS}
    best = max(accuracy, key=accuracy.get)
    tree = fact_trees(facts)["results"]
    assert tree.best.model.text == results.model(best).label
    assert tree[tree.best.model].accuracy.key == tree.best.accuracy.key
    assert tree.best.accuracy.chosen_of == len(MODELS)
    low, high = (tree[word].accuracy.printed_value for word in ("worst", "best"))
    assert tree.spread.value == pytest.approx(high - low)
    assert [item.name for item in tree.ranking] == sorted(accuracy, key=accuracy.get, reverse=True)


def test_a_change_equals_the_difference_of_the_printed_accuracies(facts):
    for model in MODELS:
        for ablation in ABLATIONS:
            base = float(facts[f"results.{model}.accuracy"].bare)
            without = float(facts[f"results.{model}.without.{ablation}.accuracy"].bare)
            change = facts[f"results.{model}.without.{ablation}.change"].bare.replace("\u2212", "-")
            assert float(change) == pytest.approx(without - base, abs=1e-9)


def test_the_worst_class_leads_to_its_recall(facts):
    tree = fact_trees(facts)["results"].emotion_vit
    assert tree.recall[tree.worst_class].text == tree.worst_class_recall.text


def test_a_model_whose_key_is_a_word_of_facts_is_told_to_be_renamed(tmp_path):
    plans, store = fabricate(tmp_path, models=1, finished=False)
    entry = plans[0].experiment.model[0].model_copy(update={"key": "best"})
    changed = plans[0].experiment.model_copy(update={"model": (entry,)})
    from paper_kit.core.plan import plan

    with pytest.raises(InputError, match="Give it another key"):
        collect_facts(collect((plan(changed),), store))


def test_the_study_speaks_of_its_first_experiment(tmp_path):
    from paper_kit.core.plan import plan

    plans, store = fabricate(tmp_path, models=1, images=20)
    second = plan(experiment(models=2, name="second"))
    found = collect_facts(collect((*plans, second), store))
    assert found["counts.models"].value == 1
    assert found["counts.experiments"].value == 2

"""paper/examples/recompute: what it counts for figures is what libraries count; a strange fact is told."""

from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def predicted(judge):
    study = judge.trials.studies.main
    return study.cell(next(iter(study.models))).first


def strange(key, fields, text="3", kind="count"):
    origin = {"readings": [], "runs": [], "seeds": [], "fields": fields, "formula": ""}
    rounding = {"kind": kind, "digits": 1}
    return {"key": key, "text": text, "unit": "", "missing": False, "rounding": rounding, "origin": origin}


def test_its_areas_under_curves_are_those_of_scikit_learn(script, predicted):
    from sklearn.metrics import average_precision_score, roc_auc_score

    owned = np.eye(predicted.probabilities.shape[1])[predicted.labels]
    for own, reference in (
        (script["curves"].macro_auc, roc_auc_score),
        (script["curves"].macro_ap, average_precision_score),
    ):
        assert own(predicted) == pytest.approx(reference(owned, predicted.probabilities, average="macro"))
        tied = replace(predicted, probabilities=predicted.probabilities.round(1))
        assert own(tied) == pytest.approx(reference(owned, tied.probabilities, average="macro"))


def test_its_temperature_undoes_the_one_that_was_applied(script, predicted):
    curves = script["curves"]
    own = curves.temperature(predicted)
    assert curves.temperature(curves.softened(predicted, 2.0)) == pytest.approx(own / 2, rel=1e-4)
    assert curves.softened(predicted, 1.0).probabilities == pytest.approx(predicted.probabilities)


def test_its_trustworthiness_is_that_of_scikit_learn(script):
    from sklearn.manifold import trustworthiness

    rng, drawn = np.random.default_rng(0), script["drawn"]
    points = rng.normal(size=(80, 5))
    near_Nk = drawn._nearest(points[:, :2])[:, :10]
    own = drawn._trust(drawn._nearest(points), near_Nk)
    assert own == pytest.approx(trustworthiness(points, points[:, :2], n_neighbors=10))


def test_a_trustworthiness_is_recomputed_where_the_maps_are_at_hand_and_only_there(script, judge):
    fields, trials, key = judge.fields, judge.trials, "figure.tsne.emotion_vit.trust"
    without = script["drawn"].of_figures(fields, trials)
    assert key not in without
    fact = strange(key, ["embeddings"], "0.95", "number")
    assert [each.kind for each in judge.findings(fact, 1, "")] == ["of a map, not recomputed"]
    names = {model: f"{fields.study.run(model)}/embeddings.npz" for model in fields.study.models}
    held = {model: fields.study.records.arrays(name) for model, name in names.items()}
    ids, _ = script["drawn"]._chosen(held, 1000, 0)
    rows = [f"emotion_vit,{name},{at % 40},{at // 40}" for at, name in enumerate(ids)]
    told = script["drawn"].of_figures(fields, trials, "\n".join(["model,id,x,y", *rows]))
    assert 0.4 < told[key] < 0.6  # places by number keep no neighbours
    agreed = replace(judge, known={**judge.known, **told}).findings(fact, 1, "")
    assert [(each.kind, each.agrees) for each in agreed] == [("recomputed exactly", False)]


def test_the_gains_of_classes_are_corrected_as_a_family_of_their_own(script, judge):
    gains = script["drawn"].gains(judge.trials)
    study = judge.trials.studies.main
    assert len(gains) == len(study.ablations) * len(study.classes) == judge.known["figure.gains"]
    assert sum(gain.p < judge.trials.alpha for gain in gains.values()) == judge.known["figure.gains_told"]
    at = study.classes.index("happy")
    recall, without = (
        study.pooled_KK(ablation)[at, at] / study.pooled_KK(ablation)[at].sum()
        for ablation in ("base", "no_tta")
    )
    assert gains["no_tta", "happy"].value == pytest.approx(recall - without)
    assert gains["no_tta", "happy"].p > judge.trials.raw("results.average.gain.no_tta.happy", "0")


def test_a_fact_that_it_does_not_know_is_unchecked_and_never_a_traceback(judge):
    for fact in (
        strange("figure.unheard", ["figure.unheard"]),
        strange("model.emotion_vit.options.unheard", ["model.unheard"]),
        strange("model.emotion_vit.part.40-41.parameters", ["record.layers"]),
        strange("model.emotion_vit.unheard.x", ["channels", "image_size"]),
        strange("cost.emotion_vit.environment", ["cost.environment"]),
        strange("gallery.mixup.p", ["record.transforms"]),
        strange("saliency.emotion_vit.method", ["saliency.method"]),
        strange("environment.packages.unheard", ["environment.packages"]),
        strange("unheard", ["model", "augment"]),
        strange("figure.tsne.emotion_vit.trust", ["embeddings"], "none"),
        strange("unheard.at.all", []),
        strange("results of nothing.emotion_vit.accuracy", []),
        strange("further.nothing.trainings", []),
        strange("tuning.lr.unheard.own_value", ["tuning.trials"]),
    ):
        kinds = [each.kind for each in judge.findings(fact, 1, "")]
        assert kinds == ["unchecked"], fact["key"]

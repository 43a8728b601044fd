"""Audits of a study: what leaked, what the numbers say without it, and what was checked."""

import numpy as np
import pytest

from paper_kit.analysis.audits import audits
from paper_kit.analysis.facts.audit import facts
from paper_kit.analysis.results import collect
from paper_kit.core.files import write_npz
from paper_kit.core.part import load
from paper_kit.core.plan import plan
from paper_kit.data.known import known
from tests.analysis.fabricated import audit, fabricate

IMAGES = 200


@pytest.fixture
def study(tmp_path):
    """A function: how test images leaked, and what the card says else -> Results with that audit."""
    plans, store = fabricate(tmp_path, seeds=(0, 1), models=2, images=IMAGES, audited=False)

    def results(card=None, **leaks):
        if leaks:
            store.write_audit(audit(**leaks))
        for run in plans[0].runs if card else ():
            record = store.record(run.id)
            store.write_record(record.model_copy(update={"card": record.card | card}))
        return collect(plans, store)

    return results


def line(results, name):
    (found,) = [each for each in audits(results) if each.name == name]
    return found


def base_run(results, model="resemotenet", ablation="base"):
    return results.cells(model, ablation)[0].reading.run.id


def rewritten(results, run_id, change):
    """Nothing; the arrays of a run's predictions are changed on disk."""
    path = results.store.file(run_id, "predictions.npz")
    with np.load(path) as held:
        arrays = {name: held[name] for name in held.files}
    change(arrays)
    write_npz(path, **arrays)


def recorded(results, run_id, **changes):
    """Nothing; the record of a run says something else."""
    record = results.store.record(run_id)
    results.store.write_record(record.model_copy(update=changes))


def test_without_an_audit_its_facts_are_there_and_missing(study):
    found = facts(study())
    assert {fact.key for fact in found.values() if not fact.missing} == set()
    assert "resemotenet.accuracy_deduplicated" in found


def test_the_deduplicated_accuracy_leaves_out_exactly_the_leaked_test_images(study):
    results = study(exact=(0, 3), near=(3, 7))
    found = facts(results)
    measured = results.measured("resemotenet")
    kept = np.ones(IMAGES, dtype=bool)
    kept[[0, 3, 7]] = False
    by_hand = np.mean([(one.predicted_N == one.labels)[kept].mean() for one in measured.predictions])
    assert found["resemotenet.accuracy_deduplicated"].value == pytest.approx(by_hand)
    numbers = {key: found[key].value for key in ("duplicates.exact", "duplicates.near", "test_deduplicated")}
    assert numbers == {"duplicates.exact": 2, "duplicates.near": 1, "test_deduplicated": IMAGES - 3}


def test_the_printed_change_is_the_difference_of_the_printed_accuracies(study):
    found = facts(results := study(exact=tuple(range(40))))
    full = results.measured("resemotenet").mean("accuracy")
    change = found["resemotenet.deduplicated_change"]
    printed = round(100 * found["resemotenet.accuracy_deduplicated"].value, 1) - round(100 * full, 1)
    assert change.kind == "points"
    assert 100 * change.value == pytest.approx(printed)
    assert change.terms == ()


def test_where_every_test_image_leaked_there_is_no_deduplicated_accuracy(study):
    found = facts(study(exact=tuple(range(IMAGES))))
    assert found["resemotenet.accuracy_deduplicated"].missing
    assert found["test_deduplicated"].value == 0


def test_a_study_that_is_whole_passes_every_check_that_can_be_made(study):
    found = audits(study(exact=(), near=()))
    assert [each.name for each in found if each.ok is False] == []
    assert [each.name for each in found if each.ok is None] == [
        "Counts of the dataset",
        "Plausibility ceiling",
    ]
    table = load("table", "audit")(study())
    assert [row[1].content for row in table.cells].count("holds") == sum(
        each.outcome == "holds" for each in found
    )
    assert {each.outcome for each in found} == {"holds", "reported", "not checked"}


def test_one_cell_is_not_called_all_of_them(tmp_path):
    plans, store = fabricate(tmp_path, models=1, images=IMAGES, audited=False)
    study = plans[0].experiment.model_copy(update={"ablation": plans[0].experiment.ablation[-1:]})
    (found,) = [each for each in audits(collect((plan(study),), store)) if "as declared" in each.name]
    assert found.text.startswith("in its 1 cell the recorded settings")


def test_predictions_of_other_images_than_the_data_has_are_told(study):
    results = study()

    def change(arrays):
        arrays["test_labels_N"][:10] = (arrays["test_labels_N"][:10] + 1) % 7

    rewritten(results, base_run(results), change)
    found = line(results, "Recall times support is the accuracy")
    assert found.ok is False
    assert "ResEmoteNet, base, seed 0: predictions of" in found.text


def test_an_accuracy_that_the_predictions_do_not_give_is_told(study):
    results = study()
    accuracy = results.measured("resemotenet").predictions[0].metrics["accuracy"]
    recorded(results := study(), base_run(results), metrics={"test_accuracy_selected_all_views": accuracy})
    assert line(results, "Recall times support is the accuracy").ok is True
    recorded(
        results := study(), base_run(results), metrics={"test_accuracy_selected_all_views": accuracy + 0.02}
    )
    found = line(results, "Recall times support is the accuracy")
    assert found.ok is False
    assert "the run recorded" in found.text


def test_an_ablation_that_differs_in_more_than_it_declares_is_told(study):
    results = study()
    run_id = base_run(results, ablation="no_focal")
    spec = results.store.record(run_id).spec
    recorded(results, run_id, spec=spec | {"epochs": 99, "optim": spec["optim"] | {"lr": 0.5}})
    found = line(results, "Ablations differ as declared")
    assert found.ok is False
    assert found.text == (
        "ResEmoteNet, w/o focal loss, seed 0: epochs differs and was not declared; "
        "ResEmoteNet, w/o focal loss, seed 0: optim.lr differs and was not declared"
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data": {"fingerprint": "0" * 16}}, "trained on other data than its base"),
        ({"code": {"paper_kit/bench/models/resemotenet.py": "1"}}, "trained by other code than its base"),
        ({"engine": 99}, "trained by other code than its base"),
    ],
)
def test_an_ablation_with_other_data_or_code_than_its_base_is_told(study, changes, told):
    results = study()
    recorded(results, base_run(results, ablation="no_mixing"), **changes)
    found = line(results, "Ablations differ as declared")
    assert found.ok is False
    assert told in found.text


def test_a_reading_ablation_must_read_the_run_of_its_base(study):
    from dataclasses import replace

    from paper_kit.analysis.run_audits import ablation_problems

    results = study()
    ablation = next(entry for entry in results.ablations if entry.key == "no_tta")
    (row, *_), (base, *_) = results.cells("resemotenet", "no_tta"), results.cells("resemotenet")
    assert ablation_problems(results, ablation, row, base) == []
    other = results.cells("resemotenet", "no_focal")[0].reading
    told = ablation_problems(results, ablation, replace(row, reading=other), base)
    assert "changes only the reading, but is of the run" in told[0]


def test_a_third_reading_of_the_test_images_is_told(study):
    results = study()

    def change(arrays):
        arrays["test_best_VNK"] = arrays["test_last_VNK"]

    rewritten(results, base_run(results), change)
    found = line(results, "Readings of the test images")
    assert found.ok is False
    assert "test_best_VNK" in found.text


def test_published_rows_that_were_chosen_on_test_images_are_counted(study, tmp_path):
    results = study()
    row = '[[result]]\nname = "A"\nvalue = 70.0\ndataset = "x"\nclasses = 7\ncite = "a"\n'
    results.literature = tmp_path / "literature.toml"
    results.literature.write_text(row + 'selection = "test images"\n' + row + 'selection = "validation"\n')
    assert "1 published row chose theirs on test images" in line(results, "Readings of the test images").text


OFFICIAL = {split: dict(row) for split, row in known("fer2013").counts.items()}


def test_counts_that_are_exchanged_are_named_as_such(study):
    counts = {split: dict(row) for split, row in OFFICIAL.items()}
    counts["test"]["fear"], counts["test"]["sad"] = counts["test"]["sad"], counts["test"]["fear"]
    results = study(card={"official_counts": OFFICIAL})
    for run in results.plans[0].runs:
        record = results.store.record(run.id)
        recorded(results, run.id, data=record.data | {"counts": counts})
    found = line(results, "Counts of the dataset")
    assert (found.ok, found.text) == (False, "test: the counts of fear and sad are exchanged")


def test_copies_fail_in_a_split_of_ones_own_and_are_told_in_an_official_one(study):
    assert line(study(exact=(1,)), "Copies across splits").ok is False
    assert line(study(near=(1,)), "Copies across splits").ok is True  # the scan may flag one of a thousand
    assert line(study(near=(1, 2)), "Copies across splits").ok is False
    results = study(card={"official_counts": OFFICIAL})
    results.store.write_audit(audit(exact=(1,)).model_copy(update={"counts": OFFICIAL}))
    found = line(results, "Copies across splits")
    assert found.ok is True
    assert "with an exact copy among all images of train or validation: 1;" in found.text
    assert found.text.endswith("The split is the official one")


def test_an_accuracy_above_the_ceiling_asks_for_a_look_at_leaks(study):
    low = {"ceiling": 0.01, "ceiling_source": "people reach 1 %"}
    found = line(study(card=low), "Plausibility ceiling")
    assert found.ok is False
    assert "`paperkit data audit synthetic_faces --record`" in found.text
    assert line(study(exact=(1,)), "Plausibility ceiling").ok is True
    assert line(study(card={"ceiling": 0.999}), "Plausibility ceiling").ok is True


def test_the_ceiling_of_a_dataset_of_the_field_is_that_of_its_source(study):
    found = line(study(card={"name": "fer2013", "ceiling": 0.01}), "Plausibility ceiling")
    assert "70\N{NO-BREAK SPACE}%: people reach 65 ± 5 % (Goodfellow et al. 2013)" in found.text


def test_nothing_finished_is_nothing_checked(fabricated):
    found = audits(fabricated("nothing_finished"))
    assert {each.ok for each in found} == {None}

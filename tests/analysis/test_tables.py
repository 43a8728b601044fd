"""Each table is made from full and degenerate results, and says what the outline asks."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from paper_kit.analysis.artifacts import Table
from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.analysis.results import collect
from paper_kit.core.errors import InputError
from paper_kit.core.part import available, load
from paper_kit.core.plan import plan
from paper_kit.core.store import Store
from paper_kit.render.switches import switches
from tests.analysis.conftest import CASES
from tests.analysis.fabricated import ABLATIONS, NASTY, experiment, fabricate, write_run

LITERATURE = """
[[result]]
name = "A net"
value = 70.25
dataset = "synthetic_faces"
classes = 7
split = "test"
extra_data = "none"
tta = "flip"
selection = "validation images"
cite = "he2016deep"
note = "typed"
verified = true
[[result]]
name = "B net"
value = 71.0
dataset = "synthetic_faces"
classes = 7
cite = "hu2018squeezeandexcitation"
[[result]]
name = "C net"
value = 99.0
dataset = "other"
classes = 8
cite = "woo2018cbam"
"""


@pytest.fixture(scope="session")
def literature(tmp_path_factory):
    path = tmp_path_factory.mktemp("literature") / "literature.toml"
    path.write_text(LITERATURE)
    return path


@pytest.fixture
def made(fabricated, literature):
    def make(name, case="three_models", **options) -> Table:
        results = fabricated(case)
        results.literature = literature
        return load("table", name)(results, **options)

    return make


@pytest.mark.parametrize("name", available("table"))
@pytest.mark.parametrize("case", CASES)
def test_every_table_is_made_whatever_is_there(made, name, case):
    table = made(name, case)
    assert table.name == name
    assert table.rows
    assert len(table.to_csv().splitlines()) >= 2
    assert table.to_markdown().startswith("| ")


def test_the_ablation_table_is_that_of_the_outline(made):
    table = made("ablation")
    assert table.headers() == [
        "Model", "Base accuracy (%)", *(f"Change (percentage points): {one['label']}" for one in ABLATIONS)
    ]  # fmt: skip
    effects, tests = table.texts()[::2], table.texts()[1::2]
    assert [row[0] for row in effects] == ["ResEmoteNet", "AdvancedEmoteNet", "EmotionViT"]
    number = r"[+\u2212]?\d+\.\d"
    assert all(
        re.fullmatch(rf"{number}\s\[{number},\s{number}\]", text) for row in effects for text in row[2:]
    )
    assert all(re.fullmatch(r"<\s0\.001|[01]\.\d{3}", text) for row in tests for text in row[2:])
    assert "200 test images; 1 seed" in table.notes[0]


def test_an_effect_that_cannot_be_told_from_noise_is_grey_with_its_p(made, results):
    made("ablation")
    results.claims.begin_round()
    rows = load("table", "ablation")(results).cells
    for effects, tests in zip(rows[::2], rows[1::2], strict=True):
        for effect, test in zip(effects[2:], tests[2:], strict=True):
            assert effect.grey == test.grey == (test.content.value >= results.claims.alpha)
            low, high = effect.content.bounds
            assert low <= high


def test_several_seeds_give_a_deviation_and_one_does_not(made):
    assert all("\u00b1" in row[1] for row in made("ablation", "three_seeds").texts()[::2])
    assert not any("\u00b1" in text for row in made("ablation").texts() for text in row)
    assert "3 seeds" in made("ablation", "three_seeds").notes[0]


def test_an_ablation_that_changes_nothing_for_a_model_is_a_dash(tmp_path):
    from paper_kit.core.experiment import AblationEntry

    nothing = AblationEntry(key="no_smoothing", label="w/o smoothing", set={"loss.smoothing": 0.0})
    made_plan = plan(experiment(models=1).model_copy(update={"ablation": (nothing,)}))
    store = fabricate(tmp_path, finished=False)[1]
    write_run(store, made_plan.runs[0], images=30)
    table = load("table", "ablation")(collect((made_plan,), store))
    assert table.texts()[0][2] == "\u2014"
    assert "does not use the component" in table.notes[-1]


def test_an_unfinished_study_has_pending_cells_and_tells_no_number(made):
    rows = made("ablation", "nothing_finished").texts()
    assert all(text == "pending" for row in rows[::2] for text in row[1:])
    assert all(text == "" for row in rows[1::2] for text in row[1:])
    assert made("per_class", "nothing_finished").texts()[0][0] == "pending"


def test_table_cells_are_the_facts_of_the_registry(made, results):
    facts = collect_facts(results)
    for name in ("ablation", "main_results", "efficiency", "dataset", "per_class"):
        for row in made(name).cells:
            for cell in row:
                if not isinstance(cell.content, str | None) and cell.content.key in facts:
                    printed = replace(cell.content, bounds=None).bare
                    assert printed == facts[cell.content.key].bare, cell.content.key
    keys = {
        cell.content.key
        for row in made("ablation").cells
        for cell in row
        if not isinstance(cell.content, str) and not cell.content.key.startswith("claims.")
    }
    assert keys <= facts.keys()


def test_the_best_value_of_each_column_is_bold(made):
    table = made("main_results")
    for place in range(1, len(table.columns)):
        values = [float(row[place].content.bare) for row in table.cells]
        assert [row[place].bold for row in table.cells] == [value == max(values) for value in values]


def test_two_datasets_are_two_groups_of_columns_and_a_repeated_one_is_not(tmp_path):
    plans, store = fabricate(tmp_path, images=30)
    other = experiment(name="other", models=2)
    other = other.model_copy(
        update={"base": {**other.base, "dataset": {"name": "synthetic_faces", "seed": 5}}}
    )
    same = plan(experiment(name="same", models=2))
    table = load("table", "main_results")(collect((*plans, plan(other), same), store))
    assert [span for _, span in table.groups] == [1, 3, 3]
    assert [row[4] for row in table.texts()] == ["pending", "pending", "\u2014"]


def test_the_mean_of_the_recalls_is_the_balanced_accuracy(made, results):
    last = made("per_class").cells[-1]
    assert last[2].content.value == pytest.approx(results.measured("resemotenet").mean("balanced_accuracy"))
    assert last[1].content == ""


def test_a_class_without_images_is_a_dash(made):
    row = made("per_class", "absent_class").texts()[1]
    assert row == ["disgust", "0", "\u2014", "\u2014", "\u2014"]
    assert "pending" not in str(made("per_class", "absent_class", metric="f1").texts())


def test_class_names_come_out_as_they_are(made):
    assert [row[0] for row in made("per_class", "nasty_names").texts()[:-1]] == list(NASTY)


def test_the_dataset_table_adds_up(made):
    rows = [[int(text.replace(",", "")) for text in row[1:]] for row in made("dataset").texts()]
    assert [sum(column) for column in zip(*rows[:-1], strict=True)] == rows[-1]
    assert all(sum(row[:3]) == row[3] for row in rows)


def test_the_speed_of_amp_is_told_where_every_model_was_timed(tmp_path):
    plans, store = fabricate(tmp_path)
    results = collect(plans, store)
    assert [row[-1] for row in load("table", "latency")(results).texts()] == ["30", "20"] * 3
    assert collect_facts(results)["cost.emotion_vit.amp_speedup"].value == 1.5
    assert switches(results)["uses"]["amp_speed"]
    store.write_cost(store.costs()[0].model_copy(update={"step_amp_ms": None}))
    one_untimed = collect(plans, store)
    assert "\N{EM DASH}" in [row[-1] for row in load("table", "latency")(one_untimed).texts()]
    assert not switches(one_untimed)["uses"]["amp_speed"]


def test_a_layer_table_ends_with_the_sums(made):
    table = made("layers", model="emotion_vit")
    assert table.texts()[0][2:] == ["16\u00d748\u00d748", "176", "331,776"]
    *rows, total = ([int(text.replace(",", "")) for text in row[3:]] for row in table.texts())
    assert table.texts()[-1][0] == "Total"
    assert [sum(column) for column in zip(*rows, strict=True)] == total
    with pytest.raises(InputError, match="Did you mean 'emotion_vit'"):
        made("layers", model="emotion-vit")


def test_hyperparameters_print_one_line_a_model_where_they_differ(made):
    rows = dict(row for row in made("hyperparameters").texts())
    assert rows["Learning rate, ResEmoteNet"] == "0.0005"
    assert rows["Learning rate, EmotionViT"] == "0.001"
    assert rows["Flip"] == "p = 0.5"
    assert rows["Focal gamma"] == "2"
    assert "R-Drop" not in rows
    assert "Momentum" not in rows
    assert "patch size" in rows["EmotionViT"]


@pytest.mark.parametrize(
    ("backbone", "used", "unused"),
    [
        ("own", "depth 12, num heads", "backbone depth"),
        ("deit_tiny_patch16_224", "backbone depth 0", "num heads"),
    ],
)
def test_hyperparameters_leave_out_options_of_an_encoder_that_the_network_has_not(
    tmp_path, backbone, used, unused
):
    study = experiment()
    part = study.model[2].part.model_copy(update={"arguments": {"backbone": backbone}})
    study = study.model_copy(update={"model": (study.model[2].model_copy(update={"part": part}),)})
    table = load("table", "hyperparameters")(collect((plan(study),), Store(tmp_path)))
    told = dict(row for row in table.texts())["EmotionViT"]
    assert used in told
    assert unused not in told


def test_literature_is_bold_only_within_one_known_protocol(made):
    table = made("literature")
    shown = {row[0].content: row for row in table.cells}
    assert [n for n, row in shown.items() if row[-1].bold] == ["A net"], "B net's protocol is not known"
    assert shown["A net"][-1].content.bare == "70.25"
    assert shown["A net"][-1].mark == "a"
    assert shown["B net"][-1].mark == "\u2020"
    assert shown["A net"][0].cite == "he2016deep"
    assert "EmotionViT (ours)" in shown
    assert "a typed." in table.notes
    assert [row[1] for row in made("literature", datasets=["other"]).texts()] == ["other"]
    assert made("literature", datasets=["none"]).texts()[0][0] == "pending"


def test_literature_has_the_networks_of_every_experiment_on_the_dataset(tmp_path, literature):
    plans, store = fabricate(tmp_path, images=30)
    longer = another("longer", epochs=7)
    for spec in longer.runs:
        write_run(store, spec, images=30)
    results = collect((*plans, longer), store, literature=literature)
    table = load("table", "literature")(results, datasets=["synthetic_faces"])
    names = [row[0] for row in table.texts()]
    assert names[2:5] == ["ResEmoteNet (ours)", "AdvancedEmoteNet (ours)", "EmotionViT (ours)"]
    assert names[5:] == ["ResEmoteNet (measured here, longer)", "AdvancedEmoteNet (measured here, longer)"]
    assert table.rules_before == {2}
    assert "Ours and measured here: 1 seed." in table.notes


def test_what_all_rows_of_the_literature_share_is_a_note_and_no_column(made):
    table = made("literature", datasets=["synthetic_faces"])
    headers = [column.header for column in table.columns]
    assert "Classes" not in headers
    assert "TTA" in headers, "it differs"
    assert "classes: 7" in table.notes[0]


def test_literature_tells_on_what_the_studys_own_rows_stand(made):
    assert "Ours: 1 seed." in made("literature").notes
    assert not [note for note in made("literature", own=False).notes if note.startswith("Ours")]
    assert not [note for note in made("literature", datasets=["other"]).notes if note.startswith("Ours")]


def test_a_mistyped_literature_file_names_the_key(made, tmp_path):
    path = tmp_path / "literature.toml"
    path.write_text('[[result]]\nname = "x"\nvalu = 3\ndataset = "d"\nclasses = 7\ncite = "k"\n')
    with pytest.raises(InputError, match="Did you mean 'value'"):
        made("literature", path=str(path))


def test_an_unknown_metric_or_column_suggests_a_known_one(made):
    with pytest.raises(InputError, match="Did you mean 'macro_f1'"):
        made("main_results", metrics=("macrof1",))
    with pytest.raises(InputError, match="Did you mean 'throughput'"):
        made("efficiency", columns=("througput",))


def test_values_that_print_the_same_are_not_bold():
    from paper_kit.analysis.facts import Fact
    from paper_kit.analysis.tables._parts import best_places

    shown = [Fact("a", 0.5001, "percent"), Fact("b", 0.4999, "percent")]
    assert best_places(shown) == set()
    assert best_places([*shown, Fact("c", 0.6, "percent")]) == {2}
    assert best_places([*shown, Fact("c", None, "percent")]) == set()


def test_a_run_that_was_not_trained_as_planned_is_named_below_the_tables(tmp_path):
    from paper_kit.analysis.tables import ablation, main_results

    plans, store = fabricate(tmp_path, images=30)
    run = plans[0].rows[0].reading.run
    record = store.record(run.id)
    store.write_record(record.model_copy(update={"deviations": ("micro_batch 8 in place of 64",)}))
    results = collect(plans, store)
    for table in (ablation.make(results), main_results.make(results)):
        (note,) = [note for note in table.notes if "planned micro-batch" in note]
        assert "ResEmoteNet (Base)" in note


def another(name: str, **base) -> object:
    """The plan of an experiment of two models on the same images, by other settings."""
    other = experiment(name=name, models=2)
    return plan(other.model_copy(update={"base": {**other.base, **base}, "ablation": ()}))


def test_experiments_on_the_same_images_share_their_columns(tmp_path):
    plans, store = fabricate(tmp_path, images=30)
    longer = another("longer", epochs=7)
    for spec in longer.runs:
        write_run(store, spec, images=30)
    table = load("table", "main_results")(collect((*plans, longer), store))
    assert table.groups == ()
    names = [row[0] for row in table.texts()]
    assert names[3:] == ["ResEmoteNet (longer)", "AdvancedEmoteNet (longer)"]
    assert table.rules_before == {3}
    assert all(re.fullmatch(r"\d+\.\d", text) for row in table.texts() for text in row[1:])


def test_each_experiments_seeds_are_told_where_they_differ(tmp_path):
    plans, store = fabricate(tmp_path, images=30)
    seeds = experiment(name="seeds", models=1, seeds=(0, 1, 2)).model_copy(update={"ablation": ()})
    made_plan = plan(seeds.model_copy(update={"base": {**seeds.base, "epochs": 7}}))
    for spec in made_plan.runs:
        write_run(store, spec, images=30)
    notes = load("table", "main_results")(collect((*plans, made_plan), store)).notes
    assert notes[0].startswith("fabricated: 30 test images; 1 seed")
    assert notes[1].startswith("seeds: 30 test images; mean ± standard deviation over 3 seeds")


def test_accuracies_without_copies_have_a_column_where_copies_were_found(made, results):
    table = made("main_results", deduplicated=True)
    assert table.headers()[:3] == ["Model", "Accuracy (%)", "Clean (%)"]
    facts = collect_facts(results)
    assert [row[2] for row in table.texts()] == [
        facts[f"audit.{model.key}.accuracy_deduplicated"].bare for model in results.models
    ]
    assert "Clean (%)" not in made("main_results").headers()
    assert "Clean (%)" not in made("main_results", "nothing_finished", deduplicated=True).headers()

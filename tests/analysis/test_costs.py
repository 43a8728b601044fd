"""Costs of several machines stay apart; what was not measured alone is not printed as a cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.analysis.results import Results, collect
from paper_kit.core.part import load
from paper_kit.core.plan import Plan
from paper_kit.core.store import Store
from paper_kit.render.switches import switches
from tests.analysis.fabricated import fabricate

OLD = {
    "protocol": 1, "latencies": (), "alone": None, "busy_share": None, "energy_meter": None,
    "energy_inference_j": None, "energy_epoch_j": None, "warm_up": None,
}  # fmt: skip
GPU = {"device": "Test GPU", "environment": {"device_name": "Test GPU"}, "memory_meter": "cuda"}


@pytest.fixture
def study(tmp_path: Path) -> tuple[tuple[Plan, ...], Store]:
    return fabricate(tmp_path, images=20)


def change(store: Store, *models: str, **update: object) -> None:
    """Nothing; the costs of these models, of all where none is named, are written once more, changed."""
    for cost in store.costs():
        if cost.model.name in models or not models:
            store.write_cost(cost.model_copy(update=update))


def shown(results: Results, header: str, table: str = "efficiency") -> list[str]:
    """The texts of a column."""
    made = load("table", table)(results)
    place = made.headers().index(header)
    return [row[place] for row in made.texts()]


def test_a_table_shows_one_machine_that_which_measured_most_models(study):
    plans, store = study
    change(store, "resemotenet", "emotion_vit", **GPU, latency_p50_ms=0.1)
    results = collect(plans, store)
    assert [len(machine) for machine in results.machines] == [3, 2]
    assert shown(results, "One image: p50 (ms)") == ["2.3", "4.6", "6.9"]
    assert "Test GPU" not in load("table", "efficiency")(results).to_markdown()
    assert collect_facts(results)["cost.device"].text == "Test CPU"


def test_of_two_machines_with_some_models_each_no_column_holds_both(study):
    plans, store = study
    change(store, "emotion_vit", **GPU, latency_p50_ms=0.1, measured_at="2026-01-02")
    for cost in store.costs():
        kept = {"Test CPU": ("resemotenet", "advanced_emotenet"), "Test GPU": ("emotion_vit",)}[cost.device]
        if cost.model.name not in kept:
            (store.root / "costs" / f"{cost.key}.json").unlink()
    change(store, "advanced_emotenet", **GPU, latency_p50_ms=0.2, measured_at="2026-01-02")
    results = collect(plans, store)
    assert shown(results, "One image: p50 (ms)") == ["pending", "0.20", "0.10"]
    assert collect_facts(results)["cost.device"].text == "Test GPU"
    assert {frozenset(machine) for machine in results.machines} == {
        frozenset({"advanced_emotenet", "emotion_vit"}),
        frozenset({"resemotenet", "advanced_emotenet"}),
    }


def test_another_torch_or_protocol_is_another_machine(study):
    plans, store = study
    change(store, "emotion_vit", torch="3.0.0")
    assert [set(machine) for machine in collect(plans, store).machines] == [
        {"resemotenet", "advanced_emotenet"},
        {"emotion_vit"},
    ]
    change(store, torch="3.0.0")
    change(store, "resemotenet", **OLD)
    assert [len(machine) for machine in collect(plans, store).machines] == [2, 1]


def test_latencies_of_each_machine_stand_below_its_name(study):
    plans, store = study
    assert [row[0] for row in load("table", "latency")(collect(plans, store)).texts()] == [
        "ResEmoteNet", "", "AdvancedEmoteNet", "", "EmotionViT", "",
    ]  # fmt: skip
    change(store, "resemotenet", **GPU, measured_at="2026-01-02", busy_share=0.3, alone=False)
    table = load("table", "latency")(collect(plans, store))
    first = [row[0] for row in table.texts()]
    assert first[0] == "Test CPU, 2 threads, torch 2.9.0"
    assert first[7:] == ["Test GPU, 2 threads, torch 2.9.0", "ResEmoteNet", ""]
    assert [row[1] for row in table.texts()[1:3]] == ["FP32", "BF16"]
    machine = "Test GPU, 2 threads, torch 2.9.0"
    assert any(note.startswith(f"{machine}: Not measured alone") for note in table.notes)
    keys = [cell.content.key for row in table.cells for cell in row[2:]]
    assert len(keys) == len(set(keys)) == 4 * 2 * 9


def test_seconds_of_an_epoch_and_energy_are_left_out_where_the_machine_was_not_alone(study):
    plans, store = study
    assert shown(collect(plans, store), "Training: Epoch (s)") == ["3.1", "6.2", "9.3"]
    change(store, "emotion_vit", alone=False, busy_share=0.31)
    results = collect(plans, store)
    assert shown(results, "Training: Epoch (s)") == ["3.1", "6.2", "\N{EM DASH}"]
    assert shown(results, "Prediction: Energy (J)")[-1] == "\N{EM DASH}"
    notes = " ".join(load("table", "efficiency")(results).notes)
    assert "Not measured alone: other processes used up to 31\N{NO-BREAK SPACE}%" in notes
    assert collect_facts(results)["cost.emotion_vit.epoch_seconds"].missing
    assert not switches(results)["uses"]["cost_alone"]
    assert switches(results)["uses"]["cost_disturbed"]


def test_a_record_that_does_not_know_whether_it_was_alone_prints_no_seconds_of_an_epoch(study):
    plans, store = study
    change(store, **OLD)
    results = collect(plans, store)
    table = load("table", "efficiency")(results)
    assert shown(results, "Training: Epoch (s)") == ["\N{EM DASH}"] * 3
    assert "Training: Energy (J)" not in table.headers()
    assert "is not recorded" in " ".join(table.notes)
    assert load("table", "latency")(results).texts()[0][0] == "pending"
    uses = switches(results)["uses"]
    names = ("cost_alone", "cost_disturbed", "cost_calls", "energy", "latencies")
    assert not any(uses[name] for name in names)


def test_of_a_batch_the_main_table_has_the_speed_and_more_where_it_is_asked_for(study):
    plans, store = study
    results = collect(plans, store)
    assert shown(results, "Batch: Images/s") == ["1,250", "625", "417"]
    asked = load("table", "efficiency")(results, columns=("batch_p50", "batch_p95", "epoch_seconds"))
    assert asked.headers() == ["Model", "Batch: p50 (ms)", "Batch: p95 (ms)", "Training: Epoch (s)"]
    assert [row[1] for row in asked.texts()] == ["52", "103", "155"]


def test_energy_has_its_columns_and_its_meter_or_is_said_not_to_be_measured(study):
    plans, store = study
    results = collect(plans, store)
    assert shown(results, "Prediction: Energy (J)") == ["3.2", "6.4", "9.6"]
    notes = " ".join(load("table", "efficiency")(results).notes)
    assert "the counters of the processors (RAPL), of an epoch and of the prediction of 1,000 images" in notes
    change(store, energy_meter=None, energy_inference_j=None, energy_epoch_j=None)
    table = load("table", "efficiency")(collect(plans, store))
    assert not any("Energy" in header for header in table.headers())
    assert "Energy was not measured." in " ".join(table.notes)

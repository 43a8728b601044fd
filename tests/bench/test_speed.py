"""What `paperkit tune --speed` measures, chooses and writes."""

import shutil
from pathlib import Path

import pytest

from paper_kit.bench import step_speed
from paper_kit.bench.speed import (
    Choice,
    Finding,
    Length,
    Timed,
    best_plain,
    break_even,
    choose,
    compiled_choices,
    fields_to_write,
    plain_choices,
    tune_speed,
    write_choices,
)
from paper_kit.bench.step_speed import time_choices
from paper_kit.core.errors import InputError, PaperkitError
from paper_kit.core.experiment import load_experiment
from paper_kit.core.files import write_json
from paper_kit.core.part import Part, complete
from paper_kit.core.plan import plan
from paper_kit.core.spec import Resources, RunSpec, Transfer
from paper_kit.core.store import Store

QUICK = Path(__file__).resolve().parents[2] / "experiments" / "quick.toml"
LONG = (Length(10_000, 2), Length(5_000, 1))
SMALL = """
question = "?"
[base]
dataset = { name = "synthetic_faces", train = 28, validation = 14, test = 14 }
image_size = 16
batch_size = 8
epochs = 2
[[model]]
key = "net"
label = "Net"
part = { name = "resemotenet", width = 8, depths = [1], fusion_width = 8 }
"""


def timings(*, bf16=100.0, contiguous=100.0, compiled=100.0, first_s=10.0):
    return (
        Timed(Choice(True), 100.0),
        Timed(Choice(False), contiguous),
        Timed(Choice(True, "bf16"), bf16),
        Timed(Choice(False, "bf16"), why="no such operator"),
        Timed(Choice(True, "fp32", "default"), compiled, first_s),
    )


def test_a_change_of_numbers_must_be_worth_five_percent():
    assert choose(timings(bf16=96.0, contiguous=96.0, compiled=96.0, first_s=0.0), LONG) == Choice()
    assert choose(timings(bf16=94.0), LONG) == Choice(True, "bf16")
    assert choose(timings(contiguous=94.0), LONG) == Choice(False)
    assert choose(timings(contiguous=90.0, bf16=88.0), LONG) == Choice(False), "bf16 adds too little"


def test_fp16_must_beat_bf16_by_as_much():
    found = [Timed(Choice(True), 100), Timed(Choice(True, "bf16"), 60), Timed(Choice(True, "fp16"), 58)]
    assert best_plain(found).choice.precision == "bf16"
    assert best_plain([*found, Timed(Choice(False, "fp16"), 50)]).choice == Choice(False, "fp16")


def test_compilation_is_chosen_only_where_every_run_wins_it_back():
    compiled = Choice(True, "fp32", "default")
    assert choose(timings(compiled=90.0, first_s=10.0), LONG) == compiled  # 100 s and 50 s for 20 s and 10 s
    assert choose(timings(compiled=90.0, first_s=60.0), LONG) == Choice()  # the short run gains 50 s
    assert choose(timings(compiled=90.0, first_s=10.0), (*LONG, Length(100, 1))) == Choice()
    assert break_even(timings(compiled=90.0)[-1], timings()[0], sets=2) == pytest.approx(2000)
    assert break_even(timings(compiled=110.0)[-1], timings()[0], sets=2) is None


def test_where_nothing_works_the_reason_is_told():
    with pytest.raises(PaperkitError, match="out of memory"):
        best_plain([Timed(Choice(), why="out of memory")])


def test_cuda_graphs_and_fp16_are_asked_for_on_a_gpu_alone():
    assert {choice.precision for choice in plain_choices(cuda=False)} == {"fp32", "bf16"}
    assert {choice.precision for choice in plain_choices(cuda=True)} == {"fp32", "bf16", "fp16"}
    modes = [choice.mode for choice in compiled_choices(Choice(False, "bf16"), cuda=True)]
    assert modes == ["", "default", "reduce-overhead"]
    assert Choice(mode="reduce-overhead").of(RunSpec()).compile_mode == "reduce-overhead"
    assert Choice().of(RunSpec()).id == RunSpec().id


def found(key, chosen):
    return Finding(key, key.title(), Choice(), timings(), LONG, chosen)


def test_what_all_models_chose_stands_in_the_base_and_the_rest_at_each():
    findings = [found("a", Choice(False, "bf16")), found("b", Choice(True, "bf16", "reduce-overhead"))]
    base, models = fields_to_write(findings)
    assert base == {"precision": "bf16"}
    assert models["a"] == {"channels_last": False, "compile": False}
    assert models["b"] == {"channels_last": True, "compile": True, "compile_mode": "reduce-overhead"}


@pytest.fixture
def quick(tmp_path):
    return Path(shutil.copy(QUICK, tmp_path / "quick.toml"))


def findings(**chosen):
    keys = ("resemotenet", "advanced_emotenet", "emotion_vit")
    return [found(key, chosen.get(key, Choice())) for key in keys]


def test_fields_that_make_finished_runs_others_are_written_only_when_that_is_meant(quick, tmp_path):
    store, before = Store(tmp_path / "runs"), quick.read_text()
    done = plan(load_experiment(quick)).trainings[0]
    write_json(store.file(done.id, "record.json"), {})
    wanted = findings(resemotenet=Choice(True, "bf16"))
    with pytest.raises(InputError, match=r"1 of its runs are done.*--yes"):
        write_choices(quick, wanted, store)
    assert quick.read_text() == before
    write_choices(quick, wanted, store, yes=True)
    planned = plan(load_experiment(quick))
    assert {row.model_key for row in planned.rows if row.reading.run.precision == "bf16"} == {"resemotenet"}
    assert done.id not in {run.id for run in planned.runs}


def test_fields_that_change_nothing_are_written_beside_finished_runs(quick, tmp_path):
    store = Store(tmp_path / "runs")
    runs = plan(load_experiment(quick)).runs
    for run in runs:
        write_json(store.file(run.id, "record.json"), {})
    write_choices(quick, findings(), store)
    assert "compile = false" in quick.read_text()
    assert [run.id for run in plan(load_experiment(quick)).runs] == [run.id for run in runs]


def tiny_run(**fields):
    return RunSpec(
        dataset=complete("dataset", Part(name="tests.bench.tiny:patterns")),
        model=complete("model", Part(name="tests.bench.tiny:build")),
        **{"image_size": 16, "batch_size": 16, "epochs": 4, **fields},
    )


def test_each_choice_is_timed_on_the_runs_own_images_and_what_fails_is_told(tmp_path, monkeypatch):
    begun = step_speed.first_model

    def first_model(run, *given):
        if run.precision == "bf16" and run.channels_last:
            raise RuntimeError("no such\noperator")
        return begun(run, *given)

    monkeypatch.setattr(step_speed, "first_model", first_model)
    unfreezing = Transfer(source="hub", architecture="any", freeze_epochs=1, stage_epochs=1)
    runs = (tiny_run(transfer=unfreezing), tiny_run(epochs=2))
    timed, lengths = time_choices(
        runs, plain_choices(cuda=False), Resources(device="cpu", threads=1, cache=tmp_path), seconds=0.05
    )
    assert [one.choice for one in timed] == list(plain_choices(cuda=False))
    assert [bool(one.ms) for one in timed] == [True, True, False, True]
    assert timed[2].why == "RuntimeError: no such"
    assert lengths == (Length(4 * 6, 3), Length(2 * 6, 1))


@pytest.mark.slow
def test_a_small_study_is_measured_in_fresh_processes(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    said = []
    (finding,) = tune_speed(
        plan(load_experiment(path)),
        Resources(device="cpu", threads=1, cache=tmp_path / "data"),
        said.append,
        tmp_path / "speed.log",
        seconds=0.2,
    )
    assert said == ["Measuring Net"]
    assert len(finding.timed) == 5
    assert all(one.ms > 0 for one in finding.timed if not one.choice.mode)
    assert finding.chosen.mode == "", "6 steps win no compilation back"

"""Costs are measured on the engine's own updates and say what they were measured with."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from paper_kit.bench import cost, energy, prediction, timing
from paper_kit.bench.cost import measure
from paper_kit.bench.timing import FEWEST, in_turn, timed
from paper_kit.core.part import Part, complete
from paper_kit.core.record import PROTOCOL, CostRecord, RunRecord
from paper_kit.core.spec import Resources, RunSpec, spec_from
from paper_kit.core.store import Store

CPU = torch.device("cpu")
TINY = {"width": 8, "depths": (1,), "fusion_width": 8}
CLASSES = ("calm", "glad", "sad")
LATER = (
    "protocol", "warm_up", "latencies", "alone", "busy_share", "gpu_neighbours", "energy_meter",
    "energy_inference_j", "energy_epoch_j",
)  # fmt: skip


@pytest.fixture(scope="module")
def run() -> RunSpec:
    part = complete("model", Part(name="resemotenet", arguments=TINY))
    return spec_from(
        {"model": part, "batch_size": 8, "views": ("identity", "flip"), "image_size": 24, "epochs": 1}, "test"
    )


@pytest.fixture
def store(run: RunSpec, tmp_path: Path) -> Store:
    return stored(run, tmp_path)


def stored(run: RunSpec, folder: Path) -> Store:
    """A Store with the finished run."""
    found = Store(folder)
    found.begin(run)
    found.write_record(
        RunRecord(
            id=run.id,
            spec=run.full(),
            engine=1,
            metrics={},
            selected_epoch=1,
            epochs_run=1,
            parameters=0,
            classes=CLASSES,
            card={},
            data={"counts": {"train": dict.fromkeys(CLASSES, 40), "test": {}}},
        )
    )
    return found


def resources() -> Resources:
    return Resources(device="cpu", threads=torch.get_num_threads())


@pytest.fixture(scope="module")
def measured(run: RunSpec, tmp_path_factory: pytest.TempPathFactory) -> CostRecord:
    return measure(run, stored(run, tmp_path_factory.mktemp("store")), resources(), seconds=0.01)


def test_a_cost_says_what_was_measured_and_where(run: RunSpec, measured: CostRecord) -> None:
    assert (measured.model, measured.classes, measured.batch_size) == (run.model, 3, 8)
    assert measured.views == ("identity", "flip")
    assert measured.memory_meter == "rss"
    assert measured.device
    assert measured.torch == torch.__version__
    assert measured.environment["packages"]["timm"]
    assert CostRecord.model_validate(measured.model_dump(mode="json")).key == measured.key


def test_a_cost_counts_parameters_bytes_and_operations(measured: CostRecord) -> None:
    assert measured.flops == 2 * measured.macs > 0
    assert measured.file_mb * 1e6 > 4 * measured.parameters > 0


def test_an_epoch_is_its_updates_times_the_median_update(
    run: RunSpec, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (cost, prediction):
        monkeypatch.setattr(module, "timed", lambda call, _device, _seconds: (call(), [0.2, 0.1, 0.9])[1])
    found = measure(run, store, resources())
    assert found.epoch_images == 120
    assert found.epoch_seconds == pytest.approx(120 // 8 * 0.2)
    assert found.epoch_steps_timed == 3
    assert found.latency_p50_ms == pytest.approx(200)
    assert found.throughput_64 == pytest.approx(64 / 0.2)


def test_times_and_memory_are_in_order(run: RunSpec, store: Store, measured: CostRecord) -> None:
    found = [measured]  # times of a busy machine can be out of order once, not every time
    while found[-1].latency_tta_p50_ms <= found[-1].latency_p50_ms and len(found) < 5:
        found.append(measure(run, store, resources()))
    assert found[-1].latency_tta_p50_ms > found[-1].latency_p50_ms
    assert 0 < measured.latency_p50_ms <= measured.latency_p95_ms
    assert measured.peak_inference_mb > 10
    assert measured.peak_train_mb > 10


def test_the_warm_up_is_not_timed_and_a_slow_call_is_timed_five_times() -> None:
    calls: list[int] = []
    assert len(timed(lambda: calls.append(1), CPU, 0.0)) == FEWEST
    assert len(calls) == FEWEST + timing.WARM_UP
    assert len(timed(lambda: None, CPU, 10.0)) == timing.MOST


PEAKS = """
import numpy, torch
from paper_kit.bench.memory import STATUS, peak_mib, reset_peak
cpu = torch.device("cpu")
reset_peak(cpu)
print(peak_mib(cpu))
block = numpy.ones(32 * 2**20)  # 256 MiB
del block
print(peak_mib(cpu))
reset_peak(cpu)
print(peak_mib(cpu))
print(*(line for line in STATUS.read_text().splitlines() if line.startswith(("VmHWM", "VmRSS"))))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux can set the peak back")
def test_the_peak_holds_what_was_freed_and_can_be_set_back() -> None:
    """In a process of its own, as a measurement is: what other tests hold and free is not in it."""
    said = subprocess.run([sys.executable, "-c", PEAKS], capture_output=True, text=True, check=True).stdout
    before, with_the_block, after = (float(line) for line in said.splitlines()[:3])
    assert with_the_block > before + 150, said
    assert after < before + 100, said


def test_what_is_kept_for_the_backward_pass_is_counted_by_storage():
    import torch
    from torch import nn

    from paper_kit.bench.saved import saved_mib

    model = nn.Sequential(nn.Linear(256, 512, bias=False), nn.Sigmoid(), nn.Linear(512, 256, bias=False))
    images = torch.randn(64, 256)
    in_and_hidden = (64 * 256 + 64 * 512) * 4 / 2**20  # the input and the sigmoid's output
    assert saved_mib(model, images, "fp32") == pytest.approx(in_and_hidden)
    assert 0 < saved_mib(model, images, "bf16") != saved_mib(model, images, "fp32")
    assert saved_mib(model, images, "fp32") == saved_mib(model, images, "fp32")


def test_a_step_is_timed_in_fp32_and_under_amp_side_by_side(measured: CostRecord) -> None:
    assert measured.step_amp_format == "bf16"  # the run itself uses no AMP
    assert measured.steps_compared is not None
    assert measured.steps_compared >= 5
    assert measured.step_fp32_ms is not None
    assert measured.step_amp_ms is not None
    assert measured.amp_speedup == measured.step_fp32_ms / measured.step_amp_ms > 0
    assert measured.measured_at.endswith("+00:00")


def test_calls_take_turns_and_each_begins_rounds() -> None:
    called: list[str] = []
    first, second = in_turn([lambda: called.append("a"), lambda: called.append("b")], CPU, 0.0)
    assert len(first) == len(second) == FEWEST
    rounds = ["".join(called[at : at + 2]) for at in range(0, len(called), 2)]
    assert set(rounds) == {"ab", "ba"}
    assert all(one != two for one, two in pairwise(rounds))


def test_a_record_without_the_speed_of_amp_stays_readable_and_keeps_its_key(measured: CostRecord) -> None:
    new = ("step_fp32_ms", "step_amp_ms", "step_amp_format", "steps_compared", "measured_at")
    told = measured.model_dump(mode="json")
    old = CostRecord.model_validate({name: told[name] for name in told if name not in new + LATER})
    assert old.amp_speedup is None
    assert old.key == measured.key
    assert (old.protocol, old.alone, old.latencies, old.energy_meter) == (1, None, (), None)
    assert old.machine != measured.machine, "another protocol's numbers stand in no column with these"


def test_costs_come_in_the_order_of_their_measurement_whatever_the_files_times(
    store: Store, measured: CostRecord
) -> None:
    days = {"b": "2026-02-02", "a": "2026-02-01", "c": ""}
    for device, day in days.items():
        store.write_cost(measured.model_copy(update={"device": device, "measured_at": day}))
    found = [cost.device for cost in store.costs()]
    for number, path in enumerate(sorted((store.root / "costs").glob("*.json"), reverse=True)):
        os.utime(path, (number, number))
    assert found == [cost.device for cost in store.costs()] == ["c", "a", "b"]


def test_one_image_and_a_batch_are_timed_in_both_precisions_with_tta_and_without(
    measured: CostRecord,
) -> None:
    timed_so = {(one.batch, one.precision, one.tta) for one in measured.latencies}
    assert timed_so == {(b, p, t) for b in (1, 64) for p in ("fp32", "bf16") for t in (False, True)}
    assert all(0 < one.p50_ms <= one.p95_ms and one.calls >= FEWEST for one in measured.latencies)
    single, many = measured.latency(1, "fp32", False), measured.latency(64, "fp32", False)
    assert single is not None
    assert many is not None
    assert (measured.latency_p50_ms, measured.latency_p95_ms) == (single.p50_ms, single.p95_ms)
    assert measured.throughput_64 == pytest.approx(64e3 / many.p50_ms)
    assert measured.latency(8, "fp32", False) is None
    assert (measured.protocol, measured.warm_up) == (PROTOCOL, timing.WARM_UP)


def test_without_views_nothing_is_timed_with_tta(run: RunSpec) -> None:
    plain = run.model_copy(update={"views": ("identity",)})
    found = prediction.prediction(plain, cost.first_model(plain, 3, CPU), CPU, 0.001)
    assert not any(one.tta for one in found["latencies"])
    assert found["latency_tta_p50_ms"] == found["latency_p50_ms"]


def test_a_slow_call_is_repeated_to_twenty_times_within_four_times_the_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def calls_of(passed: float) -> int:
        monkeypatch.setattr(timing, "taken", lambda *_: passed)
        return len(timed(lambda: None, CPU, 1.0))

    assert [calls_of(passed) for passed in (0.001, 0.02, 0.1, 0.5, 2.0)] == [200, 50, 20, 8, 5]


def test_energy_is_measured_where_there_is_a_meter_and_else_not_estimated(
    run: RunSpec, store: Store, measured: CostRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = iter(range(0, 1000, 10))
    meter = energy.Meter("rapl", lambda: (float(next(reads)),), (1e9,))
    monkeypatch.setattr(cost, "meter_of", lambda *_: meter)
    found = measure(run, store, resources(), seconds=0.001)
    assert found.energy_meter == "rapl"
    assert found.energy_inference_j is not None
    assert found.energy_epoch_j is not None
    assert 0 < found.energy_inference_j <= 10 / 5 * 1000 / 64
    assert 0 < found.energy_epoch_j <= 10 / 5 * (120 // 8)
    if measured.energy_meter is None:
        assert measured.energy_inference_j is None
        assert measured.energy_epoch_j is None
        assert measured.environment["energy"].startswith("not measured: ")

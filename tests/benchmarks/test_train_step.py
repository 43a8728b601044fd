import argparse
from collections import Counter

import numpy as np
import pytest
import torch

from benchmarks import train_step
from paper_kit.bench import train


@pytest.fixture
def threads():
    """Torch's threads, put back afterwards: the benchmark sets them."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def case(bare, loop, gpu=False):
    return train_step.Case("a model", 48, bare, loop, gpu, 64, 1e9)


@pytest.mark.usefixtures("threads")
def test_the_benchmark_prints_each_model_with_its_ratio(capsys):
    assert train_step.main(["--small", "--device", "cpu", "--threads", "1", "--seconds", "0.1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "threads: 1" in lines[0]
    rows = [line.split() for line in lines if line.startswith("quick:")]
    assert [row[1] for row in rows] == ["resemotenet", "advanced_emotenet", "emotion_vit"]
    for row in rows:
        bare, loop, above, speed, ratio = map(float, row[3:])
        assert bare > 0
        assert above == pytest.approx(loop - bare, abs=0.02)
        assert ratio == pytest.approx(bare / loop, abs=0.01)
        assert speed == pytest.approx(8 / loop * 1e3, rel=0.02)


def test_the_target_depends_on_how_long_the_bare_step_takes():
    assert case(40.0, 42.4).met
    assert not case(40.0, 42.6).met
    assert case(100.0, 105.0).met
    assert not case(100.0, 106.0).met
    assert case(10.0, 11.0, gpu=True).met
    assert not case(10.0, 11.5, gpu=True).met


def test_operations_a_second_count_three_forward_passes_an_image():
    assert case(50.0, 64.0).tflops == pytest.approx(3 * 1e9 * 64 / 0.064 / 1e12)


def test_bare_steps_and_the_loops_alternate_on_one_model(monkeypatch):
    options = argparse.Namespace(small=True, precision="fp32", compile=False, batch_size=8)
    _, spec = next(train_step.specs(options))
    noise = np.random.default_rng(0).integers(0, 256, (100, 48, 48), dtype=np.uint8)
    t = train_step.prepared(spec, noise, torch.device("cpu"), 4)
    called, step, update = [], train.step, t.optimizer.step
    monkeypatch.setattr(train, "step", lambda *given: (called.append("loop"), step(*given)))
    monkeypatch.setattr(t.optimizer, "step", lambda *given: (called.append("update"), update(*given)))
    clock = iter(range(10_000))
    bare, loop = train_step.in_turn(t, 0.0, 8, lambda: float(next(clock)))
    assert len(bare) == len(loop) == 5
    assert called[:6] == ["update", "loop", "update", "update", "loop", "update"]
    assert Counter(called)["update"] == 2 * Counter(called)["loop"]

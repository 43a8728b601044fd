"""The comparison with other training loops: its arithmetic, that all do the same work, and that it runs."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from PIL import Image
from timm.utils.model_ema import ModelEmaV3
from torch.optim.swa_utils import AveragedModel
from torchvision import transforms as V1
from torchvision.transforms import v2

from benchmarks.versus import augmentation, cases, measure
from benchmarks.versus.accuracy import difference, of_seeds
from benchmarks.versus.averaging import warmed_average
from benchmarks.versus.job import Clock, Flags, candidates, normalised
from benchmarks.versus.ratios import BARE, OURS, findings, geometric_mean, over_best_documented, over_slow
from paper_kit.bench.augment import sequence
from paper_kit.bench.pixels import Normalisation, Preparation
from paper_kit.core.errors import InputError
from paper_kit.core.spec import Augment

ROOT = Path(__file__).resolve().parents[2]
AUGMENT = Augment(
    flip=0.4, rotate_p=0.5, rotate_degrees=7, shift_p=0.6, shift=0.05, scale_p=0.7, scale=0.15,
    brightness_p=0.2, brightness=0.25, contrast_p=0.3, contrast=0.35, erase_p=0.1, erase_area=0.3,
)  # fmt: skip
RATES = {
    "a": {
        BARE: 100.0, OURS: 96.0,
        ("timm", "documented"): 40.0, ("timm", "best"): 80.0,
        ("hf", "documented"): 48.0, ("hf", "best"): 91.0,
    },
    "b": {
        BARE: 1000.0, OURS: 900.0,
        ("timm", "documented"): 300.0, ("timm", "best"): 450.0,
        ("hf", "documented"): 100.0, ("hf", "best"): 1000.0,
    },
}  # fmt: skip


def test_a_geometric_mean_is_that_of_ratios_and_of_nothing_it_is_no_number():
    assert geometric_mean([2.0, 8.0]) == pytest.approx(4.0)
    assert geometric_mean([3.0]) == pytest.approx(3.0)
    assert math.isnan(geometric_mean([]))


def test_ours_is_held_against_the_fastest_documented_peer_of_each_case():
    assert over_best_documented(RATES, ["timm", "hf"]) == pytest.approx([96 / 48, 900 / 300])
    assert over_best_documented(RATES, ["hf"]) == pytest.approx([2.0, 9.0])


def test_only_cases_in_which_the_peer_is_below_nine_tenths_of_the_bare_step_count_as_slow():
    assert over_slow(RATES, "timm") == pytest.approx([1.2, 2.0])
    assert over_slow(RATES, "hf") == []


def test_findings_tell_what_is_met_what_is_missed_and_where_there_was_no_case():
    found = {line.what: line for line in findings(RATES, ["timm", "hf"])}
    first = found["ours / best peer as documented, geometric mean"]
    assert (first.value, first.count, first.verdict) == (pytest.approx(math.sqrt(6)), 2, "met")
    assert found["ours / timm with its best flags, smallest"].value == pytest.approx(1.2)
    assert found["ours / hf with its best flags, smallest"].verdict == "MISSED"
    slow = "with its best flags where it is below 0.9 of bare, geometric mean"
    assert found[f"ours / timm {slow}"].value == pytest.approx(math.sqrt(2.4))
    assert found[f"ours / hf {slow}"].verdict == "no such case"
    assert findings(RATES, ["timm", "hf"], "cuda")[0].verdict == "MISSED"


@pytest.mark.parametrize("of", [v2, V1])
def test_the_peers_transforms_have_our_probabilities_and_ranges(of):
    rotate, shift, scale, flip, brightness, contrast = augmentation.stock(AUGMENT, of)
    (erase,) = augmentation.erasing(AUGMENT)
    wanted = {step["name"]: step for step in sequence(AUGMENT, Normalisation(0.5, 0.2))}
    assert [wanted[name]["probability"] for name in wanted if name != "normalise"] == [
        rotate.p, shift.p, scale.p, flip.p, brightness.p, contrast.p, erase.p,
    ]  # fmt: skip
    assert list(rotate.transforms[0].degrees) == [-7, 7]
    assert shift.transforms[0].translate == (0.05, 0.05)
    assert list(shift.transforms[0].degrees) == [0, 0]
    assert tuple(scale.transforms[0].scale) == (0.85, 1.15)
    assert tuple(brightness.transforms[0].brightness) == (0.75, 1.25)
    assert tuple(contrast.transforms[0].contrast) == (0.65, 1.35)
    assert tuple(erase.scale) == (0.02, 0.3)
    assert tuple(erase.ratio) == pytest.approx((0.3, 1 / 0.3))


def test_erasing_of_batches_has_our_probability_and_area():
    erase = augmentation.erasing_of_batches(AUGMENT, torch.device("cpu"))
    assert (erase.probability, erase.min_area, erase.max_area) == (0.1, 0.02, 0.3)
    assert erase.log_aspect_ratio == pytest.approx((math.log(0.3), -math.log(0.3)))


def test_the_transforms_rewritten_by_hand_move_and_relight_as_the_stock_ones_do():
    """Mean and spread of many augmented copies of one picture agree."""
    torch.manual_seed(0)
    picture = np.zeros((32, 32), dtype=np.uint8)
    picture[8:24, 12:20] = 160
    image, found = Image.fromarray(picture), []
    for steps in (augmentation.stock(AUGMENT, V1), augmentation.quick(AUGMENT)):
        both = V1.Compose(steps)
        found.append(np.stack([np.asarray(both(image), dtype=np.float32) for _ in range(1500)]))
    first, second = found
    assert np.abs(first.mean(0) - second.mean(0)).max() < 8
    assert np.abs(first.std(0) - second.std(0)).max() < 10


def test_a_batch_of_bytes_is_normalised_as_ours():
    bytes_NCHW = torch.arange(2 * 64, dtype=torch.uint8).view(2, 1, 8, 8)
    norm = Normalisation(0.4, 0.2)
    torch.testing.assert_close(normalised(bytes_NCHW, norm), Preparation(8, 1, norm)(bytes_NCHW))


def test_the_average_of_lightning_and_hugging_face_is_ours():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    ours = ModelEmaV3(model, decay=0.6, use_warmup=True)
    theirs = AveragedModel(model, multi_avg_fn=warmed_average(0.6), use_buffers=True)
    for step in range(1, 9):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        model(torch.randn(4, 3))
        ours.update(model, step=step)
        theirs.update_parameters(model)
    for name, value in ours.module.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(theirs.module.state_dict()[name], value)


def test_the_clock_leaves_out_the_warm_up_and_counts_whole_steps(monkeypatch):
    now = iter([5.0, 5.5, 6.5, 6.5, 7.0, 8.5, 8.5])
    monkeypatch.setattr("benchmarks.versus.job.time.perf_counter", lambda: next(now))
    clock = Clock(warm_s=1.0, seconds=2.0, device=torch.device("cpu"))
    told = [clock.step(64) for _ in range(5)]  # at 5.0 (after a slow start), 5.5, 6.5, 7.0 and 8.5
    assert told == [False, False, False, False, True]
    assert clock.rate == pytest.approx(2 * 64 / 2.0)


def test_nobody_gets_more_workers_than_cores():
    assert candidates(1, "cpu") == [
        Flags(workers=0, threads=1, tuned=True),
        Flags(workers=1, threads=1, tuned=True),
    ]
    assert {(one.workers, one.threads) for one in candidates(2, "cpu")} == {(0, 2), (1, 2), (2, 2), (1, 1)}
    assert all(one.workers <= 16 for one in candidates(16, "cuda"))


@pytest.mark.parametrize("case", cases.MODELS)
def test_every_case_is_a_spec_with_the_quick_studys_recipe(case):
    spec = cases.spec_of(case)
    assert spec.image_size == int(case.rsplit("_", 1)[1])
    assert spec.augment.rotate_p == spec.augment.shift_p == 0.5
    assert spec.mixing.probability == 0.5
    assert spec.optim.ema_decay == 0.98
    assert spec.transfer.source == "none"


def test_differences_of_accuracy_are_paired_by_seed():
    mean, low, high = difference([0.8, 0.7, 0.9], [0.79, 0.69, 0.89])
    assert (mean, low, high) == pytest.approx((0.01, 0.01, 0.01))
    mean, low, high = of_seeds([0.1, 0.2, 0.3])
    assert (mean, high - mean) == pytest.approx((0.2, 4.303 * 0.1 / math.sqrt(3)), rel=1e-3)
    assert of_seeds([0.5]) == (0.5, -math.inf, math.inf)


def test_a_missing_library_is_told_with_what_to_type(monkeypatch):
    monkeypatch.setattr(measure, "find_spec", lambda name: None if name == "lightning" else object())
    with pytest.raises(InputError, match=r"lightning needs lightning.*pip install -e '\.\[bench\]'"):
        measure.check_installed(["timm", "lightning"])
    measure.check_installed(["timm", "hf"])


def small(folder: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.versus", "--small", "--threads", "2"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": folder},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    any(find_spec(name) is None for names in measure.NEEDED.values() for name in names),
    reason="needs lightning, transformers, accelerate: pip install -e '.[bench]'",
)
def test_a_small_comparison_runs_through_all_contenders_and_leaves_no_file():
    before = set(ROOT.iterdir())
    with TemporaryDirectory(prefix="versus") as folder:  # short: a socket address ends at 108
        done = small(folder)
        assert not list(Path(folder).iterdir())
    assert done.returncode == 0, done.stderr
    for word in ("bare", "ours", "timm documented", "lightning best", "hf best", "transformers", "torch 2"):
        assert word in done.stdout
    row = next(line for line in done.stdout.splitlines() if line.startswith(cases.SMALL[0]))
    assert all(float(number) > 0 for number in row.split()[1:])
    assert set(ROOT.iterdir()) == before

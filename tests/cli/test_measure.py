"""measure: what is told of the costs, and into which Store they go."""

from __future__ import annotations

import pytest

from paper_kit.cli.measure import disturbed, energy_of, latencies
from paper_kit.core.store import Store
from tests.analysis.fabricated import fabricate


@pytest.fixture
def costs(tmp_path):
    """The costs of three models, measured alone with a meter."""
    return fabricate(tmp_path, images=10)[1].costs()


def test_measure_tells_tables_and_warns_of_neighbours(finished, paperkit):
    elsewhere = finished / "elsewhere"
    (finished / "experiments" / "runs").rename(elsewhere)
    for path in (elsewhere / "costs").glob("*.json"):
        path.unlink()
    result = paperkit("measure", "--runs", elsewhere, "--threads", 1, "--device", "cpu")
    assert result.exit_code == 0
    assert {cost.model.name for cost in Store(elsewhere).costs()} == {"good", "other"}
    assert not (finished / "experiments" / "runs" / "costs").exists()
    assert "On a machine, 1 thread, torch none; memory: resident memory of the process" in result.stdout
    training = {line.split()[0]: line for line in result.stdout.splitlines() if line.endswith(("yes", "no"))}
    assert " 1.0 " in training["good"]
    assert " -- " in training["other"]
    assert "other processes used up to 20% of its CPU time" in result.stderr
    assert "type `paperkit measure` again" in result.stderr


def test_a_folder_of_runs_that_is_not_there_is_an_error(finished, paperkit):
    result = paperkit("measure", "--runs", finished / "nowhere")
    assert result.exit_code == 2
    assert "Correct --runs" in result.stderr


def test_each_precision_has_a_row_with_median_and_percentile(costs):
    rows = latencies(costs[:1])
    assert [row[1] for row in rows] == ["", "FP32", "BF16"]
    plain = costs[0].latency(1, "fp32", False)
    assert rows[1][2] == f"{plain.p50_ms:.2f}/{plain.p95_ms:.2f}"
    assert latencies([costs[0].model_copy(update={"latencies": costs[0].latencies[:1]})])[1][3] == "?"


def test_a_cost_without_a_meter_says_why(costs):
    assert energy_of(costs[0]) == "RAPL's counter of the processor packages"
    without = costs[0].model_copy(
        update={"energy_meter": None, "environment": {"energy": "not measured: no counter"}}
    )
    assert energy_of(without) == "not measured: no counter"
    assert energy_of(without.model_copy(update={"environment": {}})) == "not measured"


def test_only_a_machine_that_was_alone_goes_without_a_warning(costs):
    assert list(disturbed(costs)) == []
    on_gpu = costs[0].model_copy(update={"alone": False, "busy_share": 0.01, "gpu_neighbours": 2})
    assert "other processes on the GPU: 2" in next(disturbed([on_gpu]))
    unknown = costs[0].model_copy(update={"alone": None})
    assert "Measure on Linux" in next(disturbed([unknown]))

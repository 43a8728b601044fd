"""Who else computes meanwhile, and what the meters of a GPU and of a CPU say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from paper_kit.bench import energy, neighbours
from paper_kit.bench.nvml import Gpu, gpu_of

CPU = torch.device("cpu")


def test_a_machine_is_alone_where_others_use_little_of_its_cpus() -> None:
    start = neighbours.Moment(clock_s=0.0, cpus=4, all_s=100.0, own_s=0.0)
    quiet = neighbours.Moment(clock_s=10.0, cpus=4, all_s=120.4, own_s=20.0)
    crowded = neighbours.Moment(clock_s=10.0, cpus=4, all_s=130.0, own_s=20.0)
    still = neighbours.Moment(clock_s=10.0, cpus=4, all_s=100.0, own_s=20.0)
    assert neighbours.busy_share(start, quiet) == pytest.approx(0.01)
    assert neighbours.busy_share(start, crowded) == pytest.approx(0.25)
    assert neighbours.busy_share(start, still) is None
    assert neighbours.busy_share(None, quiet) is None
    told = [neighbours.alone(share, None)["alone"] for share in (0.01, 0.25, None)]
    assert told == [True, False, None]


NEIGHBOUR = """
import subprocess, sys, time
from paper_kit.bench.neighbours import busy_share, moment
busy = [sys.executable, "-c", "import time; end = time.time() + 20\\nwhile time.time() < end: pass"]
other = subprocess.Popen(busy)
start = moment()
time.sleep(0.8)
print(busy_share(start, moment()), moment().cpus)
other.kill()
"""


@pytest.mark.skipif(not neighbours.STAT.is_file(), reason="only Linux says in /proc/stat what its CPUs do")
def test_a_busy_process_beside_is_seen() -> None:
    asked = [sys.executable, "-c", NEIGHBOUR]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    share, cpus = map(float, said.split())
    assert 0.4 / cpus < share <= 1


class FakeNvml:
    """NVML of a GPU of 100 W that runs these processes; the time is that of the calls."""

    NVMLError = ValueError

    def __init__(self, *pids: int) -> None:
        self.pids = pids
        self.millijoules = 5_000_000

    def nvmlDeviceGetTotalEnergyConsumption(self, _handle: object) -> int:
        return self.millijoules

    def nvmlDeviceGetComputeRunningProcesses(self, _handle: object) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=pid) for pid in self.pids]


def test_a_gpu_is_alone_where_only_this_process_computes_on_it() -> None:
    gpus = [Gpu(FakeNvml(*pids), None) for pids in ((7,), (7, 8), ())]
    assert [gpu.neighbours() for gpu in gpus] == [0, 1, None]
    assert [neighbours.alone(0.01, gpu)["alone"] for gpu in gpus] == [True, False, None]
    assert neighbours.alone(0.01, "nvidia-ml-py is not installed")["alone"] is None
    assert neighbours.alone(0.5, gpus[0])["alone"] is False


def test_a_gpus_counter_gives_the_joules_of_a_call() -> None:
    library = FakeNvml(7)
    meter = energy.meter_of(torch.device("cuda"), Gpu(library, None))
    assert isinstance(meter, energy.Meter)

    def call() -> None:
        library.millijoules += 250

    assert energy.joules_a_call(meter, call, CPU, 0.0) == pytest.approx(0.25)
    assert energy.meter_of(torch.device("cuda"), "no NVML") == "no NVML"


def test_where_nvml_is_not_there_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert "pip install 'paper-kit[energy]'" in str(gpu_of(torch.device("cuda")))


def test_processor_packages_are_read_over_the_wrap_of_their_counters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for zone, name in (("intel-rapl:0", "package-0"), ("intel-rapl:1", "psys"), ("intel-rapl:0:0", "dram")):
        (tmp_path / zone).mkdir()
        (tmp_path / zone / "name").write_text(f"{name}\n")
        (tmp_path / zone / "max_energy_range_uj").write_text("100000000\n")
        (tmp_path / zone / "energy_uj").write_text("99000000\n")
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    meter = energy.meter_of(CPU, None)
    assert isinstance(meter, energy.Meter)
    assert meter.joules(lambda: (tmp_path / "intel-rapl:0" / "energy_uj").write_text("3000000")) == 4.0
    monkeypatch.setattr(energy, "POWERCAP", tmp_path / "nowhere")
    assert "no RAPL counter" in str(energy.meter_of(CPU, None))

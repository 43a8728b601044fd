"""How much of this machine a study may use: cores, GPUs, and each worker's share. No torch here."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from paper_kit.bench.packing import most_workers
from paper_kit.bench.shares import too_many
from paper_kit.core.errors import InputError
from paper_kit.core.spec import Resources

CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")  # "quota period" in microseconds, or "max period"


def cores() -> int:
    """CPU cores that this process may use: its affinity, and the limit of its container."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = CGROUP_LIMIT.read_text(encoding="ascii").split()
        return max(1, min(allowed, int(quota) // int(period)))
    except (OSError, ValueError):
        return allowed


@functools.cache
def gpus() -> tuple[str, ...]:
    """Names for CUDA_VISIBLE_DEVICES of the GPUs that torch can use; a fresh process asks torch."""
    if shutil.which("nvidia-smi") is None and not Path("/dev/nvidiactl").exists():
        return ()
    question = "import torch; print(torch.cuda.device_count())"
    asked = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=False)
    count = int(asked.stdout) if asked.returncode == 0 and asked.stdout.strip().isdigit() else 0
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return tuple(visible[:count] if visible else (str(number) for number in range(count)))


def usable_gpus(resources: Resources) -> tuple[str, ...]:
    """The GPUs that these resources ask for; InputError where they ask for one and there is none."""
    found = () if resources.device == "cpu" else gpus()
    if resources.device == "cuda" and not found:
        raise InputError(
            "--device cuda: torch sees no GPU here. Type --device cpu, or install torch for CUDA "
            "(`paperkit doctor` says what is there)."
        )
    return found


def gpu_groups(resources: Resources) -> tuple[str, ...]:
    """For CUDA_VISIBLE_DEVICES, the GPUs of each run at work: one, or as many as are to share it.

    InputError where fewer are here.
    """
    found, each = usable_gpus(resources), resources.devices
    if 0 < len(found) < each:
        raise InputError(too_many(each, len(found)))
    return tuple(",".join(found[first : first + each]) for first in range(0, len(found) - each + 1, each))


def share(resources: Resources, runs: int) -> Resources:
    """The resources with jobs and threads settled: a worker a core, or up to some a GPU, and their cores.

    A worker whose run is shared by several devices has as many cores, or GPUs, which are nobody else's.

    `runs` counts all trainings of the study, done or not: what is left must not change the threads of a
    run, because they can change its last digits.
    """
    everything, found, alone = cores(), len(gpu_groups(resources)), resources.devices == 1
    most = found * (most_workers(everything, found) if alone else 1) or max(
        1, everything // resources.devices
    )
    jobs = max(1, min(resources.jobs or most, runs))
    threads = resources.threads or max(1, everything // jobs)
    packing = alone and (resources.packing or (found > 0 and not resources.jobs))
    return resources.model_copy(update={"jobs": jobs, "threads": threads, "packing": packing})


def on_a_node(resources: Resources, executor: str, cpus: int, gpus: float) -> Resources:
    """The resources of one run on a cluster's node: alone, with so many cores, and paths that hold there.

    InputError where a run is to use more GPUs than it is given there.
    """
    if resources.devices > 1 and 0 < gpus < resources.devices and resources.device != "cpu":
        told = f"--devices {resources.devices}: [resources.{executor}] in paperkit.local.toml asks for gpus"
        raise InputError(f"{told} = {gpus:g} a run. Set gpus = {resources.devices} there.")
    return resources.model_copy(
        update={
            "jobs": 1,
            "packing": False,
            "threads": resources.threads or cpus,
            "time_limit_s": 0.0,
            "cache": resources.cache.absolute(),
            "data_roots": {name: path.absolute() for name, path in resources.data_roots.items()},
            "weights_folders": tuple(path.absolute() for path in resources.weights_folders),
        }
    )

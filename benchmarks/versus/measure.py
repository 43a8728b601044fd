"""One measurement in a process of its own: `python -m benchmarks.versus.measure JSON` answers in JSON."""

from __future__ import annotations

import gc
import importlib
import importlib.metadata
import json
import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from paper_kit.core.errors import InputError

PEERS = {"timm": "timm_loop", "lightning": "lightning_loop", "hf": "hf_trainer"}
CONTENDERS = {"bare": "bare", "ours": "ours", **PEERS}
NEEDED = {"timm": ("timm",), "lightning": ("lightning",), "hf": ("transformers", "accelerate")}
RESULT = "RESULT "
PROBE_WARM_S = 0.3


def check_installed(peers: Sequence[str]) -> None:
    """Nothing; InputError tells what to install where the library of a peer is missing."""
    missing = [f"{peer} needs {name}" for peer in peers for name in NEEDED[peer] if find_spec(name) is None]
    if missing:
        raise InputError(
            f"versus: {', '.join(missing)}, not installed here. Type: pip install -e '.[bench]', or name the "
            "others with --peers."
        )


def contender(name: str) -> Any:
    """The module of a contender."""
    return importlib.import_module(f"{__package__}.{CONTENDERS[name]}")


def use_cores(threads: int) -> None:
    """Nothing; this process and its workers have so many cores, the same for everybody."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def job_of(order: dict[str, Any], tuned: bool) -> Any:
    """The Job of an order."""
    import torch

    from benchmarks.versus import cases
    from benchmarks.versus.job import Job
    from paper_kit.data.cache import open_dataset

    spec = cases.spec_of(order["case"], channels_last=tuned, seed=order["seed"])
    if order["epochs"]:
        spec = cases.whole_training(spec, order["epochs"], order["train"])
    else:
        spec = cases.long_epochs(spec, order["repeats"])
    cache = Path(order["cache"])
    dataset = open_dataset(spec.dataset, {}, cache)
    device = torch.device(order["device"])
    return Job(spec, dataset, device, order["threads"], cache, Path(order["scratch"]))


def chosen_flags(module: Any, order: dict[str, Any]) -> Any:
    """The flags that a configuration asks for; the fastest in a short probe where it has a choice."""
    from benchmarks.versus.job import Clock, Flags

    if order["flags"]:
        return Flags(**order["flags"])
    if order["config"] == "documented":
        return module.documented(order["threads"])
    job, rates = job_of(order, tuned=True), {}
    for flags in module.best(order["threads"], order["device"]):
        clock = Clock(PROBE_WARM_S, order["probe"], job.device)
        module.train(job, flags, clock)
        rates[flags] = clock.rate
        gc.collect()  # its workers end
    return max(rates, key=lambda flags: rates[flags])


def measure(order: dict[str, Any]) -> dict[str, Any]:
    """Images per second, when the first step was done, the flags, versions, and accuracy where asked for."""
    import numpy as np

    module = contender(order["contender"])
    from benchmarks.versus.job import Clock

    flags = chosen_flags(module, order)
    job = job_of(order, tuned=flags.tuned)
    seconds = float("inf") if order["epochs"] else order["seconds"]
    clock = Clock(order["warm"], seconds, job.device)
    logits_NK = module.train(job, flags, clock)
    labels = job.dataset.split("test").labels
    return {
        "rate": clock.rate,
        "first": clock.first,
        "flags": asdict(flags),
        "correct": None if logits_NK is None else int(np.sum(logits_NK.argmax(1) == labels)),
        "tested": len(labels),
        "versions": {name: importlib.metadata.version(name) for name in module.LIBRARIES},
    }


def main() -> None:
    """One line on stdout."""
    warnings.filterwarnings("ignore")  # the libraries' advice about workers and loggers
    order = json.loads(sys.argv[1])
    use_cores(order["threads"])
    print(RESULT + json.dumps(measure(order)), flush=True)


if __name__ == "__main__":
    main()

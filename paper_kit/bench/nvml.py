"""What NVIDIA's management library says of a GPU: its energy, its driver, and who else computes on it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Gpu:
    """A GPU as NVML knows it."""

    library: Any
    handle: Any

    def joules(self) -> float:
        """What its board has used since the driver was loaded; NVML counts it from Volta on."""
        return float(self.library.nvmlDeviceGetTotalEnergyConsumption(self.handle)) / 1e3

    def driver(self) -> str:
        """The version of its driver."""
        return str(self.library.nvmlSystemGetDriverVersion())

    def neighbours(self) -> int | None:
        """How many other processes compute on it; None where not even this one, which does, can be seen.

        They are counted and not told apart: in a container a process has another number than outside.
        """
        try:
            listed = {each.pid for each in self.library.nvmlDeviceGetComputeRunningProcesses(self.handle)}
        except self.library.NVMLError:
            return None
        return len(listed) - 1 if listed else None


def gpu_of(device: torch.device) -> Gpu | str:
    """The GPU behind torch's device, or why NVML cannot be asked about it."""
    import torch

    try:
        library = importlib.import_module("pynvml")
    except ImportError:
        return "nvidia-ml-py is not installed: pip install 'paper-kit[energy]'"
    try:
        library.nvmlInit()
        identity = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        return Gpu(library, library.nvmlDeviceGetHandleByUUID(identity))
    except library.NVMLError as error:
        return f"NVML: {error}"

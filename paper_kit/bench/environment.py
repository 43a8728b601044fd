"""Where a number was made: versions, device, threads. No names of users or hosts, no paths."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import paper_kit
from paper_kit.core.errors import InputError

PACKAGES = ("torch", "torchvision", "timm", "numpy", "safetensors", "fvcore", "pillow", "pydantic")


def environment(device: torch.device, threads: int) -> dict[str, Any]:
    """Versions and machine kind, for records."""
    return {
        "paperkit": paper_kit.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "timm": _version("timm"),
        "device": device.type,
        "device_name": device_name(device),
        "threads": threads,
        "platform_os": f"{platform.system()} {platform.machine()}",
        "packages": {name: _version(name) for name in PACKAGES},
    }


def device_name(device: torch.device) -> str:
    """What the maker calls the processor or the GPU."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def choose_device(wanted: str) -> torch.device:
    """The device that "auto", "cpu" or "cuda" means here; InputError where there is no GPU to use."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "--device cuda: torch sees no GPU here. Type --device cpu, or install torch for CUDA."
        )
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""

"""An executor with a queue that knows no job named queue:7, and trains on this machine."""

from typing import Any

from paper_kit.bench.executors import local


def unknown_job(job: str) -> bool:
    return job == "queue:7"


def execute(*given: Any) -> None:
    """Nothing; runs were trained as the local executor trains them."""
    local.execute(*given)

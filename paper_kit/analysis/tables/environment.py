"""The environment table: versions, device and system of the runs."""

from __future__ import annotations

from paper_kit.analysis.artifacts import Column, Table
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts import cost as cost_topic
from paper_kit.analysis.facts import data as data_topic
from paper_kit.analysis.facts import environment as environment_topic
from paper_kit.analysis.facts.environment import NOT_RECORDED
from paper_kit.analysis.results import Results

ROWS = {
    "device": "Device of the trainings",
    "threads": "Threads per training",
    "os": "Operating system",
    "python": "Python",
    "torch": "PyTorch",
    "timm": "timm",
    "paperkit": "paper_kit",
    "commit": "Commit",
}


def make(results: Results, *, packages: bool = False) -> Table:
    """Two columns, name and value; `packages` adds the versions of all recorded packages."""
    facts = environment_topic.facts(results)
    rows: list[tuple[str, Fact]] = [
        (name, facts[key])
        for key, name in ROWS.items()
        if facts[key].missing or facts[key].text != NOT_RECORDED
    ]
    costs = cost_topic.facts(results)
    rows.append(("Device of the cost measurement", costs["device"]))
    whose = ", of the main study" if results.plans[1:] else ""
    rows.append((f"Trainings, all together{whose}", costs["total_training_hours"]))
    rows.append(("Data fingerprint", data_topic.facts(results)["fingerprint"]))
    if packages:
        versions = {key.partition(".")[2]: fact for key, fact in facts.items() if key.startswith("packages.")}
        rows += [(name, fact) for name, fact in versions.items() if name not in ROWS]  # those are told above
    columns = (Column("Item", "l"), Column("Value", "l", wrap_in=1.8))
    return Table("environment", columns, tuple(rows))

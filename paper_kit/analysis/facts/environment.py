"""Where the runs were made: versions, device, system."""

from __future__ import annotations

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._format import listed
from paper_kit.analysis.facts._sheet import Sheet
from paper_kit.analysis.facts._tree import slug
from paper_kit.analysis.results import Results
from paper_kit.core.record import RunRecord

KEYS = {  # fact -> field of the record's environment
    "python": "python",
    "torch": "torch",
    "timm": "timm",
    "device": "device_name",
    "threads": "threads",
    "os": "platform_os",
    "paperkit": "paperkit",
    "commit": "commit",
}
NOT_RECORDED = "not recorded"


def facts(results: Results) -> dict[str, Fact]:
    """environment.python .torch .timm .device .threads .os .paperkit .commit .packages.<name>."""
    sheet, records = Sheet("environment"), base_records(results)
    for key, field in KEYS.items():
        origin = Origin(fields=(f"environment.{field}",), runs=tuple(record.id for record in records))
        sheet.add(key, recorded(records, field), origin=origin)
    packages = records[0].environment.get("packages", {}) if records else {}
    for name, version in packages.items():
        sheet.add(
            f"packages.{slug(name)}", version or NOT_RECORDED, origin=Origin(fields=("environment.packages",))
        )
    return sheet.facts


def base_records(results: Results) -> tuple[RunRecord, ...]:
    """Records of all finished runs of the main experiment, each once."""
    runs = {row.reading.run.id: row.reading.run for row in results.plan().rows}
    return tuple(results.record(run_id) for run_id, run in runs.items() if results.done(run))


def recorded(records: tuple[RunRecord, ...], field: str) -> str | None:
    """The field's value in the records' environments; several values with "and"; None without records."""
    values = [record.environment.get(field) for record in records]
    values = [
        value or record.environment.get("packages", {}).get(field)
        for value, record in zip(values, records, strict=True)
    ]
    if not records:
        return None
    return listed(list(dict.fromkeys(str(value) for value in values if value))) or NOT_RECORDED

"""The main dataset: its name and licence, its images by split and class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._sheet import Sheet
from paper_kit.analysis.facts._tree import slugs
from paper_kit.analysis.results import Results
from paper_kit.core.record import RunRecord

SPLITS = ("train", "validation", "test")


def facts(results: Results) -> dict[str, Fact]:
    """data.name .classes .train .validation .test .total .imbalance .largest_class … of the main dataset."""
    sheet = Sheet("data")
    record, spec = results.any_record(), results.spec(results.models[0].key)
    sheet.add("image_size", spec.image_size, "setting", origin=Origin(fields=("image_size",)))
    sheet.add("channels", spec.channels, "count", origin=Origin(fields=("channels",)))
    _card(sheet, results, record)
    _counts(sheet, counts_of(record))
    return sheet.facts


def counts_of(record: RunRecord | None) -> Mapping[str, Mapping[str, int]]:
    """{split: {class: images as used}} of a record; empty without one."""
    counts: Mapping[str, Mapping[str, int]] = record.data.get("counts", {}) if record else {}
    return counts


def _card(sheet: Sheet, results: Results, record: RunRecord | None) -> None:
    card = results.card()
    for key, field in (
        ("name", "title"),
        ("licence", "licence"),
        ("protocol", "protocol"),
        ("citation", "citation"),
    ):
        sheet.add(key, getattr(card, field) if card else None, origin=Origin(fields=(f"card.{field}",)))
    sheet.put("split", replace_key(sheet.facts["protocol"]))
    ceiling = card.ceiling if card else None
    sheet.add("ceiling", ceiling, "percent", 0, origin=Origin(fields=("card.ceiling",)))
    fingerprint = str(record.data.get("fingerprint", ""))[:12] if record else None
    sheet.add("fingerprint", fingerprint, origin=Origin(fields=("record.data.fingerprint",)))
    dropped = int(record.data.get("dropped", 0)) if record else None
    sheet.add("dropped", dropped, "count", origin=Origin(fields=("record.data.dropped",)))


def replace_key(fact: Fact) -> Fact:
    """The same fact, to be put under another key."""
    return Fact("", fact.value, fact.kind, fact.digits, fact.unit, origin=fact.origin)


def _counts(sheet: Sheet, counts: Mapping[str, Mapping[str, int]]) -> None:
    origin = Origin(fields=("record.data.counts",))
    totals = {split: sum(counts[split].values()) if split in counts else None for split in SPLITS}
    for split, total in totals.items():
        sheet.add(split, total, "count", origin=origin, exact=True)
    known = [total for total in totals.values() if total is not None]
    sheet.add("total", sum(known) if known else None, "count", origin=origin, exact=True)
    train = counts.get("train", {})
    steps = dict(zip(train, slugs(tuple(train)), strict=True))
    items = tuple(
        Fact(f"data.class_names.{step}", name, "text", origin=origin) for name, step in steps.items()
    )
    sheet.listed("classes", items, origin)
    for name, step in steps.items():
        for split in SPLITS:
            count = counts.get(split, {}).get(name, 0)
            sheet.add(f"count.{split}.{step}", count, "count", origin=origin, exact=True)
    put_extremes(sheet, {name: train[name] for name in train if train[name]}, steps)
    _rarest(sheet, {name: count for name, count in counts.get("test", {}).items() if count})


def _rarest(sheet: Sheet, test: Mapping[str, int]) -> None:
    """Nothing; .rarest_test_class, of those with images, its count, and one image as a part of its recall."""
    origin = Origin(fields=("record.data.counts",), formula="smallest class of the test images")
    name = min(test, key=lambda each: test[each]) if test else None
    sheet.add("rarest_test_class", name, origin=origin)
    sheet.add("rarest_test_count", test[name] if name else None, "count", origin=origin, exact=True)
    step = 1 / test[name] if name else None
    sheet.add(
        "rarest_test_step", step, "magnitude", 1, origin=replace(origin, formula="one image of that class")
    )


def put_extremes(sheet: Sheet, train: Mapping[str, int], steps: Mapping[str, str]) -> None:
    """Nothing; .imbalance, the largest and smallest class of the training images; give those with images."""
    for word, choose in (("largest", max), ("smallest", min)):
        name = choose(train, key=lambda each: train[each]) if train else None
        origin = Origin(fields=("record.data.counts",), formula=f"{word} class of the training images")
        sheet.name(f"{word}_class", name, steps[name] if name else "", origin)
        sheet.add(f"{word}_count", train[name] if name else None, "count", origin=origin, exact=True)
    ratio = sheet.facts["largest_count"] / sheet.facts["smallest_count"]
    sheet.put("imbalance", ratio)

"""Why a printed number changed: other settings, seeds, data, code or machines of the runs behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Runs = Mapping[str, Any]  # runs.json: run id -> label, seed, spec, code, data, engine, environment, metrics
MOST = 3  # names told before "and 2 more"
NOT_SETTINGS = frozenset({"seed", "transfer.run"})  # told as seeds, and as settings of the source run
MACHINE = ("torch", "device", "device_name", "threads")  # what in the environment of a run can move numbers


def runs_behind(fact: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the runs that a fact of facts.json comes from, each once."""
    origin = fact["origin"]
    return tuple(dict.fromkeys((*origin["runs"], *(reading[0] for reading in origin["readings"]))))


def reasons(
    before: Mapping[str, Any], after: Mapping[str, Any], then: Runs, now: Runs, changed: Mapping[str, Any]
) -> tuple[str, ...]:
    """Why the fact changed, each as "class: what"; `changed` are the names of inputs that did, by class."""
    old, new = runs_behind(before), runs_behind(after)
    if not old and not new:
        old, new = tuple(then), tuple(now)  # a fact of the whole study
        found = _of_fields(tuple(_of_runs(old, new, then, now)), after["origin"]["fields"])
    else:
        found = [*_of_formula(before, after), *_of_runs(old, new, then, now)]
    return tuple(dict.fromkeys(found)) or tuple(_of_inputs(changed))


def _of_formula(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    left, right = before["origin"], after["origin"]
    if left["formula"] != right["formula"]:
        yield f"formula: {left['formula'] or 'none'} → {right['formula'] or 'none'}"
    if (before["kind"], before["unit"]) != (after["kind"], after["unit"]):
        yield f"rounding: printed as {after['kind']} {after['unit']}".rstrip()
    old, new = ({tuple(map(str, reading[1:])) for reading in side["readings"]} for side in (left, right))
    if old and new and old != new:
        yield f"setting: read as {_readings(old)} → {_readings(new)}"


def _of_runs(old: Sequence[str], new: Sequence[str], then: Runs, now: Runs) -> Iterator[str]:
    """Reasons that lie in the runs: first those that are other runs, then those made again."""
    gone, added = [run for run in old if run not in new], [run for run in new if run not in old]
    unknown = [run for run in (*gone, *added) if run not in then and run not in now and "/" not in run]
    if unknown:
        yield f"runs: {_listed(unknown)}, whose settings are not at hand"
    known = [run for run in gone if run in then], [run for run in added if run in now]
    if all(known):
        yield from (f"setting: {text}" for text in _other_settings(*known, then, now))
    seeds = _seeds(old, then), _seeds(new, now)
    if any(known) and seeds[0] != seeds[1]:
        yield f"seed: {_listed(map(str, seeds[0]))} → {_listed(map(str, seeds[1]))}"
    elif any(known) and not all(known):
        yield f"runs: {_fewer_or_more(*known, (then, now))}"
    for run in old:
        if run in new and run in then and run in now:
            yield from _made_again(then[run], now[run])


def _other_settings(gone: Sequence[str], added: Sequence[str], then: Runs, now: Runs) -> tuple[str, ...]:
    """The settings in which runs differ from the most similar ones that they replace."""
    found: dict[str, None] = {}
    for run in added:
        nearest = min(gone, key=lambda other: len(_differing(then[other]["spec"], now[run]["spec"])))
        found.update(dict.fromkeys(_settings(then[nearest], now[run], then, now)))
    return tuple(found)


def _fewer_or_more(gone: Sequence[str], added: Sequence[str], runs: tuple[Runs, Runs]) -> str:
    """The runs that were left out or added: by their labels."""
    if gone:
        return f"without {_listed(runs[0][run]['label'] for run in gone)}"
    return f"with {_listed(runs[1][run]['label'] for run in added)}"


def _settings(left: Mapping[str, Any], right: Mapping[str, Any], then: Runs, now: Runs) -> Iterator[str]:
    """The fields of two runs that differ, as "loss.gamma 2.0 → 0.0"; those of their source runs too."""
    differing = _differing(left["spec"], right["spec"])
    for name, (was, became) in differing.items():
        if name not in NOT_SETTINGS:
            yield f"{name} {was} → {became}"
    was, became = differing.get("transfer.run", ("", ""))
    if was in then and became in now:
        for text in _settings(then[was], now[became], then, now):
            yield f"source run: {text}"


def _seeds(ids: Sequence[str], runs: Runs) -> list[int]:
    return sorted({runs[run]["seed"] for run in ids if run in runs})


def _made_again(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two trainings of the same spec."""
    found = False
    files = sorted(
        name for name in {*left["code"], *right["code"]} if left["code"].get(name) != right["code"].get(name)
    )
    if files:
        found = True
        yield f"code: {_listed(files)}"
    if left["engine"] != right["engine"]:
        found = True
        yield f"code: engine {left['engine']} → {right['engine']}"
    if left["data"] != right["data"]:
        found = True
        yield f"data: fingerprint {left['data'] or 'unknown'} → {right['data'] or 'unknown'}"
    for name in MACHINE:
        was, became = left["environment"].get(name), right["environment"].get(name)
        if was != became:
            found = True
            yield f"environment: {name} {was} → {became}"
    if not found and left["metrics"] != right["metrics"]:
        yield f"run: {right['label']} was trained again and came out otherwise"


def _of_fields(found: tuple[str, ...], fields: Sequence[str]) -> list[str]:
    """The reasons that speak of a fact's own fields, or all where none does."""
    own = [text for text in found if any(f" {field} " in f"{text} " for field in fields)]
    return (own or list(found))[:MOST]


def _of_inputs(changed: Mapping[str, Any]) -> Iterator[str]:
    """The inputs that changed between two builds, where the runs behind a fact are the same."""
    known = [name for name in changed if name not in {"templates", "venue"}]
    for name in known:
        yield f"{name}: {_listed(changed[name])}"
    if not known:
        yield "code: what computes it changed, or the template that asks for it"


def _differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Dotted field -> its two values, where these differ."""
    one, other = dict(_flat(left)), dict(_flat(right))
    names = dict.fromkeys((*one, *other))
    return {name: (one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)}


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


def _readings(found: set[tuple[str, ...]]) -> str:
    return "; ".join(sorted(" ".join(reading) for reading in found))


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - MOST} more" if len(known) > MOST else ""
    return ", ".join(known[:MOST]) + more

"""What a search varies: the fields, their ranges around a file's own values, and the specs that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.experiment import set_fields
from paper_kit.core.spec import RunSpec, spec_from

LR, AUGMENT, WEIGHT_DECAY = "optim.lr", "augment", "optim.weight_decay"
FIELDS = (LR, AUGMENT, WEIGHT_DECAY)
PROBABILITIES = ("rotate_p", "shift_p", "scale_p", "brightness_p", "contrast_p", "erase_p")
FLIP, LARGEST_FLIP = "flip", 0.5  # a face mirrored every time is as little variety as one never mirrored
DIGITS = 3  # of a value in the file; what is trained is what is written
LOWEST_LR, HIGHEST_LR, SPREAD = 1e-4, 1e-2, 10.0  # the file's own is at most so many times away
LOWEST_DECAY, HIGHEST_DECAY = 1e-3, 0.5
GRID_EXAMPLE = f"{WEIGHT_DECAY}=0.005,0.05,0.5"
STRONGEST = 2.0  # times the file's own probabilities


@dataclass(frozen=True)
class Range:
    """From where to where a field is searched; `log` evenly over its logarithm."""

    low: float
    high: float
    log: bool = True

    def holds(self, value: float) -> bool:
        """Whether the value lies in the range."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Budget:
    """What one trial may cost; 0 means what the file says."""

    epochs: int = 0
    train_fraction: float = 0.0

    def larger_than(self, spec: RunSpec) -> list[str]:
        """A sentence for each part of the budget that is larger than the spec's own."""
        asked = {"--epochs": self.epochs, "--train-fraction": self.train_fraction}
        own = {"--epochs": spec.epochs, "--train-fraction": spec.train_fraction}
        return [
            f"{option} {asked[option]:g}: above the file's own {own[option]:g}; give less, or leave it out."
            for option in asked
            if asked[option] > own[option]
        ]

    def of(self, spec: RunSpec) -> RunSpec:
        """The spec with this budget."""
        epochs, fraction = self.epochs or spec.epochs, self.train_fraction or spec.train_fraction
        return spec.model_copy(update={"epochs": epochs, "train_fraction": fraction})


def known_fields(text: str, option: str = "--search") -> tuple[str, ...]:
    """The fields in "optim.lr,augment", in the order of FIELDS; InputError for one that is not known."""
    asked = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in asked if name not in FIELDS]
    if unknown or not asked:
        raise InputError(
            [
                f"{option} {name}: this field cannot be searched.{did_you_mean(name, FIELDS)}"
                for name in unknown
            ]
            or f"{option}: name at least one of {', '.join(FIELDS)}."
        )
    return tuple(name for name in FIELDS if name in asked)


def grid_of(items: Iterable[str]) -> dict[str, tuple[float, ...]]:
    """Field -> values from "optim.weight_decay=0.005,0.05,0.5"; InputError lists what is wrong."""
    grid: dict[str, tuple[float, ...]] = {}
    for item in items:
        name, sign, text = item.partition("=")
        if not sign or not text.strip():
            raise InputError(f"--grid {item}: expected field=values, such as --grid {GRID_EXAMPLE}.")
        (field,) = known_fields(name.replace(",", " "), "--grid")
        try:
            values = tuple(dict.fromkeys(float(value) for value in text.split(",")))
        except ValueError:
            raise InputError(f"--grid {item}: expected numbers, such as --grid {GRID_EXAMPLE}.") from None
        grid[field] = values
    return grid


def own_values(spec: RunSpec) -> dict[str, float]:
    """Field -> the spec's own value; the augmentation's is one time its own probabilities."""
    return {LR: spec.optim.lr, AUGMENT: 1.0, WEIGHT_DECAY: spec.optim.weight_decay}


def searched(spec: RunSpec, fields: Iterable[str]) -> tuple[str, ...]:
    """The fields that change something of this spec: no augmentation where there is none."""
    off = {AUGMENT} if not any(_probabilities(spec).values()) else set()
    return tuple(field for field in fields if field not in off)


def ranges(spec: RunSpec) -> dict[str, Range]:
    """Field -> where it is searched, around the spec's own value."""
    lr, decay = spec.optim.lr, spec.optim.weight_decay
    return {
        LR: Range(min(lr, max(LOWEST_LR, lr / SPREAD)), max(lr, min(HIGHEST_LR, lr * SPREAD))),
        AUGMENT: Range(0.0, STRONGEST, log=False),
        WEIGHT_DECAY: Range(min(decay or LOWEST_DECAY, LOWEST_DECAY), max(decay, HIGHEST_DECAY)),
    }


def settings_of(spec: RunSpec, params: Mapping[str, float]) -> dict[str, float]:
    """Dotted field -> value that a trial sets, rounded as it is written; none that the spec has already."""
    own, found = own_values(spec), {}
    for field, value in params.items():
        if value == own[field]:
            continue
        if field != AUGMENT:
            found[field] = rounded(value)
            continue
        for name, chance in _probabilities(spec).items():
            most = max(LARGEST_FLIP, chance) if name == FLIP else 1.0
            found[f"{AUGMENT}.{name}"] = min(most, rounded(chance * value))
    flat = {f"{AUGMENT}.{name}": chance for name, chance in _probabilities(spec).items()} | own
    return {field: value for field, value in found.items() if value != flat[field]}


def trial_spec(spec: RunSpec, settings: Mapping[str, float], budget: Budget) -> RunSpec:
    """The spec of a trial; InputError where a value is not allowed."""
    return budget.of(spec_from(set_fields(spec.full(), settings), "the search"))


def rounded(value: float) -> float:
    """The value with the digits that are written."""
    return float(f"{value:.{DIGITS}g}")


def _probabilities(spec: RunSpec) -> dict[str, float]:
    """Name -> probability of each standard transform that is in use."""
    chances = {name: float(getattr(spec.augment, name)) for name in (FLIP, *PROBABILITIES)}
    return {name: chance for name, chance in chances.items() if chance}

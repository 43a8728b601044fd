"""The provenance appendix in words: what a formula computes, where values were read, and what they are of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from paper_kit.render.legend import RunLabel

OF_SEEDS = "mean over seeds of "
PRINTED = " (of the printed numbers)"
CORRECTED = "; corrected by Holm over the tests of this document"
PER_CLASS = ("recall", "precision", "f1")
MEANINGS = {  # formula -> what it computes
    "accuracy": "Accuracy: right predictions over images",
    "macro_f1": "Macro F1: mean of the F1 of all classes",
    "balanced_accuracy": "Balanced accuracy: mean of the recalls of all classes",
    "mean_recall": "Mean recall of all classes",
    "ece": "ECE: expected calibration error, the distance of confidence from accuracy",
    "brier": "Brier score: squared error of the probabilities",
    "nll": "NLL: negative logarithm of the probability of the true class",
    "recall": "Recall of a class: right predictions over its images",
    "precision": "Precision of a class: right predictions over all predictions of it",
    "f1": "F1 of a class: harmonic mean of its precision and recall",
    "models ordered by results.*.accuracy": "Models ordered by accuracy",
    "largest size of results.*.without.*.change": "Largest change of accuracy without a technique, by size",
    "smallest size of results.*.without.*.change": "Smallest change of accuracy without a technique, by size",
}
SIGNS = {" - ": " less ", " + ": " plus ", " * ": " times ", " / ": " over "}
TERMS = {
    "f1": "F1",
    "ece": "ECE",
    "nll": "NLL",
    "tta": "TTA",
    "amp": "AMP",
    "fp32": "FP32",
    "macs": "MACs",
    "flops": "FLOPs",
    "sd": "standard deviation",
}
WHAT = {  # last steps of a key -> words
    "confused.true": "most confused pair, true class",
    "confused.predicted": "most confused pair, predicted class",
    "confused.rate": "most confused pair, share",
    "confused2.true": "second pair, true class",
    "confused2.predicted": "second pair, predicted class",
    "confused2.rate": "second pair, share",
    "best_class_recall": "recall of the best class",
    "worst_class_recall": "recall of the worst class",
    "gained.ablation": "ablation",
    "gained.class": "class",
    "gained.change": "largest change of a recall",
    "duplicates.exact": "test images with an exact copy",
    "duplicates.near": "test images with only a near copy",
    "duplicates.groups": "groups of copies",
    "duplicates.conflicting": "groups of copies with different labels",
    "duplicates.blank": "blank images",
    "test_leaked": "test images with a copy in train or validation",
    "test_deduplicated": "test images without such copies",
    "cells": "pairs of model and ablation",
    "test_readings": "readings of the test images",
    "resolvable": "resolvable difference",
    "ceiling_source": "source",
    "seal": "digest",
    "torch": "PyTorch",
    "python": "Python",
    "os": "system",
}
IMPLIED = {"accuracy", "change", "deduplicated_change", "accuracy_deduplicated", "total_training_hours"}
SILENT = {"without", "largest_effect", "smallest_effect"}  # steps that the formula in front tells
_KEY = re.compile(r"(?<![\w.])(?:(?:results|audit) of [\w-]+|[A-Za-z][\w-]*)(?:\.[\w*-]+)+")


@dataclass(frozen=True)
class Source:
    """Where values were read: how a field's name starts, words, whether the appendix lists the values."""

    start: str
    words: str
    listed: bool = False


AUDITED = "Audit of the study: counted in its results and stored predictions"
DRAWN = "Figures: their options, and images counted in the stored embeddings"
SOURCES = (
    Source("record.data.", "Dataset: names, sizes and classes counted in the images as they were used"),
    Source("record.layers", "Layer tables: counted in the trained networks"),
    Source("record.seconds", "Training time: added up over the runs", listed=True),
    Source("record.", "Settings of the runs: as the runs themselves kept them"),
    Source("card.", "Dataset: title, licence and protocol as its card states them"),
    Source("known.", "Dataset: plausible accuracy, as its source states it", listed=True),
    Source("cost.", "Costs: measured or counted by paperkit measure"),
    Source("environment.", "Software and machine: recorded with the runs", listed=True),
    Source("tuning.", "Search of settings: trainings that validation images alone judged", listed=True),
    Source("literature.toml", "Published accuracies: literature.toml names each source", listed=True),
    Source("model.", "Models: names and options written in the experiment file"),
    Source("ablation.", "Ablations: names written in the experiment file"),
    Source("experiment.", "Experiment: names written in the experiment file"),
    Source("audit", "Copies among the images: found by an audit of the dataset", listed=True),
    Source("results.", AUDITED, listed=True),
    Source("predictions.", AUDITED, listed=True),
    Source("embeddings.", DRAWN),
    Source("figure.", DRAWN),
    Source("", "Settings: from the experiment file, or paperkit's default"),
)
TOPICS = {
    "counts": Source("", "Size of the study: counted in its plan", listed=True),
    "study": Source("", "Size of the study: counted in its plan", listed=True),
    "build": Source("", "This build: digest of what it read, and its commit", listed=True),
}


def source(key: str, fields: tuple[str, ...]) -> Source | None:
    """Where a value was read, by its first field, else by its topic; None where neither tells."""
    if fields:
        return next(each for each in SOURCES if fields[0].startswith(each.start))
    return TOPICS.get(key.partition(".")[0])


@dataclass(frozen=True)
class Names:
    """What the paper calls models and ablations, by key."""

    models: Mapping[str, str] = field(default_factory=dict)
    ablations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, labels: Mapping[str, RunLabel]) -> Names:
        """The names that the plans' first rows give."""
        models: dict[str, str] = {}
        ablations: dict[str, str] = {}
        for label in labels.values():
            models.setdefault(label.model_key, label.model.removeprefix(f"{label.experiment}: "))
            for key, words in ((label.ablation_key, label.ablation), *label.also):
                if key:
                    ablations.setdefault(key, words)
        return cls(models, ablations)

    def subject(self, key: str) -> tuple[str, str]:
        """(whose value it is, which of theirs): ("EmotionViT, w/o focal loss", "macro F1")."""
        inner = key
        if key.startswith("claims."):
            inner = key.removeprefix("claims.").rpartition(".")[0] or key
        sides = [self._side(side) for side in _KEY.findall(inner)][:2]
        whose = [words for words, _ in sides if words]
        what = next((words for _, words in sides if words), "")
        return " against ".join(dict.fromkeys(whose)), what

    def _side(self, key: str) -> tuple[str, str]:
        rest = key.split(".")[1:]
        whose: list[str] = []
        for step in tuple(rest):
            name = self.models.get(step) or self.ablations.get(step)
            if name or step in {*SILENT, "average"}:
                rest.remove(step)
                whose += [name] if name else ["all networks"] if step == "average" else []
        if len(rest) > 1 and rest[0] in PER_CLASS:
            rest = rest[1:]
        if len(rest) == 3 and rest[0] == "confusion":
            rest = ["any other pair"] if rest[1].isdigit() else [f"{rest[1]} taken for {rest[2]}"]
        known = WHAT.get(".".join(rest))
        what = known or " ".join(worded(step) for step in rest if step not in IMPLIED)
        return ", ".join(whose), what


def worded(text: str) -> str:
    """Text without identifiers: "macro F1" for macro_f1."""
    return re.sub(r"[A-Za-z]\w*", lambda one: " ".join(TERMS.get(s, s) for s in one[0].split("_")), text)


def formula_words(formula: str) -> str:
    """What a formula computes, as a sentence without keys and without its full stop; "" for no formula."""
    text, signed = _unsigned(formula)
    rest = text.removeprefix(OF_SEEDS)
    seeds = "; mean over seeds" if rest != text else ""
    rest = re.sub(rf"^({'|'.join(PER_CLASS)})\.\S+$", r"\1", rest)
    words = MEANINGS.get(rest) or _computed(rest)
    return words[:1].upper() + words[1:] + seeds + signed


def _unsigned(formula: str) -> tuple[str, str]:
    """The formula inside of abs(…), -(…) and parentheses, and what to say of its sign."""
    for start, words in (("abs(", ", without its sign"), ("-(", ", with the other sign"), ("(", "")):
        if formula.startswith(start) and _closes_last(formula, len(start) - 1):
            inner, more = _unsigned(formula[len(start) : -1])
            return inner, more or words
    return formula, ""


def _closes_last(text: str, opened: int) -> bool:
    """Whether the parenthesis at `opened` is closed by the text's last sign."""
    depth = 0
    for place in range(opened, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place == len(text) - 1
    return False


def _computed(formula: str) -> str:
    text = formula.removesuffix(PRINTED)
    printed = text != formula
    mean = text.removeprefix("mean of ")
    if mean != text and all(_KEY.fullmatch(part) for part in mean.split(", ")):
        return f"mean of the {_several(_last(mean.split(', ')[0]))} over the networks"
    sides = [_last(side) for side in text.split(" - ")]
    if len(sides) == 2 and sides[0] == sides[1] and " " not in text.replace(" - ", ""):
        return f"difference of the {'printed ' if printed else ''}{_several(sides[0])}"
    text = text.replace(CORRECTED, ", corrected by Holm over all tests of this paper").replace(PRINTED, "")
    text = _KEY.sub(lambda found: _last(found[0]), text)
    for sign, word in SIGNS.items():
        text = text.replace(sign, word)
    return worded(text) + (", as printed" if printed else "")


def _last(key: str) -> str:
    """The last step of a key in words, and that it is a mean where it is one."""
    steps = key.split(".")
    words = {"accuracy_deduplicated": "accuracy without copies"}.get(steps[-1]) or worded(steps[-1])
    return f"mean {words} over the networks" if "average" in steps else words


def _several(words: str) -> str:
    """The plural of a metric's name."""
    return words[:-1] + "ies" if words.endswith("y") else words if words.endswith("s") else f"{words}s"

"""Whether the numbers of a published table can stand beside one another, given how each was rounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from paper_kit.analysis.printed import Interval, added, behind, exactly, harmonic, mean, share
from paper_kit.analysis.published import PrintedAblation, PrintedTable
from paper_kit.data.known import counts_differ, same_class

Shares = Mapping[str, Interval]  # class -> percent


@dataclass(frozen=True)
class Consistency:
    """A check of a table: its name, whether it holds (None: it cannot tell), a sentence with intervals."""

    name: str
    ok: bool | None
    sentence: str


def consistency(table: PrintedTable) -> tuple[Consistency, ...]:
    """Every check for which the table has the numbers."""
    recalls = {same_class(name): share(value) for name, value in table.recalls.items()}
    precisions = {same_class(name): share(value) for name, value in table.precisions.items()}
    matrix = _matrix(table)
    checks: list[Consistency | None] = [_counts(table), _total(table), _grim(table)]
    checks += [_class_grim(table), _weighted(table, recalls)]
    checks += _confusion(table, matrix, recalls, precisions)
    checks += [
        _mean("Mean recall is the balanced accuracy", recalls, "balanced_accuracy", table),
        _mean("Mean precision is the macro precision", precisions, "macro_precision", table),
        _macro_f1(table, recalls, precisions, "Macro F1 of precisions and recalls"),
        *(_difference(table, ablation) for ablation in table.ablation),
        _ceiling(table),
    ]
    return tuple(check for check in checks if check is not None)


def _compared(name: str, what: str, made: Interval, printed: Interval, hint: str = "") -> Consistency:
    ok = made.meets(printed)
    verdict = "" if ok else f"; no value is in both{hint}"
    return Consistency(name, ok, f"{what} {made.text}, printed {printed.text}{verdict}")


def _counts(table: PrintedTable) -> Consistency | None:
    if not table.supports or not table.official or table.known is None:
        return None
    problem = counts_differ(table.supports, table.official)
    what = f"the official ones of {table.known.title} ({table.split})"
    others = [
        split for split, counts in table.known.counts.items()
        if split != table.split and not counts_differ(table.supports, counts)
    ]  # fmt: skip
    if problem and others:
        problem = f"they are those of {others[0]}"
    return Consistency("Supports", not problem, f"not {what}: {problem}" if problem else f"they are {what}")


def _total(table: PrintedTable) -> Consistency | None:
    added_up = sum(table.supports.values())
    sizes = table.known.sizes if table.known else {}
    official = sum(table.official.values()) or sizes.get(table.split, 0)
    told = {"the table says": table.images, "official are": official, "the supports add up to": added_up}
    known = {what: count for what, count in told.items() if count}
    if len(known) < 2:
        return None
    words = ", ".join(f"{what} {count:,}" for what, count in known.items())
    return Consistency("Number of images", len(set(known.values())) == 1, words)


def _grim(table: PrintedTable) -> Consistency | None:
    """GRIM: a mean of N rights and wrongs is k / N (Brown & Heathers 2017)."""
    if table.accuracy is None or not table.total:
        return None
    name, printed = "Accuracy is a number of images", share(table.accuracy)
    images = table.total * table.mean_of
    step = Fraction(100, images)
    if printed.high - printed.low >= step:
        return Consistency(name, None, f"{table.accuracy} has too few digits to tell among {images:,} images")
    inside = printed.whole(step)
    of = f"{images:,} images" if table.mean_of == 1 else f"{table.mean_of} x {table.total:,} images"
    if inside:
        right = inside.low / step
        return Consistency(name, True, f"{int(right):,} of {of} are {float(inside.low):.4f} %")
    below = int(printed.low / step)
    near = " and ".join(f"{float(count * step):.4f} % ({count:,})" for count in (below, below + 1))
    return Consistency(name, False, f"no number of {of} rounds to {table.accuracy} %; nearest are {near}")


def _class_grim(table: PrintedTable) -> Consistency | None:
    if not table.recalls or not table.weights:
        return None
    impossible = []
    for name, value in table.recalls.items():
        support = table.weights[same_class(name)] * table.mean_of
        if support and share(value).whole(Fraction(100, support)) is None:
            impossible.append(f"{name} {value} % of {support:,}")
    found = "; ".join(impossible)
    sentence = f"no number of images rounds to {found}" if found else "each is a whole number of its images"
    return Consistency("Recalls are numbers of images", not impossible, sentence)


def _weighted(table: PrintedTable, recalls: Shares) -> Consistency | None:
    """Recall times support, added up, is the accuracy; exchanged supports are looked for where it is not."""
    name = "Recall times support is the accuracy"
    if table.accuracy is None or not recalls or not table.weights:
        return None
    printed, weights = share(table.accuracy), table.weights
    made = weighted(recalls, weights, table.mean_of)
    hint = "" if made.meets(printed) else _explained(table, recalls, printed)
    return _compared(name, "recall times support gives", made, printed, hint)


def weighted(recalls: Shares, weights: Mapping[str, int], runs: int) -> Interval:
    """The accuracy in percent that recalls and supports allow, where each recall is a number of images."""
    rights = []
    for name, recall in recalls.items():
        whole = recall.whole(Fraction(100, weights[name] * runs)) if weights[name] else exactly(0)
        rights.append((whole or recall).times(weights[name]))
    return added(rights).times(Fraction(1, max(1, sum(weights.values()))))


def _explained(table: PrintedTable, recalls: Shares, printed: Interval) -> str:
    """The exchange of two supports, or the other split, by which the accuracy would come out; "" for none."""
    weights = table.weights
    for one, other in combinations(weights, 2):
        swapped = weights | {one: weights[other], other: weights[one]}
        if swapped != weights and weighted(recalls, swapped, table.mean_of).meets(printed):
            return f"; it would be, were the counts of {one} and {other} exchanged"
    for split, counts in (table.known.counts if table.known else {}).items():
        same = {same_class(name): count for name, count in counts.items()}
        if same.keys() == recalls.keys() and weighted(recalls, same, table.mean_of).meets(printed):
            return f"; it would be with the counts of {split}"
    return ""


def _matrix(table: PrintedTable) -> tuple[tuple[Interval, ...], ...] | None:
    """The confusion matrix in percent of its rows; None where there is none."""
    if not table.confusion:
        return None
    if in_percent(table):
        return tuple(tuple(share(value) for value in row) for row in table.confusion)
    return tuple(
        tuple(exactly(Fraction(value) * 100 / (sum(map(Fraction, row)) or 1)) for value in row)
        for row in table.confusion
    )


def in_percent(table: PrintedTable) -> bool:
    """Whether the confusion matrix is in row percentages: as it says, or as its rows sum."""
    if table.confusion_in:
        return table.confusion_in == "percent"
    return all(added(map(behind, row)).meets(exactly(100)) for row in table.confusion)


def _confusion(
    table: PrintedTable,
    matrix: tuple[tuple[Interval, ...], ...] | None,
    recalls: Shares,
    precisions: Shares,
) -> list[Consistency | None]:
    if matrix is None:
        return []
    names = [same_class(name) for name in table.classes]
    diagonal = {name: matrix[place][place] for place, name in enumerate(names)}
    weights = table.weights
    found: list[Consistency | None] = [_rows(table)]
    if not weights and not in_percent(table):
        weights = {name: int(sum(row)) for name, row in zip(names, table.confusion, strict=True)}
    if recalls:
        found.append(_each("Diagonal of the confusion matrix is the recalls", diagonal, recalls))
    if weights and table.accuracy is not None:
        made = weighted(diagonal, weights, table.mean_of)
        name = "Diagonal times support is the accuracy"
        found.append(_compared(name, "diagonal times support gives", made, share(table.accuracy)))
    if not weights:
        return found
    columns = dict(zip(names, _precisions(matrix, [weights[name] for name in names]), strict=True))
    if precisions:
        found.append(_each("Columns of the confusion matrix give the precisions", columns, precisions))
    return [*found, _macro_f1(table, diagonal, columns, "Macro F1 of the confusion matrix")]


def _rows(table: PrintedTable) -> Consistency:
    """Each row of the matrix sums to 100, or to the support of its class."""
    name = "Rows of the confusion matrix"
    weights = {} if in_percent(table) else table.weights
    wrong = []
    for title, row in zip(table.classes, table.confusion, strict=True):
        wanted = 100 if in_percent(table) else weights.get(same_class(title))
        summed = added(map(behind, row)) if in_percent(table) else exactly(sum(map(Fraction, row)))
        may = {wanted, wanted * table.mean_of} if wanted is not None else set()
        if may and not any(summed.meets(exactly(each)) for each in may):
            wrong.append(f"{title} sums to {summed.text} and not to {wanted}")
    if wrong:
        return Consistency(name, False, "; ".join(wrong))
    if not in_percent(table) and not weights:
        return Consistency(name, None, "no supports to compare their sums with")
    return Consistency(name, True, f"each sums to {'100 %' if in_percent(table) else 'its support'}")


def _precisions(matrix: tuple[tuple[Interval, ...], ...], supports: list[int]) -> list[Interval]:
    """Precision of each class in percent: the diagonal's images over those of the column."""
    images = [[cell.times(count) for cell in row] for row, count in zip(matrix, supports, strict=True)]
    made = []
    for place in range(len(images)):
        right = images[place][place]
        wrong = added(row[place] for other, row in enumerate(images) if other != place)
        low = right.low / (right.low + wrong.high) if right.low + wrong.high else Fraction(0)
        high = right.high / (right.high + wrong.low) if right.high + wrong.low else Fraction(0)
        made.append(Interval(low * 100, high * 100))
    return made


def _each(name: str, made: Shares, printed: Shares) -> Consistency:
    off = [
        f"{key} {made[key].text}, printed {value.text}"
        for key, value in printed.items()
        if not made[key].meets(value)
    ]
    return Consistency(name, not off, "; ".join(off) or f"for all {len(printed)} classes")


def _mean(name: str, shares: Shares, key: str, table: PrintedTable) -> Consistency | None:
    printed = getattr(table, key)
    if printed is None or not shares:
        return None
    return _compared(name, "the mean is", mean(shares.values()), share(printed))


def _macro_f1(table: PrintedTable, recalls: Shares, precisions: Shares, name: str) -> Consistency | None:
    if table.macro_f1 is None or not recalls or recalls.keys() != precisions.keys():
        return None
    made = mean(harmonic(precisions[key], recall) for key, recall in recalls.items())
    return _compared(name, "it would be", made, share(table.macro_f1))


def _difference(table: PrintedTable, ablation: PrintedAblation) -> Consistency | None:
    """The printed change is ablated less base, the printed drop base less ablated."""
    base = table.base if table.base is not None else table.accuracy
    told = ablation.delta if ablation.delta is not None else ablation.drop
    if base is None or ablation.accuracy is None or told is None:
        return None
    made, printed = behind(ablation.accuracy) - behind(base), behind(told)
    if ablation.delta is None:
        made = made.negative
    hint = "; with the other sign it would be" if made.negative.meets(printed) else ""
    return _compared(f"Difference of {ablation.name}", "the accuracies differ by", made, printed, hint)


def _ceiling(table: PrintedTable) -> Consistency | None:
    """Above what people reach a number is not wrong, but asks for a look at leaks."""
    field = table.known
    if table.accuracy is None or field is None or field.ceiling is None:
        return None
    limit = Fraction(str(field.ceiling)) * 100
    if share(table.accuracy).low <= limit:
        return Consistency(
            "Plausibility ceiling", True, f"not above {float(limit):.0f} %: {field.ceiling_source}"
        )
    asked = f"were images of train among those tested? `paperkit data audit {field.name}`"
    return Consistency(
        "Plausibility ceiling", None, f"above {float(limit):.0f} %: {field.ceiling_source}; {asked}"
    )

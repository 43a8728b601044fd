"""What figures tell in words: gains told from noise, fronts of costs, how near embeddings vote."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from chance import holm
from fields import Fields
from results import Value
from settings import listed
from study import slug
from trials import Trials

TSNE = "figure.tsne"


@dataclass(frozen=True)
class Gain:
    """What a technique adds to the recall of a class: a share, the ends of its interval, p after Holm."""

    value: float
    ends: tuple[float, float]
    p: float


def of_figures(fields: Fields, trials: Trials, map_csv: str = "") -> dict[str, Value]:
    """Key -> value of what the notes of figures say; `map_csv` holds the t-SNE maps where it is at hand."""
    found = gains(trials)
    told: dict[str, Value] = {
        "figure.gains": len(found),
        "figure.gains_told": sum(gain.p < trials.alpha for gain in found.values()),
    }
    return told | _fronts(fields) | _neighbours(fields, map_csv)


def gains(trials: Trials) -> dict[tuple[str, str], Gain]:
    """(ablation, class) -> its gain; p is corrected over all of these and no others."""
    study, raw, found = trials.studies.main, dict[tuple[str, str], float](), dict[tuple[str, str], Gain]()
    for ablation in dict.fromkeys(ablation for _, ablation in study.changed):
        for label in study.classes:
            told = trials.estimate(f"results.average.gain.{ablation}.{slug(label)}")
            raw[ablation, label] = told.p
            found[ablation, label] = Gain(told.mean, told.ends(1 - trials.alpha), 1.0)
    corrected = holm(raw)
    return {each: Gain(gain.value, gain.ends, corrected[each]) for each, gain in found.items()}


def _fronts(fields: Fields) -> dict[str, Value]:
    """Of each cost the models that no other beats in cost and accuracy, the cheapest first."""
    study, found = fields.study, dict[str, Value]()
    costs = {model: fields.cost_of(model) for model in study.models}
    right = {model: study.cell(model).metric("accuracy") for model in study.models}
    for name, value in next(iter(costs.values())).items():
        if not isinstance(value, int | float):
            continue
        front = [
            model
            for model in study.models
            if not any(
                costs[other][name] <= costs[model][name]
                and right[other] >= right[model]
                and (costs[other][name] < costs[model][name] or right[other] > right[model])
                for other in study.models
            )
        ]
        front.sort(key=lambda model: costs[model][name])
        key = f"figure.front.{name.removesuffix('_ms')}"
        found[key] = listed([study.models[model] for model in front])
    return found


def _neighbours(fields: Fields, map_csv: str) -> dict[str, Value]:
    """How often the nearest other embeddings vote for the label; how well a map keeps who is near.

    With the numbers of images and neighbours and the perplexity, which few images bound.
    """
    study = fields.study
    names = {model: f"{study.run(model)}/embeddings.npz" for model in study.models}
    held = {model: study.records.arrays(name) for model, name in names.items() if name in study.records.files}
    if not held:
        return {}
    images, seed, most, perplexity = (
        int(float(fields.constant(TSNE, name))) for name in ("images", "seed", "neighbours", "perplexity")
    )
    ids, labels_N = _chosen(held, images, seed)
    k, maps = max(1, min(most, (len(ids) - 1) // 2)), _maps(map_csv)
    found: dict[str, Value] = {
        f"{TSNE}.images": len(ids),
        f"{TSNE}.neighbours": k,
        f"{TSNE}.perplexity": min(perplexity, (len(ids) - 1) // 3),
    }
    for model, arrays in held.items():
        at = {name: place for place, name in enumerate(arrays["ids_N"])}
        order_NN = _nearest(arrays["features_ND"][[at[name] for name in ids]].astype(float))
        votes_NK = (labels_N[order_NN[:, :k]][:, :, None] == np.arange(labels_N.max() + 1)).sum(axis=1)
        found[f"{TSNE}.{model}.knn"] = float((votes_NK.argmax(axis=1) == labels_N).mean())
        own = maps.get(model, {})
        if set(own) == set(ids):
            map_N2 = np.array([own[name] for name in ids])
            found[f"{TSNE}.{model}.trust"] = _trust(order_NN, _nearest(map_N2)[:, :k])
    return found


def _chosen(
    held: Mapping[str, Mapping[str, np.ndarray]], images: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ids that all models have, so many of them and of each class its share, and their labels.

    An image of random rank r in a class of n stands at (r + 1/2) / n, the first of each class before all.
    """
    first = next(iter(held.values()))
    shared = np.all([np.isin(first["ids_N"], each["ids_N"]) for each in held.values()], axis=0)
    order = np.argsort(first["ids_N"][shared])
    ids, labels_N = first["ids_N"][shared][order], first["labels_N"][shared][order]
    keys, place = np.random.PCG64(seed).random_raw(len(ids)), np.empty(len(ids))
    for label in np.unique(labels_N):
        own = np.flatnonzero(labels_N == label)
        rank = np.argsort(np.argsort(keys[own]))
        place[own] = np.where(rank == 0, -1.0, (rank + 0.5) / len(own))
    kept = np.sort(np.lexsort((keys, place))[:images])
    return ids[kept], labels_N[kept]


def _nearest(points_ND: np.ndarray) -> np.ndarray:
    """(N, N - 1) the other points of each, the nearest first."""
    squares_N = (points_ND**2).sum(axis=1)
    distance_NN = squares_N[:, None] + squares_N - 2 * points_ND @ points_ND.T
    np.fill_diagonal(distance_NN, -np.inf)
    return np.argsort(distance_NN, axis=1, kind="stable")[:, 1:]


def _trust(order_NN: np.ndarray, near_Nk: np.ndarray) -> float:
    """1 less how far off neighbours in the map are in the space, by ranks (Venna and Kaski 2001)."""
    (total, k), rank_NN = near_Nk.shape, np.empty((len(order_NN), len(order_NN)))
    np.put_along_axis(rank_NN, order_NN, np.arange(1.0, total)[None].repeat(total, axis=0), axis=1)
    beyond = np.maximum(np.take_along_axis(rank_NN, near_Nk, axis=1) - k, 0).sum()
    return float(1 - 2 / (total * k * (2 * total - 3 * k - 1)) * beyond)


def _maps(map_csv: str) -> dict[str, dict[str, tuple[float, float]]]:
    """Model -> id -> its place in the map, as the figure's data have them."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for row in _rows(map_csv):
        found.setdefault(row["model"], {})[row["id"]] = (float(row["x"]), float(row["y"]))
    return found


def _rows(text: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(io.StringIO(text))

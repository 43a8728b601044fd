"""t-SNE maps of the embeddings of the same test images, one panel a model."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.figures._canvas import SIGN_IN, canvas, legend_shape, listed, waiting, wrapped
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Look, Style
from paper_kit.analysis.tables._parts import number
from paper_kit.core.arrays import read_npz
from paper_kit.core.experiment import ModelEntry
from paper_kit.core.files import canonical_json, sha256_text, write_npz
from paper_kit.data.split import stratified_subset

COMPONENTS = 50  # of the PCA before t-SNE, as van der Maaten and Hinton 2008 took 30
ITERATIONS = 500
THREADS = 1  # a map
ANGLE = 0.7  # of Barnes-Hut, for speed
NEIGHBOURS = 10  # k of trustworthiness and of the vote
TALLEST_IN = 8.4  # of the drawing: a page less its caption
SMALLEST = 10  # images, under which there is no map

Floats = NDArray[np.float32]


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "text",
    images: int = 1000,
    perplexity: float = 30.0,
    seed: int = 0,
    cache: str = "",
) -> Figure:
    """A panel a model: t-SNE of a stratified choice of recorded embeddings of the base's first seed."""
    known = [(model, found) for model in results.models if (found := _embeddings(results, model)) is not None]
    if not known:
        return waiting("tsne", style, width)
    ids = _common_ids([found for _, found in known], images, seed)
    folder = Path(cache) if cache else results.resources.cache / "tsne"
    data = _maps(known, ids, (perplexity, seed), folder)
    classes = results.classes()
    models = [model for model, _ in known]
    drawing = _drawn(data, models, classes, style, width)
    absent = [model.label for model in results.models if model.key not in set(data.model)]
    fitted = _fitting(perplexity, len(ids))
    note = Note(
        number("figure.tsne.images", len(ids), "count", "embeddings.ids"),
        " test images, the same in each map; PCA to at most ",
        number("figure.tsne.components", COMPONENTS, "count", "figure.tsne"),
        " dimensions, perplexity ", number("figure.tsne.perplexity", fitted, "setting", "figure.tsne"), ", ",
        number("figure.tsne.iterations", ITERATIONS, "count", "figure.tsne"),
        " iterations, start from PCA, seed ", number("figure.tsne.seed", seed, "setting", "figure.tsne"), ".",
    )  # fmt: skip
    pending = (Note(f"Pending: {listed(absent)}."),) if absent else ()
    alt = _alt([model.label for model in models], classes)
    return Figure("tsne", drawing, data, alt, (note, _faithful(data, models), *pending))


def _faithful(data: pd.DataFrame, models: list[ModelEntry]) -> Note:
    """How well each map keeps neighbourhoods, and how well its neighbours tell the class."""
    first = data.drop_duplicates("model").set_index("model")
    k = number("figure.tsne.neighbours", int(first.neighbours.iloc[0]), "count", "figure.tsne")
    parts: list[str | Fact] = [
        "Trustworthiness of the map, and accuracy of a vote of the nearest other embeddings, both of ", k,
        " neighbours: ",
    ]  # fmt: skip
    for place, model in enumerate(models):
        row = first.loc[model.key].to_dict()
        trust = number(
            f"figure.tsne.{model.key}.trust", float(row["trustworthiness"]), "number", "embeddings", digits=2
        )
        voted = number(f"figure.tsne.{model.key}.knn", float(row["knn_accuracy"]), "percent", "embeddings")
        parts += ["; " if place else "", model.label, " ", trust, " and ", voted]
    return Note(*parts, ".")


Known = list[tuple[ModelEntry, dict[str, NDArray[Any]]]]


def _maps(known: Known, ids: NDArray[Any], settings: tuple[float, int], folder: Path) -> pd.DataFrame:
    """One row an image and model: its label and its place in the model's map."""
    places = [_places(found["ids_N"], ids) for _, found in known]
    features = [
        found["features_ND"][place].astype(np.float32)
        for (_, found), place in zip(known, places, strict=True)
    ]
    import_module("sklearn.manifold")  # a limit reaches only the libraries that are loaded
    # one thread a map, in BLAS too, whose sums depend on how many: equal features give equal maps anywhere
    with threadpool_limits(THREADS, "blas"), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        labels = [found["labels_N"][place] for (_, found), place in zip(known, places, strict=True)]
        maps = list(pool.map(lambda each, own: _map(each, own, *settings, folder), features, labels))
    frames = [
        pd.DataFrame(
            {
                "model": model.key,
                "id": ids,
                "label": found["labels_N"][place],
                "x": map_N2[:, 0],
                "y": map_N2[:, 1],
                "neighbours": int(measures[0]),
                "trustworthiness": measures[1],
                "knn_accuracy": measures[2],
            }
        )
        for (model, found), place, (map_N2, measures) in zip(known, places, maps, strict=True)
    ]
    return pd.concat(frames, ignore_index=True)


def _embeddings(results: Results, model: ModelEntry) -> dict[str, NDArray[Any]] | None:
    run = results.spec(model.key)
    found = results.embeddings(run.id) if results.done(run) else None
    return found if found is not None and len(found["labels_N"]) >= SMALLEST else None


def _common_ids(found: list[dict[str, NDArray[Any]]], images: int, seed: int) -> NDArray[Any]:
    """Ids that all models recorded, stratified by label down to `images`, sorted."""
    ids, labels = found[0]["ids_N"], found[0]["labels_N"]
    shared = np.all([np.isin(ids, one["ids_N"]) for one in found], axis=0)
    order = np.argsort(ids[shared])
    ids, labels = ids[shared][order], labels[shared][order]
    return ids if len(ids) <= images else ids[np.sort(stratified_subset(labels, images, seed))]


def _places(ids_N: NDArray[Any], wanted: NDArray[Any]) -> NDArray[Any]:
    order = np.argsort(ids_N)
    return order[np.searchsorted(ids_N, wanted, sorter=order)]


def _fitting(perplexity: float, images: int) -> float:
    """The perplexity, or the largest that so few images allow."""
    return min(perplexity, (images - 1) // 3)


def _map(
    features_ND: Floats, labels_N: NDArray[Any], perplexity: float, seed: int, folder: Path
) -> tuple[Floats, Floats]:
    """Map_N2 and its measures (k, trustworthiness, k-NN accuracy), from the cache where made before."""
    kept = _fitting(perplexity, len(features_ND))
    what = {
        "perplexity": kept,
        "seed": seed,
        "components": COMPONENTS,
        "iterations": ITERATIONS,
        "angle": ANGLE,
        "threads": f"{THREADS} a map",
        "neighbours": NEIGHBOURS,
        "labels": sha256_text(labels_N.astype(np.int64).tobytes().hex()),
    }
    name = sha256_text(canonical_json(what) + sha256_text(features_ND.tobytes().hex()))[:16]
    path = folder / f"{name}.npz"
    if path.is_file():
        with suppress(ValueError):  # a damaged map is made again
            cached = read_npz(path, ("map_N2", "measures"))
            if cached["map_N2"].shape == (len(features_ND), 2) and cached["measures"].shape == (3,):
                return cached["map_N2"], cached["measures"]
    made = _embedded(features_ND, kept, seed)
    measures = _measures(features_ND, made, labels_N)
    write_npz(path, map_N2=made, measures=measures)
    return made, measures


def _measures(features_ND: Floats, map_N2: Floats, labels_N: NDArray[Any]) -> Floats:
    """(k, trustworthiness of the map, leave-one-out accuracy of a vote of k in the embedding space).

    Venna and Kaski 2001; both by Euclidean distance, as the map. Ties of the vote go to the lower label.
    """
    from sklearn.manifold import trustworthiness
    from sklearn.neighbors import NearestNeighbors

    k = max(1, min(NEIGHBOURS, (len(map_N2) - 1) // 2))
    trust = trustworthiness(features_ND, map_N2, n_neighbors=k)
    # without a query each point's own row is left out of its neighbours
    near_Nk = NearestNeighbors(n_neighbors=k).fit(features_ND).kneighbors(return_distance=False)
    votes_NK = (labels_N[near_Nk][:, :, None] == np.arange(int(labels_N.max()) + 1)).sum(axis=1)
    right = float((votes_NK.argmax(axis=1) == labels_N).mean())
    return np.array([k, trust, right], np.float32)


def _embedded(features_ND: Floats, perplexity: float, seed: int) -> Floats:
    """Map_N2 by PCA and Barnes-Hut t-SNE on one thread, so that equal features give equal maps."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    parts = min(COMPONENTS, *features_ND.shape)
    reduced = PCA(parts, svd_solver="full").fit_transform(features_ND) if parts > 1 else features_ND
    start = np.zeros((len(features_ND), 2), np.float32)
    start[:, : min(2, parts)] = reduced[:, :2]
    spread = start[:, 0].std()
    start *= 1e-4 / spread if spread > 0 else 1.0
    tsne = TSNE(
        2, perplexity=perplexity, init=start, angle=ANGLE, max_iter=ITERATIONS, random_state=seed, n_jobs=1
    )
    with threadpool_limits(THREADS, "openmp"):  # a limit of this thread, where BLAS has one of the process
        made: Floats = tsne.fit_transform(reduced).astype(np.float32)
    return made


def _drawn(
    data: pd.DataFrame, models: list[ModelEntry], classes: tuple[str, ...], style: Style, width: str
) -> Any:
    most = 3 if len(models) <= 6 else 4
    columns = min(len(models), most if width == "text" else most - 1)
    rows = -(-len(models) // columns)
    names = [wrapped(name, 26) for name in classes]
    across, legend_in = legend_shape(style, width, names)
    spare = rows * columns > len(models) and len(names) <= 8  # an empty panel has room for the legend
    panel_in = min(style.width(width) / max(columns, 2), 2.4) * 0.86 + 0.2
    below_in = 0.0 if spare else legend_in
    drawing = canvas(style, width, min(rows * panel_in, TALLEST_IN - below_in) + below_in)
    panels = drawing.subplots(rows, columns, squeeze=False)
    for place, panel in enumerate(panels.flat):
        if place >= len(models):
            panel.axis("off")
            continue
        _panel(panel, data[data.model == models[place].key], len(classes), style)
        if len(models) > 1:
            signs = int(style.width(width) / columns / SIGN_IN)
            panel.set_title(wrapped(models[place].label, signs, 1), pad=3)
    handles = [_handle(style.look(place), name) for place, name in enumerate(names)]
    if spare:
        panels.flat[-1].legend(handles=handles, loc="center", ncols=1, handletextpad=0.1)
    else:
        drawing.legend(handles=handles, loc="outside lower center", ncols=across, handletextpad=0.1)
    return drawing


def _handle(look: Look, name: str) -> Line2D:
    return Line2D([], [], ls="", ms=4, mew=0, color=look.colour, marker=look.marker, label=name)


def _panel(panel: Any, data: pd.DataFrame, classes: int, style: Style) -> None:
    """Points by class; drawn in turns so that no class lies on top of the others."""
    for turn in range(4):
        for label in range(classes):
            own = data[data.label == label].iloc[turn::4]
            look = style.look(label)
            panel.scatter(own.x, own.y, s=5, c=look.colour, marker=look.marker, linewidths=0, alpha=0.75)
    panel.set_xticks([])
    panel.set_yticks([])
    panel.margins(0.04)
    for spine in panel.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.5)
        spine.set_color("#888888")


def _alt(labels: list[str], classes: tuple[str, ...]) -> str:
    names = listed(labels)
    return f"t-SNE maps of the embeddings of {names}; one mark a test image, by class: {listed(classes)}."

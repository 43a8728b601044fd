"""t-SNE maps of the embeddings of the same test images, one panel a model."""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.figures._canvas import canvas, listed, waiting, wrapped
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style
from paper_kit.analysis.tables._parts import number
from paper_kit.core.experiment import ModelEntry
from paper_kit.core.files import canonical_json, sha256_text, write_bytes
from paper_kit.data.split import stratified_subset

COMPONENTS = 50  # of the PCA before t-SNE, as van der Maaten and Hinton 2008 took 30
ITERATIONS = 500
THREADS = 1  # a map
ANGLE = 0.7  # of Barnes-Hut, for speed
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
    data = _maps(known, ids, (perplexity, seed), Path(cache) if cache else results.resources.cache / "tsne")
    classes = results.classes()
    drawing = _drawn(data, [model for model, _ in known], classes, style, width)
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
    return Figure("tsne", drawing, data, _alt([m.label for m, _ in known], classes), (note, *pending))


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
        maps = list(pool.map(lambda each: _map(each, *settings, folder), features))
    frames = [
        pd.DataFrame(
            {
                "model": model.key,
                "id": ids,
                "label": found["labels_N"][place],
                "x": map_N2[:, 0],
                "y": map_N2[:, 1],
            }
        )
        for (model, found), place, map_N2 in zip(known, places, maps, strict=True)
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


def _map(features_ND: Floats, perplexity: float, seed: int, folder: Path) -> Floats:
    """Map_N2, read from the cache folder where the same map was made before."""
    kept = _fitting(perplexity, len(features_ND))
    what = {
        "perplexity": kept,
        "seed": seed,
        "components": COMPONENTS,
        "iterations": ITERATIONS,
        "angle": ANGLE,
        "threads": f"{THREADS} a map",
    }
    name = sha256_text(canonical_json(what) + sha256_text(features_ND.tobytes().hex()))[:16]
    path = folder / f"{name}.npy"
    if path.is_file():
        cached: Floats = np.load(path, allow_pickle=False)
        if cached.shape == (len(features_ND), 2):
            return cached
    made = _embedded(features_ND, kept, seed)
    buffer = io.BytesIO()
    np.save(buffer, made, allow_pickle=False)
    write_bytes(path, buffer.getvalue())
    return made


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
    columns = min(len(models), 3 if width == "text" else 2)
    rows = -(-len(models) // columns)
    panel_in = style.width(width) / max(columns, 2)
    spare = rows * columns > len(models)  # an empty panel has room for the legend
    drawing = canvas(style, width, rows * (min(panel_in, 2.4) * 0.86 + 0.2) + (0.0 if spare else 0.35))
    panels = drawing.subplots(rows, columns, squeeze=False)
    for place, panel in enumerate(panels.flat):
        if place >= len(models):
            panel.axis("off")
            continue
        _panel(panel, data[data.model == models[place].key], len(classes), style)
        if len(models) > 1:
            panel.set_title(models[place].label, pad=3)
    handles = [
        Line2D(
            [],
            [],
            ls="",
            ms=4,
            mew=0,
            color=style.look(k).colour,
            marker=style.look(k).marker,
            label=wrapped(name, 24),
        )
        for k, name in enumerate(classes)
    ]
    if spare:
        panels.flat[-1].legend(handles=handles, loc="center", ncols=1, handletextpad=0.1)
        return drawing
    across = len(handles) if width == "text" and sum(map(len, classes)) < 80 else 4
    drawing.legend(
        handles=handles, loc="outside lower center", ncols=across, handletextpad=0.1, columnspacing=1.2
    )
    return drawing


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

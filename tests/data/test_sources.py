"""Every file in data/sources keeps the contract that its folder's docstring states."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from paper_kit.core.part import Part, available, complete, load, options, plugin_file
from paper_kit.data.card import Card
from paper_kit.data.dataset import fingerprint_of, problems_of
from paper_kit.data.sources import Splits
from tests.data.trees import affectnet_annotations, ckplus_folders, ferplus_votes, rafdb_list

SOURCES = available("dataset")
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@pytest.fixture
def tiny(
    fer_csv: Callable[..., Path], image_tree: Callable[..., Path], tmp_path: Path
) -> Callable[[str], Splits]:
    """Loads a dataset by its name from the smallest files that will do."""

    roots: dict[str, Callable[[], list[Path]]] = {
        "fer2013": lambda: [fer_csv()],
        "ferplus": lambda: [ferplus_votes(tmp_path, fer_csv())],
        "image_folder": lambda: [image_tree(dict.fromkeys(CLASSES, 6))],
        "rafdb": lambda: [_made(rafdb_list, tmp_path / "basic")],
        "affectnet": lambda: [_made(affectnet_annotations, tmp_path / "affectnet")],
        "ckplus": lambda: [_made(ckplus_folders, tmp_path / "ckplus")],
    }
    small = {"official": False, "train": 70, "validation": 14, "test": 14}

    def read(name: str) -> Splits:
        known = options("dataset", name)
        chosen = {option: small[option] for option in small.keys() & known.keys()}
        if name in roots:  # there validation and test are fractions
            chosen = {option: value for option, value in chosen.items() if option == "official"}
        part = complete("dataset", Part(name=name, arguments=chosen))
        loaded: Splits = load("dataset", name)(*roots.get(name, list)(), **part.arguments)
        return loaded

    return read


def _made(write: Callable[[Path], Path], root: Path) -> Path:
    """The root, written if it is not there yet."""
    return root if root.is_dir() else write(root)


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_gives_what_a_dataset_needs(name: str, tiny: Callable[[str], Splits]) -> None:
    splits = tiny(name)
    assert problems_of(splits) == []
    assert splits.card.name == name
    assert splits.card.title
    assert splits.card.protocol
    assert splits.card.licence
    assert Card.from_dict(splits.card.as_dict()) == splits.card
    for split in splits.each().values():
        assert split.images.flags.c_contiguous
        assert split.ids.dtype.kind == "U"
        if split.targets is not None:
            assert np.isfinite(split.targets).all()


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_gives_the_same_each_time(name: str, tiny: Callable[[str], Splits]) -> None:
    assert fingerprint_of(tiny(name)) == fingerprint_of(tiny(name))


@pytest.mark.parametrize("name", SOURCES)
def test_the_options_of_a_source_have_typed_defaults(name: str) -> None:
    for option in options("dataset", name).values():
        assert option.type in {"int", "float", "bool", "str"} or option.type.startswith("Literal[")
        assert not option.required


@pytest.mark.parametrize("name", SOURCES)
def test_the_first_parameter_is_the_root_and_the_rest_are_names_of_datasets(name: str) -> None:
    parameters = inspect.signature(load("dataset", name)).parameters.values()
    places = [parameter.name for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY]
    assert places[0] == "root"
    assert set(places[1:]) <= set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_says_what_it_is_and_opens_no_network(name: str) -> None:
    tree = ast.parse(plugin_file("dataset", name).read_text())
    assert (ast.get_docstring(tree) or "").splitlines()[0].endswith(".")
    imported = {alias.name.split(".")[0] for node in ast.walk(tree) for alias in getattr(node, "names", ())}
    assert not imported & {"urllib", "requests", "http", "socket", "torch", "pandas"}

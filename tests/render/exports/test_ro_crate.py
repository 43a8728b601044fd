"""The research object of the committed example names each file, run, dataset and author."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.store import Store
from paper_kit.core.unpack import unpack
from paper_kit.render.exports.study import write_study

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "paper" / "examples" / "fer2013_small"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    unpack(EXAMPLE / "records.zip", Store(folder))
    return folder


@pytest.fixture(scope="module")
def crate(runs, tmp_path_factory):
    built = tmp_path_factory.mktemp("built")
    shutil.copy(EXAMPLE / "paper.pdf", built)
    place = tmp_path_factory.mktemp("crate") / "study"
    write_study(place, ROOT, built, "", ("fer2013_small",), runs)
    return place


@pytest.fixture(scope="module")
def graph(crate):
    told = json.loads((crate / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    return {each["@id"]: each for each in told["@graph"]}


def references(value):
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_file_is_described_and_every_described_file_is_there(crate, graph):
    there = {path.relative_to(crate).as_posix() for path in crate.rglob("*") if path.is_file()}
    described = {name for name, each in graph.items() if each["@type"] == "File"}
    assert described == there - {"ro-crate-metadata.json"}
    assert {"paper.pdf", "records.zip", "paper/paper.toml", "experiments/fer2013_small.toml"} <= described


def test_nothing_is_referred_to_that_is_not_described(graph):
    named = {name for each in graph.values() for name in references(each)}
    assert {name for name in named if not name.startswith("http")} <= set(graph)


def test_every_training_is_an_action_with_its_settings_data_and_machine(graph, runs):
    actions = [each for each in graph.values() if each["@type"] == "CreateAction"]
    finished = {path.parent.name for path in runs.glob("*/record.json")}
    assert {each["@id"].removeprefix("#run-") for each in actions} == finished
    for action in actions:
        told = json.loads(action["description"])
        assert told["spec"]["dataset"]["name"]
        assert told["environment"]["python"]
        assert action["object"]["@id"] in graph


def test_the_data_are_named_with_their_licence_and_their_images_are_not_inside(crate, graph):
    fer = next(each for each in graph.values() if each.get("name") == "FER2013")
    assert "research use" in fer["conditionsOfAccess"]
    with zipfile.ZipFile(crate / "records.zip") as packed:
        assert not [name for name in packed.namelist() if name.endswith((".png", ".jpg", ".csv"))]


def test_a_folder_with_other_files_is_not_touched(tmp_path, runs):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"--to my_study\.zip"):
        write_study(tmp_path, ROOT, tmp_path / "none", "", ("fer2013_small",), runs)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

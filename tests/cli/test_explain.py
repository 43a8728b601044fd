"""paperkit explain: what finished runs lack is added, and said; nothing is trained."""

import re

import pytest

from paper_kit.bench.run import run_one
from paper_kit.cli.workplace import workplace
from paper_kit.core.store import GALLERY, SALIENCY, RunState

SMALL = """
question = "Does it work?"
seeds = [0]
[base]
epochs = 1
batch_size = 14
dataset = { name = "synthetic_faces", train = 28, validation = 14, test = 14 }
[[model]]
key = "net"
label = "Net"
part = { name = "resemotenet", width = 4, depths = [1, 1], fusion_width = 8 }
[[ablation]]
key = "no_flip"
label = "w/o flip"
set = { "augment.flip" = 0.25 }
"""


@pytest.fixture
def trained(root):
    """The Store and the run ids of a study of one model whose two runs are done, without their pictures."""
    (root / "experiments" / "small.toml").write_text(SMALL)
    place = workplace(["small"])
    runs = place.plans()[0].runs
    for run in runs:
        assert run_one(run, place.store, place.resources(device="cpu", threads=1)) is RunState.DONE
        for name in (SALIENCY, GALLERY):
            place.store.file(run.id, name).unlink()
    return place.store, [run.id for run in runs]


def test_explain_adds_what_base_runs_lack_and_those_of_ablations_where_asked(trained, paperkit):
    store, (base, ablation) = trained
    before = store.file(base, "record.json").read_bytes()
    first = paperkit("explain", "small")
    assert first.exit_code == 0
    assert f"{base}  Net, base: wrote gallery.npz and saliency.npz" in first.stdout
    assert store.file(base, SALIENCY).is_file()
    assert not store.file(ablation, SALIENCY).is_file()
    assert store.file(base, "record.json").read_bytes() == before
    again = paperkit("explain", "small", "--ablations").stdout
    assert "Net, base: nothing to add" in again
    assert "Net, w/o flip: wrote gallery.npz and saliency.npz" in again


def test_explain_names_runs_whose_weights_were_dropped_and_what_to_type(trained, paperkit):
    store, (base, _) = trained
    store.file(base, "weights.safetensors").unlink()
    told = paperkit("explain", "small")
    assert told.exit_code == 1
    assert re.search(r"error: Net, base: .*weights\.safetensors: .*keep_weights = true", told.stderr)
    assert "wrote gallery.npz" in told.stdout


@pytest.mark.usefixtures("root")
def test_explain_of_a_study_without_runs_says_what_to_type(paperkit):
    told = paperkit("explain")
    assert told.exit_code == 1
    assert "error: Good, base: not done; type `paperkit run-all` first." in told.stderr
    assert told.stdout == ""


def test_the_help_of_explain_loads_nothing_heavy(fresh):
    code, _, _, heavy = fresh("explain", "--help")
    assert code == 0
    assert heavy == []

import pytest
import timm
import torch
from safetensors.torch import save_file

from paper_kit.bench import transfer
from paper_kit.bench.transfer import start_from, trainable_stages, weights_file
from paper_kit.core.errors import InputError
from paper_kit.core.files import sha256_file
from paper_kit.core.spec import Transfer
from paper_kit.core.store import Store
from tests.bench.tiny import Tiny


def opened(epoch, **fields):
    return list(trainable_stages(Transfer(**{"source": "hub", **fields}), 4, epoch))


def test_stages_open_one_by_one_from_the_head_after_the_frozen_epochs():
    assert [opened(epoch) for epoch in range(1, 8)] == [
        [3], [3], [3], [2, 3], [1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3],
    ]  # fmt: skip
    assert [opened(epoch, freeze_epochs=0, stage_epochs=2) for epoch in range(1, 7)] == [
        [2, 3], [2, 3], [1, 2, 3], [1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3],
    ]  # fmt: skip


def test_all_stages_learn_at_once_without_transfer_or_where_asked():
    assert opened(1, source="none") == [0, 1, 2, 3]
    assert opened(1, unfreezing="all") == [0, 1, 2, 3]


def folder_with(tmp_path, model, name="net.safetensors"):
    save_file(model.state_dict(), tmp_path / name)
    return Transfer(source="file", architecture="net", weights_sha256=sha256_file(tmp_path / name))


def test_weights_are_found_by_their_hash_whatever_the_file_is_called(tmp_path):
    wanted = folder_with(tmp_path, Tiny(4, 1, 8, 0.0), "some_name.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "net.safetensors")
    assert weights_file(wanted, (tmp_path,)).name == "some_name.safetensors"


def test_missing_weights_say_where_was_looked_and_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"No weights file of net with SHA-256 abc.*paperkit.local.toml"):
        weights_file(Transfer(source="file", architecture="net", weights_sha256="abc"), (tmp_path,))


def test_a_file_fills_what_fits_by_name_and_shape(tmp_path):
    source, model = Tiny(4, 1, 8, 0.0), Tiny(7, 1, 8, 0.0)
    head = model.head.weight.clone()
    filled = start_from(model, folder_with(tmp_path, source), Store(tmp_path), (tmp_path,))
    assert torch.equal(model.body[0].weight, source.body[0].weight)
    assert torch.equal(model.head.weight, head)
    assert "head.weight" not in filled


def test_a_model_takes_published_weights_its_own_way_where_it_can(tmp_path):
    model = Tiny(4, 1, 8, 0.0)
    given = []
    model.load_backbone = lambda state: (
        given.append(set(state)) or {name for name, _ in model.named_parameters()}
    )
    start_from(model, folder_with(tmp_path, Tiny(4, 1, 8, 0.0)), Store(tmp_path), (tmp_path,))
    assert "stem.0.weight" in given[0]


def test_weights_of_another_architecture_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"fill 0% of the model's backbone"):
        start_from(
            Tiny(4, 1, 8, 0.0), folder_with(tmp_path, Tiny(4, 1, 16, 0.0)), Store(tmp_path), (tmp_path,)
        )


def source_run(tmp_path, model):
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    store = Store(tmp_path / "runs")
    store.folder("abc").mkdir(parents=True)
    (tmp_path / "weights.safetensors").rename(store.file("abc", "weights.safetensors"))
    return store


def test_a_source_run_gives_all_but_its_last_layer(tmp_path):
    source, model = Tiny(4, 1, 8, 0.0), Tiny(4, 1, 8, 0.0)
    head = model.head.weight.clone()
    filled = start_from(model, Transfer(source="run", run="abc"), source_run(tmp_path, source), ())
    assert torch.equal(model.stem[1].running_mean, source.stem[1].running_mean)
    assert torch.equal(model.stem[0].weight, source.stem[0].weight)
    assert torch.equal(model.head.weight, head)
    assert set(filled) == {name for name in model.state_dict() if not name.startswith("head")}


def test_a_source_run_of_another_size_is_refused_with_the_entries_that_differ(tmp_path):
    store = source_run(tmp_path, Tiny(4, 1, 16, 0.0))
    with pytest.raises(InputError, match=r"do not fit the model \(body.0.*same model arguments"):
        start_from(Tiny(4, 1, 8, 0.0), Transfer(source="run", run="abc"), store, ())


def test_a_source_run_without_weights_says_how_to_get_them(tmp_path):
    with pytest.raises(InputError, match="paperkit run-all"):
        start_from(Tiny(4, 1, 8, 0.0), Transfer(source="run", run="abc"), Store(tmp_path), ())


def test_hub_weights_come_from_timm(monkeypatch, tmp_path):
    source = Tiny(4, 1, 8, 0.0)
    monkeypatch.setattr(timm, "is_model_pretrained", lambda name: name == "net")
    monkeypatch.setattr(timm, "create_model", lambda _name, **_options: source)
    model = Tiny(4, 1, 8, 0.0)
    start_from(model, Transfer(source="hub", architecture="net"), Store(tmp_path), ())
    assert torch.equal(model.stem[0].weight, source.stem[0].weight)


def test_hub_weights_that_cannot_be_had_say_what_to_type(monkeypatch):
    def offline(_name, **_options):
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(
        InputError, match=r"could not be fetched.*paperkit.local.toml.*transfer.source = \"file\""
    ):
        transfer.hub_weights(Transfer(source="hub", architecture="resnet18"))
    with pytest.raises(InputError, match=r"timm has no weights under this name"):
        transfer.hub_weights(Transfer(source="hub", architecture="resnet81"))

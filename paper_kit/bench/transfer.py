"""Transfer learning: where the first weights come from, and which stages learn in which epoch."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from torch import Tensor, nn

from paper_kit.bench.checkpoint import Weights, load_weights
from paper_kit.bench.optim import Stages, stages_of
from paper_kit.core.errors import InputError
from paper_kit.core.files import sha256_file
from paper_kit.core.spec import Transfer
from paper_kit.core.store import Store

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
FEWEST = 0.5  # a backbone of which less than this part was filled counts as the wrong weights


def trainable_stages(transfer: Transfer, count: int, epoch: int) -> range:
    """Indices of the stages, of `count`, that learn in `epoch` (from 1): the head, then ever earlier ones."""
    if transfer.source == "none" or transfer.unfreezing == "all":
        return range(count)
    opened = 0
    if epoch > transfer.freeze_epochs:
        opened = (epoch - transfer.freeze_epochs - 1) // transfer.stage_epochs + 1
    return range(max(0, count - 1 - opened), count)


def set_trainable(model: nn.Module, stages: Stages, trainable: range) -> int:
    """Number of parameters that learn. A frozen stage is in evaluation mode: batch-norm statistics stay."""
    model.train()
    for index, (_, modules) in enumerate(stages):
        for module in modules:
            module.requires_grad_(index in trainable).train(index in trainable)
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def start_from(model: nn.Module, transfer: Transfer, store: Store, folders: tuple[Path, ...]) -> list[str]:
    """Names of the model's entries that now hold pretrained weights; InputError where these do not fit."""
    match transfer.source:
        case "none":
            return []
        case "hub":
            weights = hub_weights(transfer)
        case "file":
            weights = load_weights(weights_file(transfer, folders))
        case "run":
            return _from_run(model, load_weights(_run_weights(transfer.run, store)))
    return _from_published(model, weights, transfer)


def hub_weights(transfer: Transfer) -> Weights:
    """The published weights of a timm architecture, from the cache of the hub or over the network."""
    import timm

    name = transfer.architecture
    if not timm.is_model_pretrained(name):
        raise InputError(
            f"transfer.architecture = {name!r}: timm has no weights under this name. "
            'Type one of `timm.list_pretrained()`, such as "efficientnet_b0".'
        )
    try:
        return dict(timm.create_model(name, pretrained=True).state_dict())
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"The weights of {name!r} could not be fetched ({type(error).__name__}). Connect to the network "
            f"once, or put {name}.safetensors into a folder that paperkit.local.toml names under `weights`, "
            'and set transfer.source = "file".'
        ) from None


def weights_file(transfer: Transfer, folders: tuple[Path, ...]) -> Path:
    """The file in `folders` whose SHA-256 is the spec's; InputError says what was looked at."""
    files = [file for folder in folders for file in sorted(folder.glob("*")) if file.suffix in SUFFIXES]
    for file in sorted(files, key=lambda file: file.stem != transfer.architecture):
        status = file.stat()
        if _sha256(file, status.st_size, status.st_mtime_ns) == transfer.weights_sha256:
            return file
    looked = ", ".join(str(folder) for folder in folders) or "no folder at all"
    raise InputError(
        f"No weights file of {transfer.architecture or 'the model'} with SHA-256 "
        f"{transfer.weights_sha256 or '(none given)'} among {len(files)} files (looked in {looked}). "
        "Put the file into a folder that paperkit.local.toml names under `weights`, or set PAPERKIT_DATA to "
        "the folder above weights/."
    )


@lru_cache(maxsize=64)
def _sha256(file: Path, _size: int, _changed_ns: int) -> str:
    """SHA-256 of a file, read once by the runs of a worker for as long as it stays as it is."""
    return sha256_file(file)


def _run_weights(run_id: str, store: Store) -> Path:
    path = store.file(run_id, "weights.safetensors")
    if not path.is_file():
        raise InputError(
            f"{path}: the source run's weights are missing. Unpack them, or delete the source run's "
            "folder and type `paperkit run-all` to train it again."
        )
    return path


def _from_run(model: nn.Module, weights: Weights) -> list[str]:
    """All of a source run's weights but those of its last linear layer, which spoke of another task."""
    own = model.state_dict()
    last = _last_layer(model)
    kept = {name: value for name, value in weights.items() if name.rpartition(".")[0] != last}
    wanted = {name for name in own if name.rpartition(".")[0] != last}
    if kept.keys() != wanted or any(own[name].shape != value.shape for name, value in kept.items()):
        differing = sorted(kept.keys() ^ wanted) or [n for n in sorted(kept) if own[n].shape != kept[n].shape]
        raise InputError(
            f"The source run's weights do not fit the model ({', '.join(differing[:5])} …). Give the source "
            "run the same model arguments, image_size and channels."
        )
    model.load_state_dict(kept, strict=False)
    return sorted(kept)


def _last_layer(model: nn.Module) -> str:
    """Name of the module that holds the last weight matrix of the head."""
    names: dict[int, str] = {id(module): name for name, module in model.named_modules()}
    inner = [module for outer in stages_of(model)[-1][1] for module in outer.modules()]
    matrices = [module for module in inner if getattr(getattr(module, "weight", None), "ndim", 0) > 1]
    return names[id(matrices[-1])]


def _from_published(model: nn.Module, weights: Weights, transfer: Transfer) -> list[str]:
    """Published weights by the model's own `load_backbone`, else wherever name and shape agree."""
    if hasattr(model, "load_backbone"):
        filled = set[str](model.load_backbone(weights))  # type: ignore[operator]
    else:
        own = model.state_dict()
        fitting = {n: v for n, v in weights.items() if n in own and own[n].shape == v.shape}
        model.load_state_dict(fitting, strict=False)
        filled = set(fitting)
    part = _filled_part(model, filled)
    if part < FEWEST:
        raise InputError(
            f"The weights of {transfer.architecture or 'the file'} fill {part:.0%} of the model's "
            "backbone: another architecture? Set transfer.architecture to the one that the model is built on."
        )
    return sorted(filled)


def _filled_part(model: nn.Module, filled: set[str]) -> float:
    head = {id(p) for module in stages_of(model)[-1][1] for p in module.parameters()}
    backbone: dict[str, Tensor] = {n: p for n, p in model.named_parameters() if id(p) not in head}
    return sum(p.numel() for n, p in backbone.items() if n in filled) / max(
        1, sum(p.numel() for p in backbone.values())
    )

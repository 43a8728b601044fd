"""Any model of timm, by its name there, with an input of this run's size and channels."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import timm
from timm.models import group_parameters
from torch import Tensor, nn

from paper_kit.bench.models._weights import fill, fitted
from paper_kit.core.errors import InputError, did_you_mean


def build(
    num_classes: int,
    *,
    image_size: int = 48,
    channels: int = 1,
    architecture: str = "resnet18",
    dropout: float = 0.0,
    drop_path: float = 0.0,
) -> TimmModel:
    """timm's `architecture`; InputError where timm has none of this name or cannot build it at this size."""
    if not timm.is_model(architecture):
        known = timm.list_models()
        raise InputError(
            f"timm_model: timm has no model {architecture!r}.{did_you_mean(architecture, known)}"
        )
    arguments: dict[str, Any] = {"in_chans": channels, "num_classes": num_classes, "drop_rate": dropout}
    if drop_path:
        arguments["drop_path_rate"] = drop_path
    published = timm.get_pretrained_cfg(architecture)
    if published is not None and published.fixed_input_size:
        arguments["img_size"] = image_size
    try:
        return TimmModel(architecture, timm.create_model(architecture, **arguments))
    except (AssertionError, RuntimeError, TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(
            f"timm_model: timm cannot build {architecture!r} for {image_size} x {image_size} pixels in "
            f"{channels} channels with dropout = {dropout} and drop_path = {drop_path} ({error}). "
            "Choose another image_size or architecture."
        ) from error


class TimmModel(nn.Module):
    """A model of timm behind this package's contract."""

    def __init__(self, architecture: str, net: nn.Module) -> None:
        super().__init__()
        self.architecture = architecture
        self.net: Any = net

    def forward(self, images_NCHW: Tensor) -> Tensor:
        logits_NK: Tensor = self.net(images_NCHW)
        return logits_NK

    def features(self, images_NCHW: Tensor) -> Tensor:
        """embeddings_ND: what timm gives its classifier (in training mode after its dropout)."""
        embeddings_ND: Tensor = self.net.forward_head(self.net.forward_features(images_NCHW), pre_logits=True)
        return embeddings_ND.flatten(1)

    def stages(self) -> list[tuple[str, list[nn.Module]]]:
        """(name, modules) in timm's own coarse groups; what timm puts in no group is the head."""
        grouped = self._grouped()
        found = []
        for index, names in enumerate(grouped):
            named = _common_start(names) or ("stem" if index == 0 else f"stage {index}")
            found.append((named, _covering(self.net, set(names))))
        head = found.pop()[1]
        pool = getattr(self.net, "global_pool", None)
        if isinstance(pool, nn.Module) and not list(pool.parameters()):
            head.insert(0, pool)
        return [*found, ("head", head)]

    def no_weight_decay(self) -> set[str]:
        """Names that timm exempts from weight decay."""
        exempt: set[str] = getattr(self.net, "no_weight_decay", set)()
        own = {name for name, _ in self.net.named_parameters()}
        return {f"net.{name}" for name in exempt if name in own}

    def load_backbone(self, weights: Mapping[str, Tensor]) -> set[str]:
        """Names of the entries filled, all but the classifier's, from weights that timm publishes."""
        first = self.net.pretrained_cfg.get("first_conv")
        ready = dict(weights)
        for name in (first,) if isinstance(first, str) else first or ():
            ready = fitted(ready, f"{name}.weight", self.net.get_submodule(name).weight.shape[1])
        adapt = getattr(sys.modules[type(self.net).__module__], "checkpoint_filter_fn", None)
        if adapt is not None:
            ready = adapt(ready, self.net)
        classifier = self.net.pretrained_cfg.get("classifier") or ()
        left = (classifier,) if isinstance(classifier, str) else tuple(classifier)
        return {f"net.{name}" for name in fill(self.net, ready, self.architecture, left)}

    def _grouped(self) -> list[list[str]]:
        matcher = getattr(self.net, "group_matcher", None)
        if matcher is not None:
            return [names for _, names in sorted(group_parameters(self.net, matcher(coarse=True)).items())]
        grouped: dict[str, list[str]] = defaultdict(list)
        for name, _ in self.net.named_parameters():
            grouped[name.partition(".")[0]].append(name)
        return list(grouped.values())


def _common_start(names: list[str]) -> str:
    """The dotted path that all names share, such as 'layer2' or 'blocks.3'."""
    paths = [name.split(".")[:-1] for name in names]
    shared = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return ".".join(shared)


def _covering(root: nn.Module, names: set[str], prefix: str = "") -> list[nn.Module]:
    """The largest modules whose parameters are all in `names`; loose parameters in an nn.ParameterList."""
    held = {name for name, _ in root.named_parameters(prefix)}
    if held and held <= names:
        return [root]
    found: list[nn.Module] = []
    for name, child in root.named_children():
        found.extend(_covering(child, names, f"{prefix}.{name}" if prefix else name))
    loose = [value for name, value in root.named_parameters(prefix, recurse=False) if name in names]
    return [*found, nn.ParameterList(loose)] if loose else found

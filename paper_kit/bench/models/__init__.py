"""The contract of a model: one file here, named as in an experiment file, that offers `build`.

    def build(num_classes: int, *, image_size: int = 48, channels: int = 1, <options>) -> nn.Module

`num_classes`, `image_size` and `channels` come from the run; every other keyword is an option of the model,
typed, with a plain literal as its default. `build` downloads nothing and draws its first weights from torch's
global generator. The module that comes back is a `Model`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn


class LayerGroup(NamedTuple):
    """One row of a model's layer table: its name, what it does, its modules, the stage it belongs to."""

    name: str
    operation: str
    modules: list[nn.Module]
    stage: str


class Model(Protocol):
    """What every model answers; N images, C channels, H W pixels, K classes, D embedding width.

    A model may also offer
    `layer_groups() -> list[LayerGroup]`: the rows of its layer table, which hold each parameter once;
    `load_backbone(weights) -> set[str]`: takes published weights (timm's names), adapted to this model's
    input, and says which of its own entries it filled;
    `no_weight_decay() -> set[str]`: names of parameters, neither norms nor biases, that still must not decay.
    """

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        """logits_NK of images that are normalised already."""

    def features(self, images_NCHW: Tensor) -> Tensor:
        """embeddings_ND: what enters the last linear layer, before dropout."""

    def stages(self) -> list[tuple[str, list[nn.Module]]]:
        """(name, modules) from the input to the head, which is last; they hold each parameter once.

        Progressive unfreezing opens them from the end, layer-wise decay shrinks the rate toward the start.
        Parameters that belong to no inner module come wrapped in an `nn.ParameterList`.
        """

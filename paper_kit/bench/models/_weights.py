"""Published weights, fitted to a model that reads other channels than they were trained with."""

from __future__ import annotations

from collections.abc import Mapping

from timm.models import adapt_input_conv
from torch import Tensor, nn

from paper_kit.core.errors import InputError


def fitted(weights: Mapping[str, Tensor], first_conv: str, channels: int) -> dict[str, Tensor]:
    """The weights in float32, the first convolution's summed over RGB for grey images (timm's rule)."""
    ready = {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
    if first_conv in ready and ready[first_conv].shape[1] != channels:
        ready[first_conv] = adapt_input_conv(channels, ready[first_conv])
    return ready


def fill(
    module: nn.Module, weights: Mapping[str, Tensor], architecture: str, left: tuple[str, ...] = ()
) -> set[str]:
    """Names of the entries of `module` that `weights` filled, all but those of the layers `left`.

    InputError where an entry is missing or has another shape.
    """
    own = {name: value for name, value in module.state_dict().items() if name.rpartition(".")[0] not in left}
    missing = sorted(set(own) - set(weights))
    misshapen = sorted(name for name in own if name in weights and own[name].shape != weights[name].shape)
    if missing or misshapen:
        raise InputError(
            f"These weights do not belong to {architecture!r}: of its {len(own)} entries {len(missing)} "
            f"are missing and {len(misshapen)} have another shape, such as {(missing + misshapen)[0]!r}. "
            "Name the architecture that the file was saved from."
        )
    module.load_state_dict({name: weights[name] for name in own}, strict=not left)
    return set(own)

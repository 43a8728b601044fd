"""Hugging Face: its Trainer and TrainingArguments, a torch Dataset with a transform, EMA by a callback.

Sources: huggingface.co/docs/transformers, "Trainer" (a model that answers with its loss when it gets labels,
torch Datasets, data_collator, callbacks), "Image classification" (transforms set on the dataset,
remove_unused_columns=False, no loader workers), TrainingArguments for the tuned flags; docs.pytorch.org,
"How to use CutMix and MixUp" (mixing in the collate function), AveragedModel for the EMA.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import default_collate
from torchvision import transforms as V1
from torchvision.transforms import v2
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.utils import logging

from benchmarks.versus.augmentation import erasing, erasing_of_batches, quick, stock
from benchmarks.versus.averaging import warmed_average
from benchmarks.versus.job import Clock, Faces, Flags, Job, candidates, normalised

LIBRARIES = ("transformers", "accelerate", "torch", "torchvision", "timm")


def documented(threads: int) -> Flags:
    """The image-classification guide: the loader has no workers."""
    return Flags(threads=threads)


def best(threads: int, device: str) -> list[Flags]:
    """The workers that may be fastest."""
    return candidates(threads, device)


class Classifier(nn.Module):
    """The product's model as the Trainer wants one: with labels it answers with its loss."""

    def __init__(self, job: Job, flags: Flags) -> None:
        super().__init__()
        self.net = job.model()
        self.loss = nn.CrossEntropyLoss()
        self.tuned = flags.tuned

    def forward(self, pixel_values: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Loss and logits."""
        if self.tuned:
            pixel_values = pixel_values.contiguous(memory_format=torch.channels_last)
        logits = self.net(pixel_values)
        return {"loss": self.loss(logits, labels), "logits": logits}


class Mixing:
    """The collate function: a batch, mixed; where images came as bytes, normalised and erased before."""

    def __init__(self, job: Job, flags: Flags) -> None:
        self.mixup, self.tuned, self.normalisation = job.mixup(), flags.tuned, job.normalisation()
        self.erase = erasing_of_batches(job.spec.augment, torch.device("cpu"))

    def __call__(self, examples: list[tuple[Tensor, int]]) -> dict[str, Tensor]:
        images, labels = default_collate(examples)
        if self.tuned:
            images = self.erase(normalised(images, self.normalisation))
        images, targets = self.mixup(images, labels)
        return {"pixel_values": images, "labels": targets}


class Averaging(TrainerCallback):
    """torch's exponential moving average of the weights, after each step."""

    def __init__(self, job: Job, classifier: Classifier) -> None:
        average = warmed_average(job.spec.optim.ema_decay)
        self.model = AveragedModel(classifier, multi_avg_fn=average, use_buffers=True)

    def on_step_end(self, *_: Any, model: Any, **__: Any) -> None:
        """Nothing; the average has moved."""
        self.model.update_parameters(model)


class Watch(TrainerCallback):
    """Stops the Trainer when the clock has its time."""

    def __init__(self, clock: Clock, images: int) -> None:
        self.clock, self.images, self.stopped = clock, images, False

    def on_step_end(self, _args: Any, _state: Any, control: Any, **_: Any) -> None:
        """After each step."""
        if not self.stopped and self.clock.step(self.images):
            control.should_training_stop = self.stopped = True


class DecayTrainer(Trainer):
    """The Trainer; norms and biases go without weight decay as in the product, whatever their names."""

    def get_decay_parameter_names(self, model: nn.Module) -> list[str]:
        """Names of the matrices and kernels."""
        return [name for name, parameter in model.named_parameters() if parameter.ndim > 1]


def arguments(job: Job, flags: Flags) -> TrainingArguments:
    """The spec in the words of TrainingArguments; what it does not name stays as it comes."""
    spec, o = job.spec, job.spec.optim
    tuned: dict[str, Any] = {}
    if flags.tuned:
        tuned = {
            "optim": "adamw_torch_fused",
            "dataloader_persistent_workers": flags.workers > 0,
            "dataloader_pin_memory": job.device.type == "cuda",
        }
    return TrainingArguments(
        output_dir=str(job.scratch),
        per_device_train_batch_size=spec.batch_size,
        num_train_epochs=spec.epochs,
        learning_rate=o.lr,
        weight_decay=o.weight_decay,
        adam_beta1=o.momentum,
        adam_beta2=o.beta2,
        max_grad_norm=o.clip_norm,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": spec.schedule.floor},
        warmup_steps=round(spec.schedule.warmup_epochs * job.updates),
        dataloader_num_workers=flags.workers,
        dataloader_drop_last=True,
        remove_unused_columns=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=spec.seed,
        use_cpu=job.device.type == "cpu",
        **tuned,
    )


def faces_of(job: Job, flags: Flags) -> Faces:
    """The dataset with its transform; tuned, images stay bytes until they are a batch."""
    augment, norm = job.spec.augment, job.normalisation()
    if flags.tuned:
        steps = [*(quick(augment) if flags.quick else stock(augment, V1)), V1.PILToTensor()]
        return Faces(job, V1.Compose(steps))
    floats = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    tail = [*floats, v2.Normalize([norm.mean], [norm.std]), *erasing(augment)]
    return Faces(job, v2.Compose([*stock(augment), *tail]))


def train(job: Job, flags: Flags, clock: Clock) -> NDArray[np.float32] | None:
    """logits_NK of the test images by the averaged model; None where the clock came first."""
    logging.set_verbosity_error()
    torch.set_num_threads(flags.threads)
    torch.backends.cudnn.benchmark = flags.tuned
    classifier = Classifier(job, flags)
    averaging, watch = Averaging(job, classifier), Watch(clock, job.spec.batch_size)
    trainer = DecayTrainer(
        model=classifier,
        args=arguments(job, flags),
        train_dataset=faces_of(job, flags),
        data_collator=Mixing(job, flags),
        callbacks=[averaging, watch],
    )
    trainer.train()
    return None if watch.stopped else job.test_logits(averaging.model.module.net)

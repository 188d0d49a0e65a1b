"""Checkpoint files of every kind, small, with random weights."""

from collections import OrderedDict

import pytest
import torch

from acn_eval.checkpoints import Card, Native, load, write_native
from acn_eval.errors import CheckpointError
from acn_eval.models import BertConfig, ViTConfig
from tests.models.networks import network

ARCH = ViTConfig(
    connectivity="acn", depth=2, width=8, heads=2, hidden=12, patch=4, image_size=8, classes=4
)
CLASSES = ("ant", "bee", "cat", "dog")
TEXT_ARCH = BertConfig(
    connectivity="acn",
    depth=2,
    width=8,
    heads=2,
    hidden=12,
    vocabulary=9,
    positions=10,
    final_norm=True,
)
WORDS = {
    "vocabulary": ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "##ly", "film"),
    "lowercase": True,
    "longest": 8,
    "sentences": 1,
}
SEEN = torch.tensor([3, 1, 2**62], dtype=torch.int64)
TRAINING = {
    "recipe": {
        "steps": 7,
        "arch": {"kind": "vit"},
        "pair": None,
        "classes": ["a"],
        "data": "digits",
        "batch": 64,
        "warmup": 0,
        "augment": {"crop_padding": 1, "flip": False},
        "paired_seeds": None,
    },
    "seed": 3,
    "data_order": "v1",
    "steps": 7,
    "examples": 70,
    "seconds": 1.5,
    "selected": "last",
    "validation_accuracy": 0.5,
    "validation_n": 10,
}


def card(**changes):
    fields = {
        "arch": ARCH,
        "data": "digits",
        "classes": CLASSES,
        "mean": (0.3,),
        "std": (0.2,),
        "pair": "twin.pt",
    }
    return Card(**{**fields, **changes})


def text_card(**changes):
    arch = BertConfig(**{**TEXT_ARCH.model_dump(), **changes.pop("arch", {})})
    fields = {"arch": arch, "data": "reviews", "classes": ("-", "+"), "words": WORDS}
    return Card(**{**fields, **changes})


def written_text(path, **changes):
    """Write a good native file of a network that reads sentences."""
    described = text_card(**changes)
    state = network(described.arch.model_dump()).state_dict()
    write_native(path, Native(described, state, SEEN))
    return path


def weights(dtype=torch.float32, seed=0):
    state = network(ARCH.model_dump(), seed).state_dict()
    return {key: value.to(dtype) for key, value in state.items()}


def written(path, **changes):
    """Write a good native file, or one with other weights."""
    state = changes.pop("state", None) or weights()
    write_native(path, Native(card(**changes), state, SEEN))
    return path


def raw_pt(path, **changes):
    content = {
        "acn_eval_card": card().model_dump_json(),
        "acn_eval_trained_on": SEEN,
        "state": weights(),
    }
    content = {k: v for k, v in {**content, **changes}.items() if v is not None}
    torch.save(content, path)
    return path


OFFICIAL_SMALL = {
    "depth": 3,
    "width": 10,
    "patch": 4,
    "channels": 3,
    "tokens": 5,
    "token_hidden": 6,
    "channel_hidden": 14,
    "classes": 10,
}
OFFICIAL_PAPER = {
    "depth": 16,
    "width": 128,
    "patch": 4,
    "channels": 3,
    "tokens": 65,
    "token_hidden": 64,
    "channel_hidden": 512,
    "classes": 10,
}


def official_state(s=OFFICIAL_SMALL, seed=0):
    """Keys and shapes as the authors' code saves them."""
    d, t = s["width"], s["tokens"]
    shapes = {
        "cls_token": (1, 1, d),
        "patch_emb.0.weight": (d, s["channels"], s["patch"], s["patch"]),
        "patch_emb.0.bias": (d,),
        "ln.weight": (d,),
        "ln.bias": (d,),
        "clf.weight": (s["classes"], d),
        "clf.bias": (s["classes"],),
    }
    for i in range(s["depth"]):
        block = {
            "mlp1.ln.weight": (d,),
            "mlp1.ln.bias": (d,),
            "mlp1.fc1.weight": (s["token_hidden"], t, 1),
            "mlp1.fc1.bias": (s["token_hidden"],),
            "mlp1.fc2.weight": (t, s["token_hidden"], 1),
            "mlp1.fc2.bias": (t,),
            "mlp2.ln.weight": (d,),
            "mlp2.ln.bias": (d,),
            "mlp2.fc1.weight": (s["channel_hidden"], d),
            "mlp2.fc1.bias": (s["channel_hidden"],),
            "mlp2.fc2.weight": (d, s["channel_hidden"]),
            "mlp2.fc2.bias": (d,),
            "linear.weight": (d, d),
            "linear.bias": (d,),
            "ln.weight": (d,),
            "ln.bias": (d,),
        }
        shapes |= {f"mixer_layers.{i}.{key}": shape for key, shape in block.items()}
    return filled(shapes, seed)


def filled(shapes, seed=0, norms=("ln.weight",)):
    generator = torch.Generator().manual_seed(seed)
    return {
        key: torch.randn(shape, generator=generator) * (0.3 if len(shape) == 1 else 0.1)
        + (1.0 if key.endswith(norms) else 0.0)
        for key, shape in shapes.items()
    }


VIT_SMALL = {
    "depth": 3,
    "width": 24,
    "patch": 4,
    "channels": 3,
    "side": 2,
    "hidden": 40,
    "classes": 7,
}
VIT_BASE = {
    "depth": 12,
    "width": 768,
    "patch": 16,
    "channels": 3,
    "side": 14,
    "hidden": 3072,
    "classes": 1000,
}


def vit_state(arch="official/ac-vit", s=VIT_SMALL, seed=0):
    """Keys and shapes as the authors' earlier code saves its ViTs; what is never read is NaN."""
    long, d = arch == "official/ac-vit", s["width"]
    shapes = {
        "E.cls_token": (1, 1, d),
        "E.positions": (s["side"] ** 2 + 1, d),
        "E.projection.0.weight": (d, s["channels"], s["patch"], s["patch"]),
        "E.projection.0.bias": (d,),
        "C.1.weight": (d,),
        "C.1.bias": (d,),
        "C.2.weight": (s["classes"], d),
        "C.2.bias": (s["classes"],),
    }
    for i in range(s["depth"]):
        norm, attention = ("R1.ln", "R1.fn") if long else ("0.fn.0", "0.fn.1")
        linear = {f"{attention}.{k}": (d, d) for k in ("keys", "queries", "values", "projection")}
        first, second = ("R2.fn.l1", "R2.fn.l2") if long else ("1.fn.1.0", "1.fn.1.3")
        linear |= {first: (s["hidden"], d), second: (d, s["hidden"])}
        norms = [norm, "R2.ln", "R1.fn.ln"] if long else [norm, "1.fn.0"]
        for name, shape in {**linear, **dict.fromkeys(norms, (d,))}.items():
            shapes |= {
                f"TE.layers.{i}.{name}.weight": shape,
                f"TE.layers.{i}.{name}.bias": shape[:1],
            }
    ends = ("ln.weight", "fn.0.weight", "C.1.weight")
    state = filled(shapes, seed, ends)
    for i in range(s["depth"] if long else 0):
        d1 = torch.vstack((torch.eye(d), torch.zeros(s["hidden"] - d, d)))
        state[f"TE.layers.{i}.R2.fn.d1.weight"] = d1
        state[f"TE.layers.{i}.R2.fn.d2.weight"] = d1.T  # in one storage with d1
        unused = {"linear.weight": (d, d), "linear.bias": (d,), "ln.weight": (d,), "ln.bias": (d,)}
        for name, shape in unused.items():
            state[f"TE.layers.{i}.{name}"] = torch.full(shape, torch.nan)
    unread = {
        f"TE.encoder_norm.{name}": torch.full((768,), torch.nan) for name in ("weight", "bias")
    }
    return state | (unread if long else {})


def released_state(arch):
    """What a file of this architecture holds."""
    return vit_state(arch) if "vit" in arch else official_state()


class WarmupCosine(torch.optim.lr_scheduler.LambdaLR):
    """The schedule of the authors' ViTs: its function is one of its methods."""

    def __init__(self, optimizer):
        self.warmup_steps, self.t_total, self.cycles = 300_000, 80_000, 0.5
        super().__init__(optimizer, self.lr_lambda)

    def lr_lambda(self, step):
        return step / self.warmup_steps


class GradualWarmup(torch.optim.lr_scheduler.LRScheduler):
    """Warm-up as in the authors' training: it holds its successor as an object."""

    def __init__(self, optimizer, total_epoch, after_scheduler):
        self.multiplier, self.total_epoch = 1.0, total_epoch
        self.after_scheduler, self.finished = after_scheduler, False
        super().__init__(optimizer)

    def get_lr(self):
        if self.last_epoch > self.total_epoch:
            self.finished = True
            return self.after_scheduler.get_last_lr()
        return [lr * self.last_epoch / self.total_epoch for lr in self.base_lrs]

    def step(self):
        if self.finished:
            self.after_scheduler.step()
            self._last_lr = self.after_scheduler.get_last_lr()
        else:
            super().step()


def trained(state):
    """What the authors' training saves: `state`, beside live objects that hold it too."""
    parameters = {key: torch.nn.Parameter(value.clone()) for key, value in state.items()}
    optimizer = torch.optim.AdamW(parameters.values(), lr=1e-3)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10, eta_min=1e-6)
    vit = "E.cls_token" in state
    scheduler = WarmupCosine(optimizer) if vit else GradualWarmup(optimizer, 2, cosine)
    for _ in range(5):
        for parameter in parameters.values():
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        scheduler.step()
    with torch.no_grad():
        for key, parameter in parameters.items():
            parameter.copy_(state[key])
    return {
        "epoch": 700,
        "state_dict": OrderedDict((key, p.detach()) for key, p in parameters.items()),
        "best_acc1": torch.tensor(88.2),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
    }


def official_file(path, state=None):
    """A ``.pth.tar``, written the way the authors' training writes it."""
    state = official_state() if state is None else state
    tensors = all(isinstance(v, torch.Tensor) for v in state.values())
    whole = trained(state if tensors and state else official_state())
    torch.save(whole if tensors and state else {**whole, "state_dict": state}, path)
    return path


def refusal(uri, arch=None, error=CheckpointError):
    """What `load` says when it refuses: always one line, always exit code 2."""
    with pytest.raises(error) as caught:
        load(str(uri), arch)
    said = str(caught.value)
    assert caught.value.exit_code == 2
    assert "\n" not in said
    assert len(said) < 600 + len(str(uri))
    return said


def pictures(checkpoint, n=3, seed=0):
    g = checkpoint.prepare.spec
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, g.channels, g.size, g.size, generator=generator)

"""``hf:FOLDER``: a BERT as Hugging Face's transformers saves it, and back; without that library.

Names of parameters and the meaning of config.json are those of transformers 5.23,
models/bert/modeling_bert.py, which wires BERT residually with post-norm.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from acn_eval.atomic import replacing
from acn_eval.checkpoints.card import Card
from acn_eval.checkpoints.layouts import Layout
from acn_eval.checkpoints.native import Native, checked_state
from acn_eval.checkpoints.weight_files import read_safetensors
from acn_eval.config_files import cut, read_json, recorded
from acn_eval.data.tokens import Vocabulary, read_vocabulary
from acn_eval.errors import CheckpointError, DataError, Unsupported
from acn_eval.models.bert import BertConfig

__all__ = [
    "WEIGHTS",
    "class_names",
    "json_object",
    "read_hugging_face",
    "weight_file",
    "write_hugging_face",
]

WEIGHTS = "model.safetensors"
_PARTS = ("query", "key", "value")  # of attention; one matrix in our networks
_LAYER = "bert.encoder.layer.#."
_NAMES = {
    "bert.embeddings.word_embeddings.": "embed.words.",
    "bert.embeddings.token_type_embeddings.": "embed.segments.",
    "bert.embeddings.position_embeddings.": "embed.positions.",
    "bert.embeddings.LayerNorm.": "embed.norm.",
    **{f"{_LAYER}attention.self.{part}.": f"blocks.#.attn.{part}." for part in _PARTS},
    f"{_LAYER}attention.output.dense.": "blocks.#.attn.proj.",
    f"{_LAYER}attention.output.LayerNorm.": "blocks.#.norm1.",
    f"{_LAYER}intermediate.dense.": "blocks.#.mlp.fc1.",
    f"{_LAYER}output.dense.": "blocks.#.mlp.fc2.",
    f"{_LAYER}output.LayerNorm.": "blocks.#.norm2.",
}
_HEADS = {
    "classifier": {"bert.pooler.dense.": "head.pooler.", "classifier.": "head.out."},
    "mlm": {
        "cls.predictions.transform.dense.": "head.dense.",
        "cls.predictions.transform.LayerNorm.": "head.norm.",
        "cls.predictions.bias": "head.bias",
    },
}
_TIED = {  # copies that older files hold, and of what
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
_UNUSED = {
    "classifier": ("bert.embeddings.position_ids",),
    "mlm": (
        *("bert.embeddings.position_ids", "bert.pooler.", "cls.seq_relationship."),
        *_TIED,
    ),
}
_SIZES = {  # field of ours: theirs, with its default
    "depth": ("num_hidden_layers", 12),
    "width": ("hidden_size", 768),
    "heads": ("num_attention_heads", 12),
    "hidden": ("intermediate_size", 3072),
    "vocabulary": ("vocab_size", 30_522),
    "positions": ("max_position_embeddings", 512),
    "segments": ("type_vocab_size", 2),
}
_AS_PUBLISHED = {  # what must be so, where a config states it
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "is_decoder": False,
    "add_cross_attention": False,
    "position_embedding_type": "absolute",
}
_PROBLEMS = {True: "regression", False: "single_label_classification"}  # by whether there is one
_TOKENIZERS = (None, "BertTokenizer", "BertTokenizerFast")
_WORDS = {"type": "BertPreTokenizer"}
_POST = {"connectivity": "residual", "norm": "post"}


def read_hugging_face(folder: Path, sentences: int = 1) -> Native:
    """Read a BERT with a classifier or a masked language model from a folder.

    Raises:
        CheckpointError: the folder lacks something, or holds another kind of model.
    """
    settings = _settings(folder)
    state = checked_state(read_safetensors(weight_file(folder))[1], folder)
    state = {_modern(key): value for key, value in state.items()}
    head = _head(folder, state)
    arch = {name: settings.get(*theirs) for name, theirs in _SIZES.items()}
    arch |= {"kind": "bert", "head": head, **_POST}
    classes = class_names(folder, settings) if head == "classifier" else ()
    named = not classes or classes != tuple(f"LABEL_{i}" for i in range(len(classes)))
    if not named:
        classes = tuple(map(str, range(len(classes))))
    arch |= {"classes": len(classes)} if classes else {}
    vocabulary = _vocabulary(folder, settings, arch["vocabulary"])
    words = {
        "vocabulary": vocabulary.pieces,
        "lowercase": vocabulary.lowercase,
        "longest": arch["positions"],
        "sentences": sentences,
    }
    card = {"arch": arch, "data": "", "classes": classes, "named": named, "words": words}
    try:
        described: Card = recorded(card, Card)
    except ValueError as exc:
        raise CheckpointError(f"{folder}: config.json must describe a BERT; {exc}") from exc
    return Native(described, _ours(folder, state, head), torch.empty(0, dtype=torch.int64), False)


def write_hugging_face(native: Native, folder: Path) -> None:
    """Write a network of ours as a folder that transformers loads.

    Raises:
        Unsupported: a network that transformers does not have.
        OSError: the place cannot be written.
    """
    card, arch = native.card, native.card.arch
    if not isinstance(arch, BertConfig) or card.words is None or not _published(arch):
        what = "must be a BERT with residual post-norm blocks and no final norm to be converted"
        raise Unsupported(f"{folder}: {what}; got {arch.kind} {arch.connectivity}")
    folder.mkdir(parents=True, exist_ok=True)
    names = {ours: theirs for theirs, ours in (_NAMES | _HEADS[arch.head]).items()}
    layout, state = Layout(names, {}, ""), _split(native.state)
    theirs = {str(layout.renamed(k)): value.contiguous() for k, value in state.items()}
    words = card.words
    tokenizer = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": words.lowercase,
        "model_max_length": words.longest,
    }
    texts = {
        "config.json": json.dumps(_described(card, arch), indent=1),
        "tokenizer_config.json": json.dumps(tokenizer, indent=1),
        "vocab.txt": "\n".join(words.vocabulary),
    }
    for name, text in texts.items():
        with replacing(folder / name) as part:
            part.write_text(text + "\n", encoding="utf-8")
    with replacing(folder / WEIGHTS) as part:
        part.write_bytes(safetensors.torch.save(theirs, metadata={"format": "pt"}))


def _published(arch: BertConfig) -> bool:
    as_published = BertConfig(**{**arch.model_dump(exclude={"grain", "skips"}), **_POST})
    plain = arch.pool == "cls" and not arch.branches and not arch.final_norm
    return plain and arch == as_published


def _described(card: Card, arch: BertConfig) -> dict[str, Any]:
    heads = {"classifier": "BertForSequenceClassification", "mlm": "BertForMaskedLM"}
    names = card.classes if card.named else [f"LABEL_{i}" for i in range(len(card.classes))]
    labels = {str(i): name for i, name in enumerate(names)}
    named = {"id2label": labels, "label2id": {name: int(i) for i, name in labels.items()}}
    return {
        "model_type": "bert",
        "architectures": [heads[arch.head]],
        **{theirs: getattr(arch, name) for name, (theirs, _) in _SIZES.items()},
        **_AS_PUBLISHED,
        **(named if labels else {}),
        **({"problem_type": _PROBLEMS[True]} if len(labels) == 1 else {}),
    }


def _settings(folder: Path) -> dict[str, Any]:
    settings = json_object(folder / "config.json")
    kind = settings.get("model_type")
    if kind != "bert":
        raise CheckpointError(f"{folder}: must be a BERT, model_type bert; got {cut(kind)}")
    for name, value in _AS_PUBLISHED.items():
        if settings.get(name, value) != value:
            got = cut(settings[name])
            raise CheckpointError(f"{folder}: {name} must be {value}, as published; got {got}")
    return settings


def json_object(file: Path) -> dict[str, Any]:
    """Return the content of a file of JSON that must be a mapping.

    Raises:
        CheckpointError: no such file, or something else.
    """
    try:
        content = read_json(file)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise CheckpointError(f"{file}: must be a file of JSON; {reason}") from exc
    if not isinstance(content, dict):
        raise CheckpointError(f"{file}: must hold names and values; got {cut(content)}")
    return content


def weight_file(folder: Path) -> Path:
    """Return the weights of a folder, in one file of safetensors.

    Raises:
        CheckpointError: there are none, or in another form.
    """
    if (folder / WEIGHTS).exists():
        return folder / WEIGHTS
    found = {path.name for path in folder.iterdir()}
    what = "there are no weights"
    if f"{WEIGHTS}.index.json" in found:
        what = "they are in shards. Save the model in one, max_shard_size='10GB'"
    elif "pytorch_model.bin" in found:
        what = "pytorch_model.bin is a pickle, which is not read. Save the model again"
    raise CheckpointError(f"{folder}: must hold its weights in {WEIGHTS}; {what}.")


def _modern(key: str) -> str:
    """Return the name that a parameter of a norm has had since 2019."""
    return key.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )


def _head(folder: Path, state: Mapping[str, Tensor]) -> str:
    for head, key in (("classifier", "classifier.weight"), ("mlm", "cls.predictions.bias")):
        if key in state:
            return head
    what = "must have a head, that of BertForSequenceClassification or BertForMaskedLM"
    raise CheckpointError(f"{folder}: {what}; it has none. Fine-tune it first, and save that.")


def class_names(folder: Path, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the logits in config.json.

    Raises:
        CheckpointError: they are not numbered from 0, or the problem is no classification.
    """
    labels = settings.get("id2label", {"0": "LABEL_0", "1": "LABEL_1"})
    by_number = isinstance(labels, dict) and [labels.get(str(i)) for i in range(len(labels))]
    problem = settings.get("problem_type")
    fits = by_number and problem in (None, _PROBLEMS[len(by_number) == 1])
    if not by_number or not fits or not all(map(_is_text, by_number)):
        what = "must classify examples, or answer with one number, by the names in id2label"
        raise CheckpointError(f"{folder}: {what}; got {cut(problem or labels)}")
    return tuple(map(str, by_number))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _vocabulary(folder: Path, settings: Mapping[str, Any], pieces: object) -> Vocabulary:
    """Return the vocabulary of its tokenizer, which must be BERT's."""
    try:
        fast = (folder / "tokenizer.json").exists()
        found = _fast(folder) if fast else _plain(folder, settings)
    except DataError as exc:
        raise CheckpointError(f"{folder}: its tokenizer must be BERT's; {exc}") from exc
    if len(found) != pieces:
        what = f"its vocabulary must have the {cut(pieces)} pieces of the network"
        raise CheckpointError(f"{folder}: {what}; got {len(found)}")
    return found


def _plain(folder: Path, config: Mapping[str, Any]) -> Vocabulary:
    said = folder / "tokenizer_config.json"
    settings = json_object(said) if said.exists() else {}
    for kind in (config.get("tokenizer_class"), settings.get("tokenizer_class")):
        if kind not in _TOKENIZERS:
            raise DataError(f"tokenizer_class must be BertTokenizer; got {cut(kind)}")
    lowercase = settings.get("do_lower_case", True)
    normalizer = {
        "lowercase": lowercase,
        "strip_accents": settings.get("strip_accents"),
        "handle_chinese_chars": settings.get("tokenize_chinese_chars", True),
    }
    return read_vocabulary(folder / "vocab.txt", lowercase=_normalized(normalizer))


def _fast(folder: Path) -> Vocabulary:
    content = json_object(folder / "tokenizer.json")
    model, normalizer = content.get("model"), content.get("normalizer")
    if not isinstance(model, dict) or not isinstance(normalizer, dict):
        raise DataError("tokenizer.json must state a model and a normalizer")
    kinds = (model.get("type"), normalizer.get("type"), model.get("continuing_subword_prefix"))
    if kinds != ("WordPiece", "BertNormalizer", "##") or model.get("unk_token") != "[UNK]":
        raise DataError(f"it must be WordPiece with ## and [UNK]; got {cut(kinds)}")
    words = content.get("pre_tokenizer", _WORDS), model.get("max_input_chars_per_word", 100)
    if words != (_WORDS, 100):
        raise DataError(f"its words must be BERT's, of at most 100 characters; got {cut(words)}")
    numbers = model.get("vocab")
    if not isinstance(numbers, dict) or sorted(map(_number, numbers.values())) != list(
        range(len(numbers))
    ):
        raise DataError("its vocabulary must number its pieces from 0")
    return Vocabulary(tuple(sorted(numbers, key=numbers.__getitem__)), _normalized(normalizer))


def _number(value: object) -> int:
    return value if type(value) is int else -1


def _normalized(normalizer: Mapping[str, Any]) -> bool:
    """Return whether letters lose their case; accents must go with it, and no word be kept."""
    lowercase, accents = normalizer.get("lowercase"), normalizer.get("strip_accents")
    kept = any(normalizer.get(n, True) is not True for n in ("handle_chinese_chars", "clean_text"))
    if not isinstance(lowercase, bool) or accents not in (None, lowercase) or kept:
        raise DataError(f"it must lose accents with case alone; got {cut(normalizer)}")
    return lowercase


def _ours(folder: Path, state: dict[str, Tensor], head: str) -> dict[str, Tensor]:
    layout = Layout(_NAMES | _HEADS[head], {}, "", unused=_UNUSED[head])
    unknown = [key for key in state if layout.renamed(key) is None]
    if unknown:
        raise CheckpointError(f"{folder}: must hold a BERT alone; got {cut(unknown[0])}")
    for copy, key in _TIED.items():
        if copy in state and not _same(state[copy], state.get(key)):
            raise CheckpointError(f"{folder}: its decoder must be the table of words; it differs")
    return _joined({name: v for key, v in state.items() if (name := layout.renamed(key))})


def _same(one: Tensor, other: Tensor | None) -> bool:
    return other is not None and one.shape == other.shape and bool((one == other).all())


def _joined(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Join queries, keys and values; what lacks one is found where the network is built."""
    joined = {}
    for name, value in state.items():
        block, found, kind = name.partition(".attn.query.")
        parts = [state.get(f"{block}.attn.{part}.{kind}") for part in _PARTS]
        if found and all(part is not None and part.shape == value.shape for part in parts):
            joined[f"{block}.attn.qkv.{kind}"] = torch.cat([p for p in parts if p is not None])
        elif not _is_part(name):
            joined[name] = value
    return joined


def _split(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    split: dict[str, Tensor] = {}
    for name, value in state.items():
        block, found, kind = name.partition(".attn.qkv.")
        split |= (
            {f"{block}.attn.{p}.{kind}": v for p, v in zip(_PARTS, value.chunk(3), strict=True)}
            if found
            else {name: value}
        )
    return split


def _is_part(name: str) -> bool:
    return any(f".attn.{part}." in name for part in _PARTS)

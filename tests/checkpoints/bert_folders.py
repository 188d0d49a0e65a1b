"""Folders of BERTs as transformers saves them, small, with random weights."""

import json

import torch

PIECES = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("a", "b", "##a", "##b", "good", "bad", "##ly", ".", "film"),
)
SMALL = {
    "vocab_size": len(PIECES),
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 40,
    "max_position_embeddings": 20,
}
KINDS = {"classifier": "BertForSequenceClassification", "mlm": "BertForMaskedLM"}


def kind(head):
    """The class of transformers, whose import takes seconds."""
    import transformers

    return getattr(transformers, KINDS[head])


def theirs(head="classifier", attention="sdpa", seed=0, **changed):
    """A model of transformers, every parameter random."""
    sizes = {**SMALL, **({"num_labels": 3} if head == "classifier" else {}), **changed}
    config = kind(head).config_class(**sizes)
    config._attn_implementation = attention
    with torch.random.fork_rng(devices=[]):
        model = kind(head)(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return model


def saved(folder, head="classifier", **changed):
    """A folder as ``save_pretrained`` writes it, beside a vocabulary; returns the model."""
    model = theirs(head, **changed)
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    return model


def batch(n=4, tokens=9, seed=0):
    """Arguments of a model of transformers: several lengths, padding, two segments."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(len(PIECES), (n, tokens), generator=generator)
    lengths = torch.tensor([tokens, 2, tokens // 2, 3] * n)[:n, None]
    return {
        "input_ids": ids,
        "attention_mask": (torch.arange(tokens) < lengths).long(),
        "token_type_ids": (torch.arange(tokens) > lengths // 2).long().expand(n, -1),
    }

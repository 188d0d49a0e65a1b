"""Folders of transformers: the same logits here, back there, and refusals in one line."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from acn_eval.checkpoints import load
from acn_eval.checkpoints.hugging_face import read_hugging_face, write_hugging_face
from acn_eval.checkpoints.native import Native, write_native
from acn_eval.data.sentences import SentenceSpec
from acn_eval.errors import Unsupported
from acn_eval.texts import SentenceBatch
from tests.checkpoints.bert_folders import KINDS, PIECES, kind, saved
from tests.checkpoints.files import SEEN, refusal

TEXTS = (("a good film .",), ("Badly aab",), ("",), ("nothing known here, at all",))


@pytest.fixture(scope="module", params=KINDS)
def folder(request, tmp_path_factory):
    """A folder that is not changed."""
    place = tmp_path_factory.mktemp("saved") / f"my-{request.param}"
    saved(place, request.param)
    return place


@pytest.fixture
def copied(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copied")


def head_of(folder):
    return "mlm" if "mlm" in folder.name else "classifier"


def tokenizer_of(folder):
    from transformers import BertTokenizer

    return BertTokenizer.from_pretrained(folder, local_files_only=True)


def answers_there(folder, head, texts=TEXTS):
    model = kind(head).from_pretrained(folder, local_files_only=True).eval()
    given = tokenizer_of(folder)(
        *map(list, zip(*texts, strict=True)), padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        return model(**given).logits, given["attention_mask"].bool()


def assert_alike(checkpoint, logits, there):
    with torch.no_grad():
        own = checkpoint.model(checkpoint.prepare(SentenceBatch(TEXTS)))
    if own.dim() == 3:
        own, logits = own[there], logits[there]
    torch.testing.assert_close(own, logits, atol=1e-5, rtol=1e-5)


def test_what_save_pretrained_wrote_gives_the_same_logits(folder):
    checkpoint = load(f"hf:{folder}")
    assert_alike(checkpoint, *answers_there(folder, head_of(folder)))
    assert checkpoint.id.name == folder.name
    assert checkpoint.prepare.spec == SentenceSpec(1)
    wanted = PIECES if head_of(folder) == "mlm" else ("0", "1", "2")
    assert (checkpoint.classes, checkpoint.named) == (wanted, head_of(folder) == "mlm")


def test_the_decoder_of_a_saved_masked_language_model_is_not_in_the_file(tmp_path):
    saved(tmp_path, "mlm")
    assert not [key for key in load_file(tmp_path / "model.safetensors") if "decoder" in key]


def test_a_tokenizer_in_one_file_is_the_same(copied):
    tokenizer = tokenizer_of(copied)
    (copied / "vocab.txt").unlink()
    tokenizer.save_pretrained(copied)
    assert (copied / "tokenizer.json").exists()
    assert read_hugging_face(copied).card.words.vocabulary == PIECES


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_our_file_of_it_converts_back(folder, tmp_path, suffix):
    native = read_hugging_face(folder)
    write_native(tmp_path / f"ours{suffix}", Native(native.card, native.state, SEEN))
    ours = load(str(tmp_path / f"ours{suffix}"))
    write_hugging_face(ours.native, tmp_path / "back")
    assert_alike(ours, *answers_there(tmp_path / "back", head_of(folder)))
    back = load_file(tmp_path / "back" / "model.safetensors")
    first = load_file(folder / "model.safetensors")
    assert back.keys() == first.keys()
    assert all(torch.equal(back[key], first[key]) for key in first)
    assert load(f"hf:{tmp_path / 'back'}").native.card == native.card


def test_a_pair_of_sentences_is_read_as_transformers_reads_it(folder):
    texts = (("a good film", "bad"), ("a", "b b b"))
    logits, there = answers_there(folder, head_of(folder), texts)
    checkpoint = load(f"hf:{folder}@pairs")
    with torch.no_grad():
        own = checkpoint.model(checkpoint.prepare(SentenceBatch(texts)))
    own, logits = (own[there], logits[there]) if own.dim() == 3 else (own, logits)
    torch.testing.assert_close(own, logits, atol=1e-5, rtol=1e-5)


def test_old_names_of_norms_and_copies_of_the_decoder_are_known(copied):
    file = copied / "model.safetensors"
    state, wanted = load_file(file), read_hugging_face(copied).state
    for key in list(state):
        old = key.replace("LayerNorm.weight", "LayerNorm.gamma")
        state[old.replace("LayerNorm.bias", "LayerNorm.beta")] = state.pop(key)
    if "cls.predictions.bias" in state:
        words = "bert.embeddings.word_embeddings.weight"
        state["cls.predictions.decoder.weight"] = state[words].clone()
        state["bert.pooler.dense.bias"] = torch.zeros(24)
        state["cls.seq_relationship.bias"] = torch.zeros(2)
    else:
        state["bert.embeddings.position_ids"] = torch.arange(20)[None]
    save_file(state, file)
    again = read_hugging_face(copied).state
    assert again.keys() == wanted.keys()
    assert all(torch.equal(again[key], wanted[key]) for key in wanted)


def test_names_of_classes_are_kept(tmp_path):
    labels = {0: "negative", 1: "neutral", 2: "positive"}
    saved(tmp_path, id2label=labels, label2id={v: k for k, v in labels.items()})
    checkpoint = load(f"hf:{tmp_path}")
    assert (checkpoint.classes, checkpoint.named) == (tuple(labels.values()), True)


def test_numbers_in_another_order_are_names(tmp_path):
    swapped = {0: "LABEL_2", 1: "LABEL_1", 2: "LABEL_0"}
    saved(tmp_path, id2label=swapped, label2id={name: i for i, name in swapped.items()})
    checkpoint = load(f"hf:{tmp_path}")
    assert (checkpoint.classes, checkpoint.named) == (tuple(swapped.values()), True)


def edited(folder, file="config.json", **changes):
    content = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps({**content, **changes}))


def weights(folder, change):
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors")


def without_head(state):
    for key in [k for k in state if not k.startswith("bert.")]:
        del state[key]


def renamed(folder, name, content=""):
    (folder / "model.safetensors").unlink()
    (folder / name).write_text(content)


def fast(folder, *, words=None, normalizer=None, **model):
    numbers = {piece: i for i, piece in enumerate(PIECES)}
    kind = {"type": "WordPiece", "continuing_subword_prefix": "##", "unk_token": "[UNK]"}
    content = {
        "model": {**kind, "vocab": numbers, **model},
        "normalizer": {"type": "BertNormalizer", "lowercase": True, **(normalizer or {})},
        "pre_tokenizer": words or {"type": "BertPreTokenizer"},
    }
    (folder / "tokenizer.json").write_text(json.dumps(content))


WRONG = {
    "another model": (lambda f: edited(f, model_type="roberta"), "model_type bert; got 'roberta'"),
    "no head": (lambda f: weights(f, without_head), "must have a head"),
    "activation": (lambda f: edited(f, hidden_act="relu"), "hidden_act must be gelu"),
    "a decoder": (lambda f: edited(f, is_decoder=True), "is_decoder must be False"),
    "shards": (lambda f: renamed(f, "model.safetensors.index.json"), "they are in shards"),
    "a pickle": (lambda f: renamed(f, "pytorch_model.bin"), "pytorch_model.bin is a pickle"),
    "no weights": (lambda f: renamed(f, "other"), "there are no weights"),
    "no config": (lambda f: (f / "config.json").unlink(), "must be a file of JSON; No such file"),
    "no JSON": (lambda f: (f / "config.json").write_text("{"), "must be a file of JSON"),
    "a list": (lambda f: (f / "config.json").write_text("[]"), "must hold names and values"),
    "vocabulary": (
        lambda f: (f / "vocab.txt").write_text("\n".join(PIECES[:-1])),
        "must have the 14 pieces of the network; got 13",
    ),
    "no vocabulary": (lambda f: (f / "vocab.txt").unlink(), "its tokenizer must be BERT's"),
    "no [SEP]": (
        lambda f: (f / "vocab.txt").write_text("\n".join((*PIECES[:3], "c", *PIECES[4:]))),
        "got no [SEP]",
    ),
    "accents": (
        lambda f: edited(f, "tokenizer_config.json", strip_accents=False),
        "must lose accents with case alone",
    ),
    "a tokenizer of another kind": (
        lambda f: (f / "tokenizer.json").write_text('{"model": {}, "normalizer": {}}'),
        "must be WordPiece",
    ),
    "numbers of pieces": (
        lambda f: (f / "tokenizer.json").write_text(
            '{"model": {"type": "WordPiece", "continuing_subword_prefix": "##", "unk_token": '
            '"[UNK]", "vocab": {"a": 7}}, "normalizer": {"type": "BertNormalizer"}}'
        ),
        "must number its pieces from 0",
    ),
    "words in Japanese": (
        lambda f: edited(f, tokenizer_class="BertJapaneseTokenizer"),
        "tokenizer_class must be BertTokenizer; got 'BertJapaneseTokenizer'",
    ),
    "longer words": (lambda f: fast(f, max_input_chars_per_word=200), "words must be BERT's"),
    "words by white space": (
        lambda f: fast(f, words={"type": "Whitespace"}),
        "words must be BERT's",
    ),
    "control characters": (
        lambda f: fast(f, normalizer={"clean_text": False}),
        "must lose accents with case alone",
    ),
    "sizes": (lambda f: edited(f, num_attention_heads=5), "heads must divide width"),
    "no number": (lambda f: edited(f, hidden_size="wide"), "width: Input should be"),
    "a shape": (lambda f: edited(f, intermediate_size=41), "weights must fit the architecture"),
    "many blocks": (lambda f: edited(f, num_hidden_layers=900), "900 blocks are not"),
    "more blocks": (lambda f: edited(f, num_hidden_layers=4), "weights must fit"),
    "positions": (lambda f: edited(f, max_position_embeddings=10**9), "positions: Input should"),
    "another key": (
        lambda f: weights(f, lambda s: s.update({"qa_outputs.bias": torch.zeros(2)})),
        "must hold a BERT alone",
    ),
    "a query alone": (
        lambda f: weights(f, lambda s: s.pop("bert.encoder.layer.1.attention.self.key.weight")),
        "weights must fit",
    ),
}


@pytest.mark.parametrize(("spoil", "said"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_refused_in_one_line(copied, spoil, said):
    spoil(copied)
    assert said in refusal(f"hf:{copied}")


def test_another_decoder_than_the_table_of_words_is_refused(tmp_path):
    saved(tmp_path, "mlm")
    other = torch.zeros(len(PIECES), 24)
    weights(tmp_path, lambda s: s.update({"cls.predictions.decoder.weight": other}))
    assert "its decoder must be the table of words" in refusal(f"hf:{tmp_path}")


@pytest.mark.parametrize(
    "changes",
    [
        {"problem_type": "regression"},
        {"problem_type": "single_label_classification", "id2label": {"0": "LABEL_0"}},
        {"problem_type": "multi_label_classification"},
        {"id2label": {}},
        {"id2label": {"0": "a", "2": "b"}},
        {"id2label": ["a", "b", "c"]},
        {"id2label": {"0": 1, "1": 2}},
    ],
)
def test_other_than_classes_or_one_number_is_refused(tmp_path, changes):
    saved(tmp_path)
    edited(tmp_path, **changes)
    assert "must classify examples, or answer with one number" in refusal(f"hf:{tmp_path}")


@pytest.mark.parametrize("kind", [None, "regression"])
def test_one_output_is_a_number(tmp_path, kind):
    saved(tmp_path / "saved", num_labels=1, problem_type=kind)
    checkpoint = load(f"hf:{tmp_path / 'saved'}")
    logits, there = answers_there(tmp_path / "saved", "classifier")
    assert logits.shape[1] == 1
    assert_alike(checkpoint, logits, there)
    assert (checkpoint.classes, checkpoint.named) == (("0",), False)
    write_hugging_face(read_hugging_face(tmp_path / "saved"), tmp_path / "back")
    settings = json.loads((tmp_path / "back" / "config.json").read_text())
    assert settings["problem_type"] == "regression"
    assert_alike(checkpoint, *answers_there(tmp_path / "back", "classifier"))


def test_fewer_labels_than_outputs_are_refused(tmp_path):
    saved(tmp_path)
    edited(tmp_path, id2label={"0": "LABEL_0"})
    assert "head.out.weight" in refusal(f"hf:{tmp_path}")


def test_arch_is_not_asked_for(tmp_path):
    assert "`arch` must not be given" in refusal(f"hf:{tmp_path}", "official/vit")


def test_what_transformers_does_not_have_is_not_converted(tmp_path):
    saved(tmp_path / "there")
    native = read_hugging_face(tmp_path / "there")
    arch = native.card.arch.model_copy(update={"skips": "none"})
    other = Native(native.card.model_copy(update={"arch": arch}), native.state, SEEN)
    with pytest.raises(Unsupported, match="must be a BERT with residual post-norm blocks"):
        write_hugging_face(other, tmp_path / "here")

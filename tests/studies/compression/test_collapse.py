"""What is said of spread: in words, beside a verdict, in a fair pair, and of seeds."""

import io
import re
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from acn_eval.cache import OutcomeCache
from acn_eval.corruptions import Gaussian
from acn_eval.evaluation import evaluate
from acn_eval.inference import Runtime
from acn_eval.results import EvalResult
from acn_eval.statistics.comparison import load_comparison, save_comparison
from acn_eval.studies.compare import compare
from acn_eval.studies.compression.collapse import artefact, in_words, told_apart
from acn_eval.studies.compression.depth import cut_of
from acn_eval.studies.compression.suite import Compression
from acn_eval.studies.compression.tables import show
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.terminal.console import console
from acn_eval.tracking.tables import comparison_table
from tests.studies.compression.plans import DEPTH, measured, seeds
from tests.tiny import CPU

UNKNOWN = "its card does not say how this network began"
APART = (0.9,) * (DEPTH + 1)
ALIKE = (0.9, 0.5, 0.002, 0.0009, 0.0)
NEVER = (None,) * (DEPTH + 1)
EARLIER = (0.9, 0.1, 0.0005, 0.0, 0.0)


def rows(tokens, images):
    pairs = zip(tokens, images, strict=True)
    return [{"tokens": t, "images": i, "rank": 2.0, "norm": 0.1, "cosine": 0.5} for t, i in pairs]


def spread(tokens=APART, images=APART, before=APART, before_images=APART):
    initial = before and rows(before, before_images)
    reason = "" if before else UNKNOWN
    return {"images": 40, "reason": reason, "trained": rows(tokens, images), "initial": initial}


def having(result, **about):
    more = {"validation": {"n": 9, "accuracy": [], "cut": 2}, "spread": spread(**about)}
    return replace(result, details={**result.details, **more})


def network(name, cut=2, **about):
    correct = np.ones((DEPTH + 1, 400))
    correct[:cut, :200] = 0
    own = measured(name, correct, sha256=name)
    own.checkpoint.arch.update(connectivity=name)
    return having(own, **about)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({}, "outputs vary over tokens and over images after every block, also at initialization"),
        (
            {"images": (0.9, 0.05, 0.2, 0.3, 0.4)},
            " The smallest share of variance is 0.9 over tokens and 0.05 over images.",
        ),
        ({"tokens": ALIKE, "before": EARLIER}, "could not tell tokens apart"),
        ({"images": ALIKE}, "Training left blocks 3 to 4 unused."),
        ({"before": None}, f"How it was at initialization is not known, because {UNKNOWN}."),
    ],
)
def test_a_network_in_words(about, said):
    text = in_words("acn", [network("acn", **about)])
    assert text.startswith("acn: outputs ")
    assert said in text
    assert ("not known" in text) == ("before" in about and about["before"] is None)


def test_what_is_not_finite_is_not_known():
    lost = network("acn", tokens=NEVER, images=NEVER)
    assert in_words("acn", [lost]) == "acn: whether outputs vary is not known."
    assert artefact([lost], [0]) == ""


def test_blocks_that_could_not_tell_tokens_apart_are_no_proof():
    """Blocks 3 and 4 are constant, from the start; beyond the cut they prove nothing."""
    plain, residual = network("acn", 2, tokens=ALIKE, before=EARLIER), network("res", 4)
    found = compare([plain], [residual])
    said = (
        "Blocks 3 to 4 of acn could not tell tokens apart from the start "
        "(rank collapse): that they are not needed is no proof of compression."
    )
    assert found.findings[0].caveat == said
    assert found.claim.certainty.endswith(f". {said}")
    assert found.claim.verdict == "depends"
    assert "needs less of its depth than res, which an artefact explains" in found.claim.sentence
    assert found.answer == f"{found.claim.sentence} {said}"
    assert compare([residual], [residual]).answer.endswith(".")
    other = compare([residual], [plain])
    assert other.claim.verdict == "depends"
    assert other.claim.certainty.endswith(f". {said}")
    assert (artefact([plain], [3]), artefact([plain], [4])) == (
        said.replace("Blocks 3 to 4", "Block 4"),
        "",
    )


def test_the_verdict_never_stands_without_it(call):
    """Neither where it is one line, nor in MLflow."""
    stored = Path(__file__).parents[2] / "golden_output/stored/compression"
    ours, theirs = (next(stored.glob(f"*-{name}-*")) for name in ("ac_vit", "res_vit"))
    code, out, err = call("compare", ours, theirs, "--quiet")
    assert (code, err) == (0, "")
    assert out.endswith("is no proof of compression.\n")
    assert len(out.splitlines()) == 1
    found = compare(*([EvalResult.load(path)] for path in (ours, theirs)))
    assert "is no proof of compression" in comparison_table(found)


def test_of_blocks_in_a_row_the_first_and_the_last_are_named():
    said = artefact([network("acn", tokens=EARLIER, before=EARLIER)], [1])
    assert said.startswith("Blocks 2 to 4 of acn could not ")


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"tokens": ALIKE},  # not from the start
        {"before": EARLIER},  # training made them differ
        {"images": ALIKE, "before_images": EARLIER},
    ],
)
def test_other_blocks_that_are_not_needed_are_left_unused(about):
    assert artefact([network("acn", **about)], [0]) == ""
    found = compare([network("acn", **about)], [network("res", 4)])
    assert found.findings[0].caveat == ""
    assert found.claim.certainty.endswith(".")


def test_where_the_start_is_not_known_it_is_not_claimed():
    said = artefact([network("acn", tokens=ALIKE, before=None)], [2])
    assert said.startswith("Blocks 3 to 4 of acn cannot tell tokens apart (")


def test_the_fair_pair_says_where_one_side_does_not_tell_tokens_apart():
    plain, residual = network("acn", tokens=ALIKE, before=EARLIER), network("res", 4)
    found = compare([plain], [residual])
    row = found.manifest[-1]
    assert vars(row) == {
        "name": "blocks that tell tokens apart",
        "candidate": "2 of 4",
        "baseline": "4 of 4",
        "equal": False,
    }
    what = "the two differ in blocks that tell tokens apart: 2 of 4 against 4 of 4"
    assert what in found.warnings
    assert told_apart([residual], [network("other")])[0].equal is True


def test_where_it_is_not_known_it_is_not_equal():
    old = replace(network("res"), details={**network("res").details, "spread": None})
    one_token = network("res", tokens=(None,) * (DEPTH + 1))
    for other in (old, one_token):
        (row,) = told_apart([network("acn")], [other])
        assert (row.candidate, row.baseline, row.equal) == ("4 of 4", "unknown", None)
        assert told_apart([other], [other]) == ()


def test_seeds_are_counted():
    ours = [
        having(own, tokens=tokens, before=EARLIER)
        for own, tokens in zip(
            seeds("acn", (2, 2, 2, 2)), (ALIKE, EARLIER, ALIKE, APART), strict=True
        )
    ]
    theirs = [having(own, images=ALIKE) for own in seeds("res", (4, 4, 4))]
    found = compare(ours, theirs)
    assert found.findings[0].caveat == (
        "In 3 of 4 seeds of acn_0, blocks beyond the cut could not tell tokens apart from the "
        "start (rank collapse): that they are not needed is no proof of compression."
    )
    row = found.manifest[-1]
    assert row.candidate == "1 of 4 in 1, 2 of 4 in 2, 4 of 4 in 1 of 4 seeds"
    assert (row.baseline, row.equal) == ("4 of 4 in 3 of 3 seeds", False)
    assert in_words("acn (4 seeds)", ours) == (
        "acn (4 seeds): outputs are constant over tokens in 3 (first after block 2 in 1, 3 in 2; "
        "at initialization in 4), over images in none, of 4 seeds. "
        "From the start, some blocks could not tell tokens apart in 3."
    )
    left = [having(own, images=ALIKE) for own in ours]
    assert in_words("acn", left).endswith("Training left some blocks unused in 4.")
    assert in_words("res", theirs).endswith("at initialization in 0), of 3 seeds.")
    lost = [having(own, tokens=NEVER, images=NEVER) for own in ours]
    assert in_words("acn", lost) == "acn: whether outputs vary is not known."
    some = [ours[0], having(seeds("acn", (2, 2))[1], tokens=ALIKE, before=None)]
    assert "How they were at initialization is known of 1." in in_words("acn", some)


def printed(results, comparison=None):
    out = io.StringIO()
    with redirect_stdout(out):  # a pipe: no line is broken
        show(console(), results, comparison)
    return out.getvalue()


def test_words_and_table_are_printed():
    pair = [network("acn", tokens=ALIKE, before=EARLIER), network("res", 4, before=None)]
    text = printed(pair, compare(pair[:1], pair[1:]))
    for name, own in zip(("acn", "res"), pair, strict=True):
        assert in_words(name, [own]) in text
    lines = {line.split("  ")[0]: line.split() for line in text.splitlines()}
    assert lines["acn, exit 2"][3:7] == ["0.002", "<0.001", "0.900", "0.900"]
    assert lines["res, exit 4"][3:] == ["0.900", "-", "0.900", "-", "2.0", "0.10", "0.50"]


def test_of_many_networks_the_sides_are_described():
    sides = [[having(own) for own in seeds(name, (2, 2, 2))] for name in ("acn", "res")]
    text = printed([*sides[0], *sides[1]], compare(*sides))
    assert text.count("outputs are constant") == 2
    assert "acn_0 (3 seeds): outputs are" in text
    assert "share of variance" not in text
    assert printed(sides[0]).count("outputs are constant") == 1


def test_seeds_have_the_name_of_their_side():
    ours = [having(own, tokens=ALIKE, before=EARLIER) for own in seeds("acn", (2, 2, 2))]
    named = [
        replace(own, checkpoint=replace(own.checkpoint, name=f"acn seed {seed}"))
        for seed, own in enumerate(ours)
    ]
    assert artefact(named, [2, 2, 2]).startswith("In 3 of 3 seeds of acn, blocks ")


def test_older_results_and_comparisons_are_read_and_shown(tmp_path):
    """They have no spread, and no caveat."""
    pair = [network("acn", 2), network("res", 4)]
    old = [
        replace(own, details={k: v for k, v in own.details.items() if k != "spread"})
        for own in pair
    ]
    found = compare(old[:1], old[1:])
    assert "tokens" not in "".join(row.name for row in found.manifest)
    assert "tokens" not in printed(old, found)
    folder = save_comparison(found, tmp_path)
    file = folder / "comparison.json"
    file.write_text(file.read_text().replace(',\n   "caveat": ""', ""))
    assert "caveat" not in file.read_text()
    assert load_comparison(folder) == found


SEEDS = ("ac_vit.pt", *(f"seeds/ac_vit_{seed}.pt" for seed in range(1, 5)))
MIXERS = ("ac_mixer.pt", *(f"seeds/ac_mixer_{seed}.pt" for seed in range(1, 5)))
NOISE = Robustness(name="noise", corruptions=(Gaussian(levels=(0.1,)),))
QUICK = Compression(name="compression", noise=NOISE, seconds=1e-6)


@pytest.fixture
def shipped(tmp_path):
    def run(*names):
        return evaluate(names, QUICK, runtime=Runtime(CPU, store=OutcomeCache(tmp_path)))

    return run


def keeps_tokens_apart(result):
    cut = cut_of(result)
    return all(row["tokens"] > 0.05 for row in result.details["spread"]["trained"][: cut.high + 1])


def test_the_shipped_networks_tell_tokens_apart_up_to_their_cut_and_the_plain_one_cannot(shipped):
    skip, mixer, plain = shipped("ac_vit.pt", "ac_mixer.pt", "plain/ac_vit.pt")
    assert keeps_tokens_apart(skip)
    assert keeps_tokens_apart(mixer)
    said = in_words("plain_ac_vit", [plain])
    assert "outputs are constant over tokens from block" in said
    assert re.search(r"From the start, blocks \d to 8 could not tell tokens apart", said)


@pytest.mark.slow
def test_every_shipped_seed_tells_tokens_apart_up_to_its_cut(shipped):
    assert all(map(keeps_tokens_apart, shipped(*SEEDS, *MIXERS)))


def of_text(result):
    facts = {"sentences": 1, "tokens": 64}
    return replace(result, checkpoint=replace(result.checkpoint, preprocessing=facts))


@pytest.mark.parametrize("about", [{}, {"images": ALIKE}])
def test_of_sentences_nothing_speaks_of_images(about):
    texts = [of_text(network("acn", **about)), of_text(network("residual"))]
    said = [in_words("acn", texts[:1]), in_words("acn", texts)]
    assert all("over examples" in text for text in said)
    with redirect_stdout(io.StringIO()) as out:
        show(console(), texts, compare(texts[:1], texts[1:]))
    said.append(out.getvalue())
    assert "or all examples, are the same" in said[-1]
    assert not [text for text in said if "image" in text]

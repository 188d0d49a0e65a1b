"""Both sides of a run: addresses, commas, patterns, shipped names, and the baseline of a card."""

from dataclasses import replace

import pytest

from acn_eval import RunOptions
from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.shipped import shipped
from acn_eval.workflow import resolve
from tests.checkpoints.files import weights, written


def names(*candidates, **options):
    sides = resolve(RunOptions(candidates, **options))
    return tuple([c.id.name for c in side] for side in (sides.candidates, sides.baselines))


def test_the_card_names_the_baseline_where_none_is_given(folder):
    assert names("ac_vit.pt") == (["ac_vit"], ["res_vit"])
    assert names("ac_vit.pt", baselines=()) == (["ac_vit"], [])
    assert names("ac_vit.pt", baselines=("tiny_ac.pt",)) == (["ac_vit"], ["tiny_ac"])


def test_commas_and_patterns_expand_here_first_and_then_among_the_shipped(folder):
    assert names("tiny_ac.pt,tiny_res.pt", baselines=()) == (["tiny_ac", "tiny_res"], [])
    assert names("tiny_*.pt", baselines=()) == (["tiny_ac", "tiny_res"], [])
    seeds = sorted(path.stem for path in shipped("checkpoints").glob("seeds/ac_vit_*.pt"))
    assert len(seeds) > 1
    assert names("seeds/ac_vit_*.pt", baselines=()) == (seeds, [])


def test_patterns_expand_behind_the_name_of_a_network_too(folder):
    (folder / "net.py").write_text(
        "from dataclasses import replace\n"
        "from acn_eval import load\n"
        "def read(file):\n"
        "    made = load(str(file))\n"
        "    return replace(made, id=replace(made.id, name=f'own {file.stem}'))\n"
    )
    assert names("module:net.py:read@tiny_*.pt", baselines=()) == (
        ["own tiny_ac", "own tiny_res"],
        [],
    )
    with pytest.raises(CheckpointError, match=r"gone_\*\.pt"):
        names("timm:test_vit@gone_*.pt", baselines=())


def test_several_networks_are_ranked_among_themselves_and_a_baseline_is_one_once(folder):
    """The cards of several do not name baselines; a pattern may well hold the baseline."""
    assert names("ac_vit.pt", "tiny_ac.pt") == (["ac_vit", "tiny_ac"], [])
    assert names("tiny_*.pt", "ac_vit.pt", baselines=("tiny_res.pt",)) == (
        ["tiny_ac", "ac_vit"],
        ["tiny_res"],
    )
    assert names("tiny_res.pt", baselines=("tiny_res.pt",)) == (["tiny_res"], ["tiny_res"])


@pytest.mark.parametrize(
    ("candidates", "baselines", "several"),
    [
        (("ac_vit.pt",), None, False),
        (("ac_vit.pt,seeds/ac_vit_*.pt",), None, False),
        (("ac_vit.pt",), ("res_vit.pt,seeds/res_vit_*.pt",), False),
        (("ac_vit.pt", "ac_mixer.pt"), (), True),
        (("ac_vit.pt",), ("res_vit.pt", "ac_mixer.pt"), True),
        (("tiny_ac.pt", "tiny_res.pt"), ("tiny_res.pt",), False),
    ],
)
def test_files_of_one_recipe_are_one_network(folder, candidates, baselines, several):
    assert resolve(RunOptions(candidates, baselines)).several is several


def test_files_without_a_recipe_are_seeds_only_where_it_is_said(folder):
    """Nothing says that two files of one architecture were trained alike."""
    for seed in range(2):
        written(folder / f"own_{seed}.pt", training=None, state=weights(seed=seed))
    asked = RunOptions(("own_*.pt",), ())
    assert resolve(asked).several
    assert not resolve(replace(asked, group=True)).several


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"candidates": (" , ",)}, r"`candidates`: must name a checkpoint; got ' , '"),
        ({"candidates": ("nosuch_*.pt",)}, r"nosuch_\*\.pt: must match a checkpoint"),
        ({"candidates": ("ac_vit.pt",), "baselines": ("",)}, r"`baselines`: must name"),
        ({"baselines": ("ac_vit.pt",)}, r"`baselines`: needs `candidates`; both must be left out"),
    ],
)
def test_a_side_without_a_checkpoint_is_refused(folder, options, said):
    with pytest.raises(ConfigError, match=said):
        resolve(RunOptions(**options))


def test_shipped_checkpoints_are_recorded_by_their_shipped_names(folder):
    sides = resolve(RunOptions(("digits04/ac_vit.pt",)))
    assert [c.id.uri for c in (*sides.candidates, *sides.baselines)] == [
        "digits04/ac_vit.pt",
        "digits04/res_vit.pt",
    ]
    seeds = resolve(RunOptions(("seeds/ac_vit_*.pt",), baselines=())).candidates
    assert [c.id.uri for c in seeds] == [f"seeds/{c.id.name}.pt" for c in seeds]

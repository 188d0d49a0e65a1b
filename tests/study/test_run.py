"""What is finished is found again; what would be another number never is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import load
from acn_eval.corruptions import Context
from acn_eval.data import Geometry
from acn_eval.data.images import ArrayImages
from acn_eval.engine.local import Local
from acn_eval.errors import Stopped, StoreError
from acn_eval.inference import ClassMap
from acn_eval.inference.one_pass import _budget
from acn_eval.study.run import Study, run
from tests.inference.asking import SMALL, ask, assert_same, by_id, job, one_pass
from tests.tiny import checkpoint, counting, digits

N = 40
QUESTIONS = 5


def silent(done, total):
    pass


def forwards(work):
    """Run a pass and return how many images went through its networks."""
    watched = [replace(s, checkpoint=counting(s.checkpoint)) for s in work.subjects]
    one_pass(replace(work, subjects=watched), silent)
    return sum(s.checkpoint.model.images for s in watched)


@pytest.fixture
def first(tiny, device, runtime):
    """A pass whose outcomes are in the store."""
    work = job([checkpoint(tiny, device=device)], digits(N), runtime)
    assert forwards(work) == N * QUESTIONS
    assert forwards(work) == 0
    return work


def with_id(work, **changes):
    s = work.subjects[0]
    c = replace(s.checkpoint, id=replace(s.checkpoint.id, **changes))
    return replace(work, subjects=[replace(s, checkpoint=c)])


def with_map(work, **changes):
    classes = ClassMap(**{"columns": tuple(range(10)), "restricted": False, **changes})
    return replace(work, subjects=[replace(work.subjects[0], classes=classes)])


def with_pixels(work):
    """The same ids and labels, but one picture has changed in one pixel."""
    pictures = work.examples.inputs.images.copy()
    pictures[work.examples.positions[3], 0, 0] += 1
    return replace(work, examples=replace(work.examples, inputs=ArrayImages(pictures)))


def with_profile(work, **changes):
    return replace(work, profile=replace(work.profile, **changes))


def with_questions(work, **changes):
    suite = SMALL.model_copy(update=changes)
    return replace(work, questions=list(suite.questions()))


def with_corruption(work, **changes):
    gaussian = SMALL.corruptions[0].model_copy(update=changes)
    return with_questions(work, corruptions=(gaussian,))


OTHERS = {
    "weights": (lambda w: with_id(w, sha256="0" * 64), N * QUESTIONS),
    "architecture": (lambda w: with_id(w, arch={"kind": "other"}), N * QUESTIONS),
    "preprocessing": (lambda w: with_id(w, preprocessing={"size": 9}), N * QUESTIONS),
    "order of classes": (lambda w: with_map(w, columns=(1, 0, *range(2, 10))), N * QUESTIONS),
    "restriction": (lambda w: with_map(w, restricted=True), N * QUESTIONS),
    "precision": (lambda w: with_profile(w, precision="bf16"), N * QUESTIONS),
    "batch size": (lambda w: with_profile(w, batch_size=3), N * QUESTIONS),
    "threads": (lambda w: with_profile(w, threads=99), N * QUESTIONS),
    "hardware": (lambda w: with_profile(w, hardware="another"), N * QUESTIONS),
    "torch": (lambda w: with_profile(w, version="0.0"), N * QUESTIONS),
    "geometry": (lambda w: replace(w, spec=Geometry(16, 1)), N * QUESTIONS),
    "a pixel": (with_pixels, N * QUESTIONS),
    "ids": (
        lambda w: replace(w, examples=replace(w.examples, ids=w.examples.ids + 10_000)),
        N * QUESTIONS,
    ),
    "labels": (  # losses are kept beside predictions
        lambda w: replace(w, examples=replace(w.examples, labels=w.examples.labels[::-1].copy())),
        N * QUESTIONS,
    ),
    # The clean images are the same question, whatever the noise.
    "seed": (lambda w: replace(w, seed=1), N * (QUESTIONS - 1)),
    "channel std": (lambda w: replace(w, context=Context((0.3,))), N * (QUESTIONS - 1)),
    "repeat": (lambda w: with_questions(w, repeats=2), N * (QUESTIONS - 1)),
    "level": (lambda w: with_corruption(w, levels=(0.1, 0.31)), N),
    "clip": (lambda w: with_corruption(w, clip=False), N * 2),
    "space": (lambda w: with_corruption(w, space="normalized"), N * 2),
    "fewer images": (lambda w: replace(w, examples=w.examples.at(np.arange(20))), 20 * QUESTIONS),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_question_is_measured(first, what):
    change, expected = OTHERS[what]
    assert forwards(change(first)) == expected


SAME = {
    "name": lambda w: with_id(w, name="renamed", uri="elsewhere/renamed.pt"),
    "training": lambda w: with_id(w, training={"seconds": 1}),
    "order of questions": lambda w: replace(w, questions=w.questions[::-1]),
    "end point": lambda w: replace(w, questions=[replace(q, primary=True) for q in w.questions]),
}


@pytest.mark.parametrize("what", SAME)
def test_the_same_question_is_not_measured_again(first, what):
    assert forwards(SAME[what](first)) == 0


def test_another_device_is_another_question(first):
    assert len({with_profile(first, device=d).units[0].address for d in ("cpu", "cuda")}) == 2


def test_no_cache_measures_anew_and_replaces(first, runtime):
    anew = replace(first, runtime=replace(runtime, store=replace(runtime.store, readable=False)))
    assert forwards(anew) == N * QUESTIONS
    assert forwards(first) == 0


def test_a_network_in_memory_is_always_measured(first):
    """Its code can change while its weights, its name and so its record stay the same."""
    in_memory = with_id(first, uri="memory:mine")
    assert forwards(in_memory) == N * QUESTIONS
    assert forwards(in_memory) == N * QUESTIONS


def test_smaller_batches_where_memory_runs_out_are_another_question(tiny, device, runtime):
    """What was measured in batches of 8 is never taken for batches of 32, and is found again."""
    small = job([counting(checkpoint(tiny, device=device), largest=8)], digits(N), runtime)
    outcomes = one_pass(small, silent)
    assert small.subjects[0].checkpoint.model.images == N * QUESTIONS
    assert_same(by_id(one_pass(small, silent)), by_id(outcomes))
    assert small.subjects[0].checkpoint.model.images == N * QUESTIONS
    whole = job([checkpoint(tiny, device=device)], digits(N), runtime)
    assert forwards(with_profile(whole, batch_size=8)) == 0
    assert forwards(whole) == N * QUESTIONS


def test_a_killed_pass_goes_on_and_nothing_is_done_twice(tiny, device, runtime, chunks_of):
    chunks_of(8)
    whole = ask([checkpoint(tiny, device=device)], digits(N), replace(runtime, batch_size=8))
    runtime = replace(
        runtime, store=replace(runtime.store, folder=runtime.store.folder / "killed")
    )
    model = counting(checkpoint(tiny, device=device))
    work = job([model], digits(N), runtime)

    def killed(done, total):
        if done >= 3 * 8 * QUESTIONS:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        one_pass(work, killed)
    finished = len(list(runtime.store.folder.glob("*/*.outcomes"))) * 8
    assert 0 < finished < N * QUESTIONS
    before = model.model.images
    assert_same(by_id(one_pass(work, silent)), whole)
    assert model.model.images - before == N * QUESTIONS - finished


def interrupted(work, after):
    """Press Ctrl-C after so many evaluations; return what is said."""

    def press(done, total):
        if done >= after:
            raise KeyboardInterrupt

    with pytest.raises(Stopped) as caught:
        one_pass(work, press)
    return str(caught.value)


@pytest.fixture
def expensive(tiny, device, runtime):
    """A pass in one chunk, of which two questions cost what may be lost."""
    work = job([checkpoint(tiny, device=device)], digits(N), runtime)
    return with_id(work, flops=int(_budget(work.profile.device) / (2 * N)))


def test_an_interruption_loses_little_and_says_what_is_kept(expensive, runtime):
    """Nothing was kept before all questions of a chunk were answered: minutes were lost."""
    said = interrupted(expensive, after=2 * N + 1)
    assert said == (
        "80 of the 200 evaluations under way are kept, and all that was finished before. "
        "The same command resumes from there."
    )
    assert len(list(runtime.store.folder.glob("*/*.outcomes"))) == 2
    assert forwards(expensive) == (QUESTIONS - 2) * N


def test_between_two_writes_lies_the_budget_at_most(expensive, runtime, monkeypatch):
    model = counting(expensive.subjects[0].checkpoint)
    work = replace(expensive, subjects=[replace(expensive.subjects[0], checkpoint=model)])
    at = [0]
    write = OutcomeCache.write
    monkeypatch.setattr(
        OutcomeCache, "write", lambda *args: (at.append(model.model.images), write(*args))
    )
    one_pass(work, silent)
    assert max(np.diff(at)) * model.id.flops <= _budget(work.profile.device)


def test_pictures_are_decoded_once_whatever_is_kept_in_between(expensive, monkeypatch):
    read = []
    original = ArrayImages.read

    def count(self, positions, geometry):
        read.extend(positions)
        return original(self, positions, geometry)

    monkeypatch.setattr(ArrayImages, "read", count)
    one_pass(expensive, silent)
    assert len(read) == N


def test_an_interruption_says_what_is_never_kept_or_read(expensive):
    in_memory = with_id(expensive, uri="memory:mine")
    said = interrupted(in_memory, after=2 * N + 1)
    assert said.startswith("0 of the 200 evaluations under way are kept")
    assert said.endswith("Networks in memory are never kept: they are measured again.")
    blind = replace(expensive.runtime, store=replace(expensive.runtime.store, readable=False))
    said = interrupted(replace(expensive, runtime=blind), after=2 * N + 1)
    assert said.endswith("Where the cache is read, the same run resumes from there.")


def test_a_damaged_outcome_is_measured_again(first, runtime):
    expected = by_id(one_pass(first, silent))
    for file in runtime.store.folder.glob("*/*.outcomes"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(bytes(content))
    assert forwards(first) == N * QUESTIONS
    assert_same(by_id(one_pass(first, silent)), expected)


class Nothing(Study):
    def units(self):
        return []

    def assemble(self, outcomes):
        return list(outcomes)


def test_a_store_that_makes_no_room_ends_no_run(runtime, monkeypatch):
    def trim(self, limit=None):
        asked.append(limit)
        raise StoreError("kept: outcomes above the limit must be removable")

    asked = []
    monkeypatch.setattr(OutcomeCache, "trim", trim)
    assert run(Nothing(None), runtime) == []
    assert asked == [None]


def test_the_two_readings_of_an_official_file_never_share(tmp_path, runtime, device):
    """AC and Res Mixers have the same tensors; only --arch says which one a file is."""
    path = tmp_path / "model.pth.tar"
    torch.save({"state_dict": official_state()}, path)
    readings = [load(str(path), f"official/{name}-mixer") for name in ("ac", "res")]
    assert readings[0].id.sha256 == readings[1].id.sha256
    examples = replace(digits(N), classes=readings[0].classes)
    alone = []
    for i, reading in enumerate(readings):
        reading.model.to(device)
        work = job([reading], examples, runtime)
        assert forwards(work) == N * QUESTIONS  # nothing of the other is taken
        alone.append(one_pass(work, silent)[0])
        assert i == 0 or not np.array_equal(alone[0][0], alone[1][0])
    together = one_pass(job(readings, examples, runtime), silent)
    assert np.array_equal(np.array(together), np.array(alone))


def official_state():
    """Random weights under the authors' names: width 8, patch 2, pictures of 8 pixels."""
    g = torch.Generator().manual_seed(5)
    shapes = {
        "cls_token": (1, 1, 8),
        "patch_emb.0.weight": (8, 3, 2, 2),
        "patch_emb.0.bias": (8,),
        "ln.weight": (8,),
        "ln.bias": (8,),
        "clf.weight": (10, 8),
        "clf.bias": (10,),
    }
    block = {
        "mlp1.ln.weight": (8,),
        "mlp1.ln.bias": (8,),
        "mlp1.fc1.weight": (6, 17, 1),
        "mlp1.fc1.bias": (6,),
        "mlp1.fc2.weight": (17, 6, 1),
        "mlp1.fc2.bias": (17,),
        "mlp2.ln.weight": (8,),
        "mlp2.ln.bias": (8,),
        "mlp2.fc1.weight": (12, 8),
        "mlp2.fc1.bias": (12,),
        "mlp2.fc2.weight": (8, 12),
        "mlp2.fc2.bias": (8,),
        "linear.weight": (8, 8),
        "linear.bias": (8,),
        "ln.weight": (8,),
        "ln.bias": (8,),
    }
    for i in range(2):
        shapes |= {f"mixer_layers.{i}.{name}": shape for name, shape in block.items()}
    return {name: torch.randn(shape, generator=g) for name, shape in shapes.items()}


def test_a_task_has_a_short_name(first, tiny):
    """It stands in messages; whatever a task holds would be many lines."""
    names = []

    class Naming(Local):
        def run(self, tasks, show):
            return super().run((names.append(str(task)) or task for task in tasks), show)

    one_pass(
        with_id(replace(first, runtime=replace(first.runtime, engine=Naming())), uri="memory:x"),
        silent,
    )
    assert names == [f"{first.subjects[0].checkpoint.id.name}, clean, 40 examples and 4 more"]

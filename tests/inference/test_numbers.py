"""Networks that answer with a number: outcomes by exit, and what is not finite."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acn_eval.data import open_examples
from acn_eval.errors import MeasureError
from acn_eval.inference import CLEAN, ClassMap, EvaluatedModel, Question
from acn_eval.inference.numbers import NumberUnit
from tests.inference.asking import Job, one_pass
from tests.letters import reader

N = 30


class Number(torch.nn.Module):
    """The number of tokens at exit 0, and one more at exit 1."""

    def forward(self, tokens):
        return self.exits(tokens)[-1]

    def exits(self, tokens):
        count = tokens.mask.sum(1, keepdim=True).float()
        return [count, count + 1]


def asked(runtime, model, n=30):
    """Outcomes (exits, n)."""
    checkpoint = replace(reader(runtime.device), model=model)
    shown = open_examples("synthetic-sentences").at(np.arange(n))
    examples = replace(shown, classes=("score",), targets=np.zeros(n, np.float32))
    job = Job(
        subjects=[EvaluatedModel(checkpoint, ClassMap((0,), restricted=False))],
        examples=examples,
        questions=[Question(CLEAN)],
        spec=checkpoint.prepare.spec,
        seed=0,
        profile=runtime.profile(),
        exits=True,
        unit=NumberUnit,
        runtime=runtime,
    )
    ((found,),) = one_pass(job, lambda done, total: None)
    return found, examples


def test_every_exit_answers_with_its_number(runtime):
    found, examples = asked(runtime, Number())
    prepare = reader(runtime.device).prepare
    tokens = prepare(examples.read(np.arange(len(examples)), prepare.spec))
    assert found["id"].tolist() == [examples.ids.tolist()] * 2
    assert found["number"][0].tolist() == tokens.mask.sum(1).tolist()
    assert found["number"][1].tolist() == (found["number"][0] + 1).tolist()


def test_a_number_that_is_none_is_refused(runtime):
    class Broken(Number):
        def exits(self, tokens):
            first, last = super().exits(tokens)
            return [first, torch.where(last > last.median(), torch.inf, last)]

    with pytest.raises(MeasureError, match=r"letters: numbers must be finite; .* of 30 examples"):
        asked(runtime, Broken())

"""A small pass over the digits, and how its outcomes are lined up."""

import numpy as np
import yaml

from acn_eval.corruptions import Context
from acn_eval.inference import Pass, one_pass
from acn_eval.studies.robustness.suite import Robustness
from tests.tiny import SUITE, subject

SMALL = Robustness.model_validate(yaml.safe_load(SUITE))


def job(checkpoints, examples, runtime, *, suite=SMALL, seed=0, numeric="fp32"):
    return Pass(
        subjects=[subject(c, examples) for c in checkpoints],
        examples=examples,
        questions=list(suite.questions()),
        spec=checkpoints[0].prepare.spec,
        runtime=runtime,
        seed=seed,
        numeric=numeric,
        context=Context((0.375,)),
    )


def ask(checkpoints, examples, runtime, **options):
    """Outcomes (subjects, questions, exits, images), images by ascending id."""
    return by_id(
        one_pass(job(checkpoints, examples, runtime, **options), lambda done, total: None)
    )


def by_id(outcomes):
    table = np.array(outcomes)
    return np.take_along_axis(table, np.argsort(table["id"], axis=-1), axis=-1)


def assert_same(found, expected):
    """The same images and decisions; confidence to rounding."""
    assert np.array_equal(found["id"], expected["id"])
    assert np.array_equal(found["predicted"], expected["predicted"])
    assert np.allclose(found["confidence"], expected["confidence"], atol=1e-5)

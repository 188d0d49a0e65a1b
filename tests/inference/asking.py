"""A small pass over the digits, and how its outcomes are lined up."""

from dataclasses import dataclass

import numpy as np
import yaml

from acn_eval.corruptions import Context
from acn_eval.inference import Pass, Runtime
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.study.run import measured
from tests.tiny import SUITE, subject

SMALL = Robustness.model_validate(yaml.safe_load(SUITE))


@dataclass(frozen=True)
class Job(Pass):
    """A pass, and where it is measured."""

    runtime: Runtime | None = None


def one_pass(work, progress):
    return work.joined(measured(work.units, work.runtime, progress))


def job(checkpoints, examples, runtime, *, suite=SMALL, seed=0, numeric="fp32"):
    return Job(
        subjects=[subject(c, examples) for c in checkpoints],
        examples=examples,
        questions=list(suite.questions()),
        spec=checkpoints[0].prepare.spec,
        runtime=runtime,
        seed=seed,
        profile=runtime.profile(numeric, max(c.id.flops for c in checkpoints)),
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

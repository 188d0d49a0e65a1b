"""What words alone tell: accuracy of logistic regression on counts of words.

    python benchmarks/bag_of_words.py glue:sst2

It stands beside networks that read sentences and shows whether they learned more than words. The
penalty is chosen on validation. Test is asked under the conditions of `robustness_text`, with the
very sentences that networks are shown at seed 0.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import torch
from results_tables import shown
from scipy.stats import binomtest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from acn_eval.corruptions import Context, NoiseKey
from acn_eval.corruptions.text import TextCorruption
from acn_eval.data import open_examples
from acn_eval.data.examples import Examples
from acn_eval.data.sentences import SentenceSpec
from acn_eval.statistics import Estimate
from acn_eval.studies.read import read_suite
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.texts import SentenceBatch

PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


def sentences(examples: Examples) -> SentenceBatch:
    return examples.read(np.arange(len(examples)), SentenceSpec())


def words(batch: SentenceBatch) -> list[str]:
    return [text for (text,) in batch.texts]


def fitted(data: str) -> tuple[Pipeline, float, float]:
    """Return the model that is best on validation, its penalty, and its accuracy there."""
    train, validation = (open_examples(data, split) for split in ("train", "validation"))
    shown_words = words(sentences(train)), words(sentences(validation))
    best = (-1.0, 0.0, Pipeline([]))
    for penalty in PENALTIES:
        counts = CountVectorizer(token_pattern=r"\S+")
        model = make_pipeline(counts, LogisticRegression(C=1 / penalty, max_iter=2000))
        model.fit(shown_words[0], train.labels)
        accuracy = model.score(shown_words[1], validation.labels)
        best = max(best, (accuracy, penalty, model), key=lambda found: found[0])
    return best[2], best[1], best[0]


def conditions(examples: Examples) -> Iterator[tuple[str, SentenceBatch]]:
    """Yield the clean sentences, and those of every condition."""
    clean, ids = sentences(examples), torch.from_numpy(examples.ids)
    yield "clean", clean
    suite = read_suite("robustness_text")
    assert isinstance(suite, Robustness)
    for corruption in suite.corruptions:
        if not isinstance(corruption, TextCorruption):
            continue  # what happens inside a network
        draw = corruption.draw(clean.shape, ids, NoiseKey())
        for level in corruption.levels:
            name = f"{corruption.kind.replace('_', ' ')} {level:g}"
            yield name, corruption.corrupt(clean, draw, level, Context())


def table(data: str) -> Iterator[str]:
    """Fit on train, and yield what it answers on test, in lines of Markdown."""
    model, penalty, accuracy = fitted(data)
    test = open_examples(data, "test")
    yield f"penalty {penalty:g}: {100 * accuracy:.1f} % on validation; n = {len(test)} of test\n"
    yield "| condition | counts of words |\n|---|---|"
    for name, batch in conditions(test):
        right = binomtest(int((model.predict(words(batch)) == test.labels).sum()), len(test))
        limits = right.proportion_ci(method="wilson")
        yield f"| {name} | {shown(Estimate(right.statistic, limits.low, limits.high))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    print("\n".join(table(parser.parse_args().data)))


if __name__ == "__main__":
    main()

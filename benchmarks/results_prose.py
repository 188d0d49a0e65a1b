"""What docs/results.md says around its tables."""

HEAD = """# Results of the shipped checkpoints

`python benchmarks/results.py` writes this page. Accuracies are in %, with 95 % intervals in
brackets. Differences are ACN minus residual, in points: those of single conditions have
simultaneous 95 % bands over all conditions of the suite, and that of the primary endpoint has a
95 % interval of its own. MDE is the smallest difference that this many images reliably detect
(80 % power). A tie is equivalence within the margin that the suite states.

These are small networks on small images and short sentences, trained for minutes on a CPU. They
neither confirm nor refute the tables of the ACN paper; they show what acn-eval reports about real
checkpoints.
`docs/paper.md` takes the paper's claims one by one.

## Architectures

Every column compares an ACN with a residual network of the same kind and budget, seeds as
architectures. The ViT is shown twice, against the same residual ViTs: with a skip around attention
inside each block, and with the paper's plain block, which has no skip. Without one, attention
averages the tokens of an image until they are the same (`docs/compression.md`), so that the plain
column is as much about attention as about long connections."""

READ = """
## Architectures that read sentences

BERTs with pre-norm blocks and a final norm in both arms: of six blocks on the embedded
sentences, which are synthetic, and of twelve on SST-2, pretrained on masked tokens with equal
steps. The paper's block has no skip around attention; it is shown on the embedded sentences."""

TEXT = """
| paper, section 4.2 | residual BERT | AC-BERT |
|---|---|---|
| SST-2 | 86.63 ± .09 | 86.68 ± .06 |
| QNLI | 83.14 ± .07 | 83.07 ± .10 |
| QQP | 87.20 ± .09 | 87.30 ± .07 |
| blocks, million parameters, GFLOPs | 12, 110, 21.72 | 3 of 12, 46, 5.44 |

Its networks are of BERT-base's size and were pretrained on books and Wikipedia, the AC-BERT
twice as long; other BERTs of that size have 92 to 93 % on SST-2. It measured no noise on text.

**What these data cannot decide.** Differences like the paper's, of .05 to .1 points: 872
sentences of SST-2 show 3.0 points with 80 % power where two networks answer 10 % of them
differently, and 4.2 where they answer 20 % so. The embedded sentences say nothing about real
text. Probes of these networks on CoLA (`acn-eval transfer --ckpt text/sst2/ac_bert.pt --data
glue:cola`) answer with one class at every depth, in both arms and all seeds, so that Matthews'
correlation is undefined and counts 0. Dev of SST-2 is test here, opened for these tables only;
validation is a tenth of train, whose phrases are easier than the sentences of dev.

Movement pruning is measured on the embedded sentences alone: five epochs of SST-2 would take an
hour over six files."""

CHOICE = """
`python benchmarks/choose_networks.py benchmarks/choice.yaml`, and `choice-text.yaml` for text,
trained every network of a plan that was written first, at each rate, with all steps or the fewer
that the plan states. Mean accuracy on validation in %, in `text-mlm` that of masked tokens; no
test example was opened, and no seed below is among those that are reported. `official` is the
block of the authors' earlier code, which is not shipped."""

"""What several tests of this study share."""

import re

SUITE = """\
kind: pruning
name: small_pruning
sparsities: [0, 0.5, 0.9]
methods:
  - {kind: magnitude}
  - {kind: movement, removed: 0.4, epochs: 1, steps: 2}
  - {kind: magnitude, blocks: 1}
seconds: 0.000001
"""


JOB = ("pruning", "--ckpt", "tiny_ac.pt", "--suite", "prune.yaml", "--device", "cpu")


UNITS = """\
kind: pruning
name: units
sparsities: [0, 0.2, 0.4]
methods:
  - {kind: structured}
  - {kind: structured, steps: 2}
seconds: 0.000001
"""


QUICK = (*JOB, "--limit", "60", "--no-track")


def rows(out):
    lines = [
        line
        for line in out.splitlines()
        if re.match(r"(magnitude|movement|structured) .*\[", line)
    ]
    return [line.split("  ")[0] for line in lines]

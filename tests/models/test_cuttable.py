"""What follows from streams and a head alone: exits, and leaving at one."""

import torch

from acn_eval.models import Cuttable, Encoder


class Steps(Cuttable):
    """Adds 1 per block; counts how often its head and its blocks are asked."""

    def __init__(self, depth):
        super().__init__()
        self._depth, self.heads, self.blocks = depth, [], 0

    @property
    def depth(self):
        return self._depth

    def streams(self, inputs):
        yield inputs
        for k in range(self._depth):
            self.blocks += 1
            yield inputs + k + 1

    def classify(self, stream, inputs, exit=None):
        self.heads.append(exit)
        return stream.sum(dim=1)


def test_every_exit_asks_the_head_once_with_its_number():
    network, tokens = Steps(3), torch.zeros(2, 4, 1)
    found = network.exits(tokens)
    assert [float(logits[0]) for logits in found] == [0, 4, 8, 12]
    assert network.heads == [0, 1, 2, 3]


def test_leaving_runs_no_block_behind_the_exit_and_every_head_before_but_the_first():
    for k in range(4):
        network, tokens = Steps(3), torch.zeros(2, 4, 1)
        assert float(network.leave_at(tokens, k)[0]) == 4 * k
        assert network.blocks == k
        assert network.heads == [*range(1, k), k]


def test_our_networks_are_such():
    assert issubclass(Encoder, Cuttable)

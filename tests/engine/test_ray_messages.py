"""What processes say to each other survives a pickle."""

import pickle

import pytest

from acn_eval.engine import ray_messages


@pytest.mark.parametrize("name", ray_messages.__all__)
def test_a_message_is_the_same_in_another_process(name):
    kind = getattr(ray_messages, name)
    message = kind(*range(len(kind._fields)))
    assert pickle.loads(pickle.dumps(message)) == message
    assert type(pickle.loads(pickle.dumps(message))) is kind

"""Records say what the tables hold."""

from typing import get_args

from acn_eval.service import tables as t
from acn_eval.service.records import FINAL, Event, Job, LeaseLost, State


def test_a_final_state_is_a_state():
    assert {*get_args(State)} == {*FINAL, "queued", "running"}


def test_records_name_columns():
    assert Job.__dataclass_fields__.keys() <= {column.name for column in t.job.c}
    assert [*Event.__dataclass_fields__] == [column.name for column in t.event.c]


def test_a_lost_lease_is_no_error_of_the_user():
    assert LeaseLost("job 1").exit_code == 4

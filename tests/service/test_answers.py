"""Answers: what a later server adds is read over, and jobs become them."""

import json

import pytest

from acn_eval.service.answers import JobAnswer, ProblemAnswer
from acn_eval.service.requests import Check


def test_a_job_becomes_an_answer_and_is_read_back(service):
    job, _ = service.jobs.submit(Check(name="a"), by="me")
    answer = JobAnswer.model_validate(job)
    assert answer.request == job.request
    assert answer.created.timestamp() == pytest.approx(job.created, abs=1e-6, rel=0)
    assert JobAnswer.model_validate_json(answer.model_dump_json()) == answer


def test_fields_of_later_servers_are_read_over():
    said = {"title": "Conflict", "status": 409, "detail": "a", "trace": "b"}
    assert ProblemAnswer.model_validate_json(json.dumps(said)).detail == "a"

# Two commands do everything: `make demo` runs the main job, `make test` passes the tests.
# Both create .venv first, where it is missing or out of date.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo gate test test-slow test-gpu check benchmarks clean

demo: $(READY)
	$(BIN)/acn-eval robustness --ckpt ac_vit.pt

# Two seeds of one recipe must be within 3 points of each other, which the digits can tell.
gate: $(READY)
	$(BIN)/acn-eval gate --ckpt seeds/res_vit_1.pt --baseline res_vit.pt

test: check
	$(BIN)/pytest -q

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Simulations of every statistical rule, and long trainings.
test-slow: $(READY)
	$(BIN)/pytest -q -m slow --timeout 1200

test-gpu: $(READY)
	$(BIN)/pytest -q --device cuda

benchmarks: $(READY)
	$(BIN)/python benchmarks/suite_overhead.py
	$(BIN)/python benchmarks/noise_cost.py
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/probe_sweep.py
	$(BIN)/python benchmarks/gate.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $(READY)

clean:
	rm -rf .venv acn-results mlflow.db mlruns

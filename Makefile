# Each verb first sets up what it needs: python3 (3.11 or newer, with venv) is all that must be there.

PYTHON := .venv/bin/python
READY := .venv/.ready

# The environment is .venv alone, whatever the shell around it says.
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all test-distributed test-gpu crash lint docs bench

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile

setup: $(READY) ## make .venv and install everything into it; the other verbs do it on their own
	@echo 'setup: .venv is ready'

demo: $(READY) ## train on handwritten digits, with callbacks at work; leaves its files in runs/demo
	@$(PYTHON) examples/demo.py

test: $(READY) ## run the tests
	@$(PYTHON) -m pytest -n 2 -q

test-all: $(READY) .venv-all/.ready ## run all tests, also the slow ones, and those in other libraries' trainers
	@$(PYTHON) -m pytest -n 2 -q -m ''
	@.venv-all/bin/python -m pytest -n 2 -q -m '' tests/golden
	@.venv-all/bin/python -m pytest -q -W ignore --doctest-modules src/onfit/integrations  # these libraries warn when imported

test-distributed: $(READY) ## run the tests of several processes: of four, of two hosts, of kills, of fully_shard, of SLURM's jobs
	@$(PYTHON) -m pytest -q -m '' tests/distributed tests/engine/model/test_two_processes.py tests/examples/test_slurm.py

test-gpu: $(READY) ## check all on a GPU, in at most ten minutes; without one, what a CPU can show
	@$(firstword $(wildcard .venv-all/bin/python) $(PYTHON)) -m tests.gpu  # .venv-all has other trainers, too

crash: $(READY) ## strike trainings at thousands of places and see that each goes on as if it had run through; takes minutes
	@$(PYTHON) -W error -m tests.crash

lint: $(READY) ## check style, types, and that each room imports only rooms below it
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports --no-logo

docs: $(READY) ## run the examples in the docstrings, and follow the links between the documents
	@$(PYTHON) -m pytest -q --doctest-modules --ignore=src/onfit/integrations src/onfit tests/test_documents.py

bench: .venv-bench/.ready ## measure onfit beside other trainers and loops by hand; writes docs/benchmarks.md
	@.venv-bench/bin/python -m bench

.venv-all/.ready: $(READY) constraints.txt tests/golden/constraints.txt scripts/setup-all
	@sh scripts/setup-all
	@touch $@

.venv-bench/.ready: $(READY) constraints.txt bench/constraints.txt scripts/setup-bench
	@sh scripts/setup-bench
	@touch $@

$(READY): pyproject.toml constraints.txt scripts/setup
	@sh scripts/setup
	@touch $@

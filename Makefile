# Everything a developer does, as one command each. `make help` lists them.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test slow validate examples organism lint types perf browser clean

help:  ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

setup: $(READY)  ## make .venv and install the pinned dependencies

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than Python 3.11"; echo "  fix: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "error: $(PYTHON) cannot make virtual environments"; echo "  fix: apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[hf,dev]'
	@touch $@

demo: $(READY)  ## run the packaged example study and write its report
	$(BIN)/aftertune demo

test: $(READY)  ## the normal test suite, a few minutes
	$(BIN)/python -m pytest -n 2 -m "not slow" tests src

slow: $(READY)  ## the long tests
	$(BIN)/python -m pytest -m slow tests

validate: $(READY)  ## coverage, size and power of the statistics, in full
	$(BIN)/python -m pytest -m slow tests/stats
	$(BIN)/python docs/validation/run.py

examples: $(READY)  ## run every study in examples/
	$(BIN)/python examples/run_all.py

organism: $(READY)  ## build the organism again and compare it with its card
	$(BIN)/python -m aftertune.organism check

lint: $(READY)  ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## types, strictly
	$(BIN)/mypy

perf: $(READY)  ## measure speed; the numbers are kept in perf/README.md
	$(BIN)/python perf/run_all.py

browser: $(READY)  ## open the report in a real browser (needs chromium)
	$(BIN)/python -m pytest -m browser tests

clean:  ## remove the virtual environment and what demos wrote
	rm -rf $(VENV) aftertune-demo aftertune-out aftertune-store build *.egg-info src/*.egg-info

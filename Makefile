# Everything a fresh machine needs is Python 3.11 or later and make; set-up happens by itself, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SERVERS := .servers
TESTS ?= tests
export FOOTFALL_HOME ?= $(CURDIR)/data
.DEFAULT_GOAL := help

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Footfall needs Python 3.11 or later; say which with make PYTHON=python3.12")'
	@echo "setting up $(VENV) (once; a few minutes)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib orchestration || true  # every start pays for it otherwise, where PYTHONDONTWRITEBYTECODE is set
	@touch $@

install: $(READY) ## the virtual environment, from locked versions

demo: $(READY) ## an emulated chain through the whole system, compared with its truth (ARGS=--json, ARGS="--days 7")
	@$(BIN)/footfall demo $(ARGS)

ui: $(READY) ## the Dagster user interface on FOOTFALL_HOME
	@DAGSTER_HOME="$$($(BIN)/python -m orchestration.defs.instance)" $(BIN)/dagster dev -w workspace.yaml $(ARGS)

servers: ## real FTP, FTPS and SFTP servers for the tests, unpacked under .servers where apt is there
	@tests/servers/bootstrap.sh $(SERVERS)

test: $(READY) servers ## all tests, offline
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(TESTS) $(ARGS)

lint: $(READY) ## ruff, pyright, sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/sqlfluff lint dbt_project --disable-progress-bar

bench: $(READY) ## the benchmarks, each beside its rival in the same run
	@$(BIN)/python benchmarks/run.py $(ARGS)

proof: $(READY) ## a seeded year of 300 counters with faults, measured against its truth (ARGS="--counters 12 --days 60")
	@$(BIN)/python -m benchmarks.proof $(ARGS)

lock: $(READY) ## versions in constraints.txt from pyproject.toml
	@$(BIN)/uv pip compile --quiet --no-emit-index-url --no-header --all-extras pyproject.toml -o constraints.txt

clean: ## forget the virtual environment and the servers (never data)
	@rm -rf $(VENV) $(SERVERS)

.PHONY: help install demo ui servers test lint bench proof lock clean

# Everything here calls .venv/bin directly: a `uv run` would replace the CPU build of torch.
# Windows without make: see README.md.

PYTHON ?= python3
# Stays with the build that is installed, so that `make test` after `make setup TORCH=cuda` keeps it.
TORCH ?= $(if $(wildcard .venv/.installed-cuda),cuda,cpu)

INSTALL_cpu := -c constraints/cpu.txt
INSTALL_cuda := --upgrade torch
ifeq ($(INSTALL_$(TORCH)),)
$(error TORCH is '$(TORCH)'; it can be cpu or cuda)
endif

BIN := .venv/bin
STAMP := .venv/.installed-$(TORCH)

.DEFAULT_GOAL := help

.PHONY: help
help:  ## List what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.12 chooses the interpreter, TORCH=cuda the newest torch for a graphics card."

.PHONY: setup
setup: $(STAMP)  ## Make .venv and install everything in it (again only when the pins change)

$(STAMP): pyproject.toml constraints/cpu.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit( \
		"ocrtune needs Python 3.11 or newer, $(PYTHON) is %d.%d; try: make setup PYTHON=python3.12" % v[:2])'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(INSTALL_$(TORCH)) -e '.[train,dev]'
	@rm -f .venv/.installed-*
	@touch $@

.PHONY: quickstart
quickstart: setup  ## The whole chain on receipts made here: score, fine-tune, score again, export, read
	$(BIN)/ocrtune quickstart --overwrite

.PHONY: test
test: setup  ## All tests
	$(BIN)/python -m pytest

.PHONY: check
check: lint  ## Format, lint, types, import rules and the fast tests: under two minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m "not slow"

.PHONY: lint
lint: setup  ## The part of check that runs no tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: clean
clean:  ## Remove .venv and every cache, not your runs
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

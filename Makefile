# opskit: `make help` says what can be done here. Needs Python 3.11 or later and pip; the rest is installed into .venv.

PYTHON ?= python3
VENV   ?= .venv
# Two workers, a file to each, since most tests wait for a server or a process of their own.
PYTEST_ARGS ?= -n 2 --dist loadfile

BIN      := $(VENV)/bin
# By hash: whatever index or mirror pip is set up to use, what is installed is what was locked.
UV       := $(BIN)/uv pip install --quiet --python $(BIN)/python
LOCKED   := $(UV) --require-hashes --requirements
COMPILE  := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --fork-strategy fewest --no-header \
    --no-annotate --no-emit-index-url --no-emit-find-links
BASE     := $(VENV)/.uv-installed
EXTRAS   := $(VENV)/.extras-installed
DEV      := $(VENV)/.dev-installed
SITE     := $(VENV)/.site-installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo install test unit coverage pythons soak lint check docs bench audit constraints clean

help: ## Say what each target does
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1	\2/p' Makefile | expand -t 22

demo: $(EXTRAS) ## See the whole main job happen, on this machine alone, without an AWS account
	@$(BIN)/opskit demo

install: $(DEV) ## Install opskit, every extra and the developers' tools into .venv

test: $(DEV) ## Run all the tests
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

# In one process: each further one collects and imports everything for itself, for a third of the CPU time.
unit: $(DEV) ## Run the tests that need no server: most of them, in about a minute
	@$(BIN)/python -m pytest -m "not served" tests/unit

coverage: $(DEV) ## Measure what the unit tests run of opskit; less than the floor in pyproject.toml is an error
	@$(BIN)/python -m pytest $(PYTEST_ARGS) --cov --cov-report=term:skip-covered tests/unit

pythons: $(BASE) ## Run the unit tests with each Python that opskit supports, and name those that are not on this machine
	@$(BIN)/python -m tools.python_versions

soak: $(DEV) ## Run the many seeds of the long tests, and look for new examples, which nothing else does
	@$(BIN)/python -m pytest $(PYTEST_ARGS) --dist load -m "soak or hypothesis" --hypothesis-profile searching

# Each of them, whichever fails: what is missing somewhere is told at once.
CHECKS := "ruff check" "ruff format --check" mypy lint-imports "python -m tools.one_writer opskit" \
    "python -m tools.closed_choices opskit" "python -m tools.whole_tables" "python -m tools.command_rows"

lint: $(DEV) ## Look for mistakes in style, types and the direction of imports
	@failed=; for check in $(CHECKS); do $(BIN)/$$check || failed="$$failed; $$check"; done; \
	if [ "$$failed" ]; then echo "make lint failed in:$${failed#;}" >&2; exit 1; fi

check: lint ## All that must be well before a commit: lint, then the tests
	@$(MAKE) --no-print-directory test

docs: $(SITE) ## Write the pages of docs/ that the code already knows, and build all of docs/ as a site into site/
	@$(BIN)/python docs/generate.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs --quiet build

bench: $(DEV) ## Measure speed and memory, as ratios
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.notebooks
	@$(BIN)/python -m benchmarks.stops
	@$(BIN)/python -m benchmarks.histories
	@$(BIN)/python -m benchmarks.costs
	@$(BIN)/python -m benchmarks.fleets
	@$(BIN)/python -m benchmarks.guards

audit: $(DEV) ## Look for what is not as it was locked, and for known vulnerabilities where their database can be reached
	@$(BIN)/python -m tools.audit locks/dev.txt

constraints: $(DEV) ## Choose all versions anew and write them to constraints.txt, with their hashes to locks/
	@$(COMPILE) --upgrade --all-extras --group dev --output-file constraints.txt
	@$(COMPILE) --generate-hashes -c constraints.txt --all-extras --group dev --output-file locks/dev.txt
	@$(COMPILE) --generate-hashes -c constraints.txt --group docs --output-file locks/docs.txt
	@$(COMPILE) --generate-hashes -c constraints.txt --all-extras --group build --output-file locks/extras.txt
	@grep '^uv==' constraints.txt | $(BIN)/uv pip compile - --quiet --universal --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links --output-file locks/uv.txt

clean: ## Remove what was installed and what the tools left
	rm -rf $(VENV) dist build site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find opskit workflows tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is written last, so an interrupted install is done again from that step.
$(BASE): constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "opskit needs Python 3.11 or later, and '$(PYTHON)' is not. Say which to use: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Making $(VENV) ..."
	@rm -rf $(VENV)
	@if $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null; then \
	    $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/uv.txt; \
	elif $(PYTHON) -c 'import venv, pip' 2>/dev/null; then \
	    $(PYTHON) -m venv --without-pip $(VENV) && \
	    $(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r locks/uv.txt; \
	else \
	    echo "This Python can make no virtual environment with pip in it. Install its venv package (on Debian and Ubuntu: apt install python3-venv) and run make again." >&2; exit 1; \
	fi
	@touch $@

$(EXTRAS): $(BASE) pyproject.toml locks/extras.txt
	@echo "Installing opskit with all its extras ..."
	@# Another project's distribution of this name would be found before this folder, and was ours until it was renamed.
	@$(BIN)/uv pip uninstall --quiet --python $(BIN)/python opskit 2>/dev/null
	@$(LOCKED) locks/extras.txt
	@$(UV) --no-deps --no-build-isolation --editable .
	@touch $@

$(SITE): $(DEV) locks/docs.txt
	@$(LOCKED) locks/docs.txt
	@touch $@

$(DEV): $(EXTRAS) locks/dev.txt
	@echo "Installing the developers' tools ..."
	@$(LOCKED) locks/dev.txt
	@touch $@

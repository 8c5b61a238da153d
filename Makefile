# What people type. `make help` lists it.

BIN := .venv/bin
READY := .venv/.ready
CODE := estate blocks tasks flows deployments infra tests

# Only root may make network namespaces; run by sudo, nothing that belongs to root is left in the checkout.
ROOT := $(if $(filter-out 0,$(shell id -u)),sudo env PATH="$(PATH)" CI=true PYTHONDONTWRITEBYTECODE=1 \
	HYPOTHESIS_STORAGE_DIRECTORY=/tmp/roundsman-hypothesis)

.DEFAULT_GOAL := env
.NOTPARALLEL:
.PHONY: env scan up test check lint format bench lock wheel clean help

env: $(READY)  ## Put the environment into .venv, from the lock (the default)
	@:

# An environment is tied to its place and its interpreter: moved, copied or orphaned, it is made anew.
$(shell grep -qsx '$(CURDIR)' $(READY) && $(BIN)/python -c '' 2>/dev/null || rm -f $(READY))

$(READY): requirements.lock pyproject.toml
	@infra/environment.sh .venv
	@echo '$(CURDIR)' >$@

scan:  ## Scan this machine's loopback and print what changed since the last time
	@infra/install.sh
	@$(MAKE) --no-print-directory env
	@test -e estate.toml || $(BIN)/roundsman init
	@$(BIN)/roundsman scan ports

up:  ## Run Prefect's server, a worker and all schedules on this machine, until Ctrl-C
	@infra/install.sh
	@$(MAKE) --no-print-directory env
	@test -e estate.toml || $(BIN)/roundsman init
	@exec $(BIN)/roundsman up

test:  ## Install and run everything that CI runs
	@infra/install.sh --test
	@$(MAKE) --no-print-directory lint
	@$(if $(ROOT),echo "The tests build a network lab. That needs root: running them with sudo",:)
	@$(ROOT) $(BIN)/pytest $(if $(ROOT),-p no:cacheprovider)

check: lint  ## The quick half of `make test`: lint, types, contracts, and the tests that need nothing but Python
	@$(BIN)/pytest -q tests/test_house.py tests/estate --ignore=tests/estate/store

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry .
	$(BIN)/codespell

format: $(READY)  ## Lay the code out, and mend what ruff can mend by itself
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(READY)  ## Print the figures that we hold ourselves to (takes some minutes)
	@infra/install.sh --test
	@$(if $(ROOT),echo "The bench builds a network lab. That needs root: running it with sudo",:)
	@$(ROOT) $(BIN)/python -m infra.bench

lock:  ## Resolve pyproject.toml into requirements.lock (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: pipx install uv" >&2; exit 2; }
	uv pip compile --quiet --universal pyproject.toml --group dev --generate-hashes --no-strip-extras \
		--no-emit-index-url --no-header --python-version 3.11 -o requirements.lock

wheel: $(READY)  ## Build the wheel into dist/
	@$(BIN)/hatchling build -t wheel

clean:  ## Remove what make, the tools and the build made; never estate.toml, the database or evidence
	rm -rf .venv dist mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find $(CODE) -name __pycache__ -prune -exec rm -rf {} +

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

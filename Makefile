# Everything runs in .venv, which is made from the locked requirements on first use.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo demo-kill test quick check fmt schema lock chaos chaos-kill chaos-syscalls simulate mutants bench bench-faults soak

demo: $(STAMP)  ## Show the main job on this machine. KILL=1 kills alertd with SIGKILL meanwhile.
	@$(BIN)/alertd demo $(if $(KILL),--kill) $(ARGS)

demo-kill: $(STAMP)
	@$(BIN)/alertd demo --kill $(ARGS)

# How many workers share the files of tests; each starts servers of its own.
TOGETHER ?= 1
test: check  ## All checks and all tests.
	$(BIN)/pytest $(if $(filter-out 1,$(TOGETHER)),-n $(TOGETHER) --dist loadfile) --durations=25 $(ARGS)

quick: check  ## All checks, and the tests of what decides: no processes, no real servers.
	$(BIN)/pytest -q -n 2 -m "not slow" tests/unit $(ARGS)

check: $(STAMP)  ## Format, lint, types, layers.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

fmt: $(STAMP)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

schema: $(STAMP)  ## Write the JSON Schemas for editors anew.
	$(BIN)/alertd schema rules > docs/schema/rules.schema.json
	$(BIN)/alertd schema config > docs/schema/config.schema.json

# The layers that the locks hold: what runs, what the embedded server needs, what development and the package need.
lock: $(STAMP)
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.txt
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra offline \
		-c requirements.txt -o requirements-offline.txt
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra offline \
		--group dev -c requirements.txt -o requirements-dev.txt
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --group build \
		-c requirements-dev.txt -o requirements-build.txt

$(STAMP): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "alertd needs Python 3.11 or later; $(PYTHON) is older. Set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "setting up .venv (once, about a minute) ..."
	@$(PYTHON) -m venv --clear .venv || { echo "python venv is missing: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# One seed is one history; the default is ten simulated years. A failure says which SEED and DAYS to repeat.
SEED ?=
DAYS ?= 20
simulate: $(STAMP)  ## Poll, ledger and deliver against simulated faults. SEED=7 DAYS=20 repeats one history.
	SIMULATION_DAYS=$(DAYS) SIMULATION_SEED=$(or $(SEED),1) SIMULATION_COUNT=$(if $(SEED),1,183) \
		$(BIN)/pytest -q tests/simulation $(ARGS)

mutants: $(STAMP)  ## Plant each known bug and show which test notices it. ARGS="webhook" for those with that word in their name.
	$(BIN)/python -m tests.mutants $(ARGS)

# Release size: some hours on two cores.
CHAOS_KILLS ?= 100000
CHAOS_SEED ?=
chaos: chaos-syscalls  ## Every system call killed or failed, and 100,000 random kills by token and a tenth by webhook.
	$(MAKE) chaos-kill
	$(MAKE) chaos-kill CHAOS_KILLS=$$(( ($(CHAOS_KILLS) + 9) / 10 )) ARGS=--webhook

chaos-kill: $(STAMP)  ## CHAOS_KILLS=250 CHAOS_SEED=7 repeats one round, ARGS=--webhook by webhook.
	$(BIN)/python -m tests.chaos.killing --kills $(CHAOS_KILLS) $(if $(CHAOS_SEED),--seed $(CHAOS_SEED)) $(ARGS)

chaos-syscalls: $(STAMP)  ## Every system call of one poll-and-send cycle: SIGKILL; of the ledger: ENOSPC and EIO too.
	ALERTD_CHAOS_FULL=1 $(BIN)/pytest -q tests/chaos/test_syscalls.py

bench: $(STAMP)  ## Speed and memory on a real Elasticsearch 8, each limit beside what was measured. ARGS="memory burst" for some.
	$(BIN)/python -m benchmarks.daemon $(ARGS)

soak: $(STAMP)  ## Memory, files and CPU over twenty minutes with two events a second. ARGS="--seconds 600" for less.
	$(BIN)/python -m benchmarks.soak $(ARGS)

bench-faults: $(STAMP)  ## The same faults for alertd and for ElastAlert 2: lost, repeated. ARGS="--only kill" for one, "--help" for all.
	@$(BIN)/python -m benchmarks.faults $(ARGS)

# Everything a newcomer types. `make demo` and `make test` need only Python 3.11, 3.12, 3.13 or 3.14, and make.
PYTHON ?= python3
VENV   := .venv
SMSC   := tests/servers/smsc
BIN    := $(VENV)/bin

# The Pythons that the lock has wheels for; the suite was run with the first three
SUPPORTED = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))

# Every flow run is a process: without bytecode of our own modules each would parse them again, for a second
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test databases lock clean bench kill-matrix restore-matrix many-hosts kill-operations operations-table pictures state-pictures

demo: $(VENV)/installed   ## set up, then run the main job on a synthetic practice
	@$(BIN)/cohort demo

test: $(VENV)/installed $(SMSC)/node_modules/installed   ## set up, then run every test: three at once, since those with Prefect mostly wait
	@$(BIN)/python -m pytest -m "not slow" -n 3 --dist loadgroup $(ARGS)

# A lock with a hash for every file, and bytecode at install: without it each flow run re-parses 2,300 modules.
# Prefect's database is migrated once, here, so that a server starts in 3 s and not in 15
$(VENV)/installed: requirements.lock requirements-uv.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c '$(SUPPORTED)' 2>/dev/null || { \
	    echo "Cohort needs Python 3.11, 3.12, 3.13 or 3.14; $(PYTHON) is" \
	        "$$($(PYTHON) --version 2>/dev/null || echo not found). Nothing was installed." \
	        "Name another one: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m tasks.processes.database
	@touch $@

# From npm's lock, which names no host either. Without npm those tests say that they skip
$(SMSC)/node_modules/installed: $(SMSC)/package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent --prefix $(SMSC) && touch $@; \
	    else echo "npm was not found: the tests of SMPP will be skipped" >&2; fi

# One for every Python that is supported (--universal), and for every file of a release (--generate-hashes)
LOCK = --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url

lock: ## resolve again after a change of pyproject.toml; the lock names no package host
	$(BIN)/uv pip compile $(LOCK) --group dev pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile $(LOCK) --group install --output-file requirements-uv.lock

kill-matrix: $(VENV)/installed ## kill -9 at every point and at 200 random instants; some ten minutes
	@$(BIN)/python -m tests.kill.matrix

restore-matrix: $(VENV)/installed ## each set-back, state and gateway class, by the gateway's own book; some ten minutes
	@$(BIN)/python -m tests.restore.matrix $(ARGS)

many-hosts: $(VENV)/installed ## three workers on machines of their own (network namespaces, as root), one cut off, one killed
	@$(BIN)/python -m pytest -m slow -rs tests/kill/test_hosts.py $(ARGS)

kill-operations: $(VENV)/installed ## 30 kills of an operation and of its undo, and many histories; some minutes
	@$(BIN)/python -m pytest -m slow tests/clinic/change

databases: $(VENV)/installed ## what the suite tries on SQLite with many values, on PostgreSQL with each of them too
	@$(BIN)/python -m pytest -m databases -n 3 --dist loadgroup $(ARGS)

operations-table: $(VENV)/installed ## every kind of operation to every ending, over real processes; some ten minutes
	@WHOLE_TABLE=1 $(BIN)/python -m pytest tests/cli/operations/test_operations_table.py tests/flows/operations/test_operation_rows.py

bench: $(VENV)/installed ## what it costs, against floors measured in the same run; about half an hour
	@$(BIN)/python -m benchmarks.run $(ARGS)

pictures: $(VENV)/installed ## the README's two pictures, made again from the demo; needs chromium; some minutes
	@$(BIN)/python -m benchmarks.pictures

state-pictures: $(VENV)/installed ## what the Prefect UI shows of a run in each state, to be looked at; needs chromium; some ten minutes
	@$(BIN)/python -m benchmarks.states.pictures $(ARGS)

clean:
	rm -rf $(VENV) .cohort

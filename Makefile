# Every target does its own set-up; set-up is skipped while nothing it depends on has changed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: setup demo test test-setup test-contracts test-python check bench clean verify
.PHONY: test-walks test-proofs gas test-nightly nightly-walks nightly-proofs nightly-mutation nightly-model nightly-fuzz nightly-simulation
.PHONY: nightly-identity accuracy

ROOT := $(CURDIR)
STAMPS := .tools/stamps
UV := .tools/uv/bin/uv
PY := .venv/bin/python
FOUNDRY := $(ROOT)/node_modules/@foundry-rs
# The real binaries first: the shims in node_modules/.bin exit 0 whatever happens.
export PATH := $(FOUNDRY)/anvil-linux-amd64/bin:$(FOUNDRY)/forge-linux-amd64/bin:$(FOUNDRY)/cast-linux-amd64/bin:$(PATH):$(ROOT)/.tools/bin
export PYTHONDONTWRITEBYTECODE := 1

STORE ?= folder
KEEP ?=
DEMO ?=
SEED ?= $(shell date +%s)
# Halmos alone can run those.
NOT_SYMBOLIC := --no-match-path 'tests/forge/symbolic/*'

setup: $(STAMPS)/python $(STAMPS)/npm

$(STAMPS)/uv:
	@mkdir -p $(STAMPS)
	python3.11 -m venv .tools/uv
	.tools/uv/bin/pip install --quiet uv==0.13.9
	@touch $@

$(STAMPS)/python: requirements.lock $(STAMPS)/uv
	@test -x $(PY) || $(UV) venv --quiet --python python3.11 .venv
	$(UV) pip sync --quiet --python $(PY) --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/npm: package-lock.json
	@mkdir -p $(STAMPS)
	npm ci --silent --ignore-scripts
	@touch $@

$(STAMPS)/brownie: tools/brownie/requirements.lock $(STAMPS)/uv
	@test -x .tools/brownie/bin/python || $(UV) venv --quiet --python python3.11 .tools/brownie
	$(UV) pip sync --quiet --python .tools/brownie/bin/python --require-hashes tools/brownie/requirements.lock
	@touch $@

$(STAMPS)/analysis: tools/analysis/requirements.lock $(STAMPS)/uv
	@test -x .tools/analysis/bin/python || $(UV) venv --quiet --python python3.11 .tools/analysis
	$(UV) pip sync --quiet --python .tools/analysis/bin/python --require-hashes tools/analysis/requirements.lock
	@touch $@

# Kubo and geth are used from the PATH where they are installed, and built once otherwise.
$(STAMPS)/kubo: tools/kubo/go.mod tools/kubo/go.sum
	@mkdir -p $(STAMPS)
	@command -v ipfs >/dev/null || (echo "building Kubo, once" && GOBIN=$(ROOT)/.tools/bin go -C tools/kubo install github.com/ipfs/kubo/cmd/ipfs)
	@touch $@

$(STAMPS)/geth: tools/geth/go.mod tools/geth/go.sum
	@mkdir -p $(STAMPS)
	@command -v geth >/dev/null || (echo "building geth, once" && GOBIN=$(ROOT)/.tools/bin go -C tools/geth install github.com/ethereum/go-ethereum/cmd/geth)
	@touch $@

demo: setup $(if $(filter kubo,$(STORE)),$(STAMPS)/kubo)
	PYTHONPATH=scripts $(PY) -m demo --store $(STORE) $(if $(KEEP),--keep)

test: test-setup check test-contracts test-walks test-proofs test-python

test-setup: setup $(STAMPS)/brownie $(STAMPS)/analysis $(STAMPS)/kubo $(STAMPS)/geth

test-contracts: $(STAMPS)/npm $(STAMPS)/brownie
	scripts/brownie test
	scripts/prove-contract-tests-fail

# Random walks with every invariant checked, fuzzed properties, odd tokens, hostile wallets, simulated markets.
test-walks: $(STAMPS)/npm
	forge test $(NOT_SYMBOLIC)

test-proofs: setup $(STAMPS)/analysis
	$(PY) scripts/contract_slither.py
	$(PY) scripts/contract_coverage.py
	$(PY) scripts/contract_proofs.py

test-python: test-setup
	$(PY) -m pytest -n 2 --dist loadfile

check: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

# Writes contracts/gas.json anew; test-walks compares with it.
gas: $(STAMPS)/npm
	FORGE_SNAPSHOT_CHECK=false FORGE_SNAPSHOT_EMIT=true forge test --match-path tests/forge/Gas.t.sol

# The deeper tiers. SEED=number repeats a night.
test-nightly: nightly-proofs nightly-identity accuracy nightly-model nightly-fuzz nightly-simulation nightly-mutation nightly-walks

nightly-walks: $(STAMPS)/npm
	FOUNDRY_PROFILE=nightly DRAWS=100000 forge test $(NOT_SYMBOLIC) --no-match-contract Simulation --fuzz-seed $(SEED)

nightly-proofs: setup $(STAMPS)/analysis
	$(PY) scripts/contract_proofs.py --all

nightly-model: setup
	HYPOTHESIS_STEPS=50000 $(PY) -m pytest tests/client/market/test_model.py

nightly-fuzz: setup
	FUZZ_MUTANTS=1000000 FUZZ_SEED=$(SEED) $(PY) -m pytest -s tests/fuzz

nightly-identity: setup
	IDENTITY=all $(PY) -m pytest tests/identity

nightly-simulation: setup
	PYTHONPATH=scripts $(PY) -m simulation --contracts 10000

nightly-mutation: setup
	$(PY) scripts/contract_mutation.py

# Encrypted against clear scikit-learn on real data, over ten splits; writes docs/accuracy.md.
accuracy: setup
	PYTHONPATH=scripts $(PY) -m bench.accuracy

# The market at DEPLOYMENT (a deployment file), asked over RPC: is it this source?
verify: setup
	PYTHONPATH=scripts $(PY) scripts/verify_deployment.py $(DEPLOYMENT) $(RPC)

bench: setup
	PYTHONPATH=scripts $(PY) -m bench $(if $(DEMO),--demo)

clean:
	rm -rf build var cache .pytest_cache .mypy_cache .ruff_cache

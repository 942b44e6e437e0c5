# Every target is one script in scripts/. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test conformance bench bench-stores lint fmt coverage mutants fuzz-smoke integration load dist newcomers site windows tools clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' Makefile

demo: ## the whole authorization lifecycle against the embedded simulator
	@scripts/demo

test: ## everything, stage by stage (ONLY="10-rust 30-conformance" picks some)
	@scripts/test $(ONLY)

conformance: ## the vectors on every binding (VECTORS=dir BINDINGS="rust python")
	@VECTORS="$(VECTORS)" BINDINGS="$(BINDINGS)" scripts/conformance

bench: ## the benches, beside the peers, in one run
	@scripts/bench $(ARGS)

bench-stores: ## the stores and the fleet beside the bare PostgreSQL, in one run (ROWS=1000000)
	@scripts/bench-stores

lint: ## formatting, clippy, licences, documentation, wasm32 and the bindings' own linters
	@scripts/lint $(ONLY)

fmt: ## formats the Rust code
	@cargo fmt --all

coverage: ## lines of the state machine that the vectors alone reach
	@scripts/coverage $(ARGS)

mutants: ## how many deliberate faults in core the tests catch (ARGS="--file core/src/step.rs")
	@scripts/mutants $(ARGS)

fuzz-smoke: ## every fuzz target for ten seconds (SECONDS_EACH=10)
	@SECONDS_EACH="$(SECONDS_EACH)" scripts/fuzz-smoke

integration: ## a web integration to click through in a browser (PORT=8080; CLIENT_ID and CLIENT_SECRET for real Webex)
	@scripts/integration

load: ## the sample integration under load: 1,000 users, faults at 5 %, 60 s (CLUSTER=1: nodes that die; STORE=redis)
	@CLUSTER="$(CLUSTER)" STORE="$(STORE)" scripts/load

dist: ## what the registries would take, built and checked in target/dist (ONLY="command maven")
	@scripts/dist $(ONLY)

newcomers: ## does literally what README.md says, on a fresh clone, for each kind of user (ONLY="python rust")
	@scripts/newcomers $(ONLY)

site: ## the pages as one site, in target/site
	@scripts/checks/68-site

windows: ## the tests of core, driver and command, compiled for Windows and run under Wine
	@scripts/windows

tools: ## installs the tools that the other targets would install when needed
	@scripts/tools cargo-deny cargo-llvm-cov cargo-mutants cargo-fuzz cargo-semver-checks

clean: ## removes build output; installed tools stay
	@cargo clean

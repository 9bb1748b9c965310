# The commands of the repository. Each does all the set-up it needs; nothing has to be installed by hand first.
SHELL := bash
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
.DEFAULT_GOAL := help
.PHONY: help engines test test-swmetal test-metal check bench bench-quick chaos clean

help: ## Lists these commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

engines: ## Starts the nine engines; ARGS="..." is handed to `nautilus up`.
	@scripts/setup.sh
	@exec bun src/cli/nautilus.ts up $(ARGS)

test: ## Runs every test, native and TypeScript, and prints the totals.
	@scripts/setup.sh --test-tools
	@bun scripts/test.ts $(ARGS)

check: ## Checks format, lint, types, import rules, file sizes, words and docs.
	@scripts/setup.sh --check-tools
	@bun scripts/check.ts $(ARGS)

bench: ## Measures speed-ups, kernels and engines in under 15 minutes; writes bench/results.json and bench/RESULTS.md.
	@scripts/setup.sh
	@bun bench/index.ts $(ARGS)

bench-quick: ## The same for speed-ups and kernels with few rounds, in under 2 minutes; not to quote.
	@scripts/setup.sh
	@bun bench/index.ts --quick speedups kernels

test-swmetal: ## Runs the Metal kernels on a software device and breaks them on purpose; ARGS="--all" or "--sample 300 --seed 1".
	@scripts/setup.sh --test-tools
	@bun scripts/test-swmetal.ts $(ARGS)

test-metal: ## Compares the Metal kernels with the CPU on the GPU of a Mac; writes build/metal-report.txt to send back.
	@scripts/setup.sh
	@bun scripts/test-metal.ts $(ARGS)

chaos: ## Breaks the running system at random and checks that nothing is lost; ARGS="--seconds 60 --seed 1 --bus hub".
	@scripts/setup.sh --test-tools
	@bun test/chaos/index.ts $(ARGS)

clean: ## Removes what builds and tests made; dependencies and data stay.
	rm -rf build coverage

# The commands of this project; `make` or `make help` lists them. What takes more than a line is in scripts/.

.DEFAULT_GOAL := help
.PHONY: help run test bench fmt prepare clean-stack deps

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: deps ## Install what is missing, build, and run the shop on http://127.0.0.1:8080 with a stack of its own
	SQLX_OFFLINE=true cargo build --release --locked
	exec "$${CARGO_TARGET_DIR:-target}/release/bookstore" dev

test: deps ## Install what is missing and run every check and test
	@scripts/test

bench: deps ## Measure the running figures of the README
	@load-tests/run

fmt: ## Format the sources
	cargo fmt

prepare: deps ## Bring .sqlx/ and openapi/openapi.json up to date after a change of queries or the API
	@scripts/sqlx-prepare
	SQLX_OFFLINE=true cargo run --quiet --locked -- openapi > openapi/openapi.json.new
	mv openapi/openapi.json.new openapi/openapi.json

clean-stack: ## Remove the data of the local stacks: the next `make run` starts anew
	@scripts/clean-stack

deps:
	@scripts/install-deps

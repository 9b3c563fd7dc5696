# Every target only calls an npm script, so everything also works without make.
.DEFAULT_GOAL := help
.PHONY: help install dev start debug test test-changed test-unit test-integration test-e2e coverage bench lint format migrate db-create db-reset audit-compact docker-up docker-down

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Install the dependencies, if they are missing or out of date
	@node scripts/install.mjs

dev: ## Run the service with auto-reload, on an embedded PostgreSQL unless DATABASE_URL is set
	@npm run --silent dev

debug: ## Run the service with a debugger port (9229), without auto-reload
	@npm run --silent debug

start: ## Run the service from a production build
	@npm start --silent

test: ## Everything that CI checks: format, lint, types, dependency rules, all tests
	@npm test --silent

test-changed: install ## Unit tests of the files that differ from the last commit
	@npm run --silent test:changed

test-unit: install ## Tests without I/O
	@npm run --silent test:unit

test-integration: install ## Tests of modules on a real PostgreSQL
	@npm run --silent test:int

test-e2e: install ## Tests of the whole service over HTTP
	@npm run --silent test:e2e

coverage: install ## All tests, with coverage in coverage/
	@npm run --silent coverage

bench: ## Run the benchmarks on this machine, relative to plain PostgreSQL and plain HTTP (make bench ARGS="--list")
	@npm run --silent bench -- $(ARGS)

lint: install ## Check format, lint rules, types and dependency rules
	@npm run --silent lint

format: install ## Format all files
	@npm run --silent format

migrate: install ## Apply the migrations to the database
	@npm run --silent migrate -- $(ARGS)

db-create: install ## Create the database if it does not exist, and apply the migrations
	@npm run --silent db-create -- $(ARGS)

db-reset: install ## Drop the database with all its data and create it again (asks for its name; make db-reset ARGS="--yes")
	@npm run --silent db-reset -- $(ARGS)

audit-compact: install ## Remove events older than the retention period from the log (make audit-compact ARGS="--export-dir <folder> --dry-run")
	@npm run --silent audit-compact -- $(ARGS)

docker-up: ## Run PostgreSQL and the service in containers
	@npm run --silent docker-up

docker-down: ## Stop the containers; keep their data
	@npm run --silent docker-down

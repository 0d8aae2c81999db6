# Komainu: `make run` to see it work, `make test` to see it hold.
#
#   make run                      the proxy on https://127.0.0.1:8443 before a sample Torii server
#   make run UPSTREAM=https://…   the proxy before a real server
#   make test                     every test, those with real MCP clients included
#   make build                    the release program, .build/release/komainu
#   make lint                     formatting, and who may import whom
#   make bench                    beside nginx, on this machine

.PHONY: run test build lint bench

UPSTREAM ?=

run: build
	@.ci/demo "$(UPSTREAM)"

build:
	@.ci/packages build
	@.ci/build release

test:
	@.ci/test

lint:
	@.ci/packages build
	@.ci/lint

bench: build
	@.ci/packages bench
	@Tests/Bench/run

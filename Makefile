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
	@Scripts/run "$(UPSTREAM)"

build:
	@Scripts/packages build
	@Scripts/build release

test:
	@Scripts/test

lint:
	@Scripts/packages build
	@Scripts/lint

bench: build
	@Scripts/packages bench
	@Tests/Bench/run

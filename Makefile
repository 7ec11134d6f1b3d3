# What there is to do: build, test, lint, fmt, docs, manifests, bench, demo.
# Needed: Go, git, make and, for the race detector, a C compiler.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

# The version that the binary tells; empty for a development build.
RELEASE ?=
LDFLAGS := -s -w $(if $(RELEASE),-X main.release=$(RELEASE))

.PHONY: build test lint unit acceptance servers fmt docs manifests bench demo clean

build:
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

test: lint unit acceptance

lint:
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go vet -tags acceptance ./...
	go tool staticcheck -tags acceptance ./...

unit:
	CGO_ENABLED=1 go test -race ./...

# The acceptance tests run against real servers, which are built once per
# machine and kept in the user's cache directory. Nothing is taken from the test
# cache: the scripts run a program that the go command does not know they
# depend on.
servers:
	@echo "Looking for the servers of the acceptance tests; building one takes 10 to 20 minutes, once per machine."
	go run ./acceptance/servers/cmd/fetch-servers

acceptance: servers
	CGO_ENABLED=1 go test -race -tags acceptance -count=1 -timeout 20m ./acceptance/... ./sinks/... ./cmd/credsync

fmt:
	gofmt -w .
	go run ./cmd/credsync fmt examples

docs:
	go test ./internal/reference ./internal/metrics -update

# The plain manifests, from the Helm chart.
manifests:
	go test -tags acceptance -count=1 -run TestManifestsAreNotStale ./acceptance/deploy -update

bench:
	go test -run '^$$' -bench . -benchmem ./...

demo:
	@scripts/demo.sh

clean:
	rm -rf bin

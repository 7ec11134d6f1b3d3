# Targets: build, test, test-anytime, lint, fmt, docs, man, manifests, bench,
# bench-compare, fuzz, mutate, soak, demo, verify-release.
# Needed: Go, git, make and, for the race detector, a C compiler.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

# The version that the binary reports; empty for a development build.
RELEASE ?=
LDFLAGS := -s -w $(if $(RELEASE),-X main.release=$(RELEASE))

.PHONY: build test test-anytime lint unit acceptance soak servers fmt docs manifests bench bench-compare demo clean man fuzz mutate verify-release

build:
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

test: lint unit acceptance

# The platforms that the program is built for. vet-platforms leaves out the one that it
# runs on; what was checked before comes from the cache.
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

define vet-platforms
@for platform in $(filter-out $(shell go env GOOS)/$(shell go env GOARCH),$(PLATFORMS)); do \
	echo "go vet for $$platform"; \
	GOOS=$${platform%/*} GOARCH=$${platform#*/} CGO_ENABLED=0 go vet ./... || exit 1; \
done
endef

lint:
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go vet -tags acceptance ./...
	$(vet-platforms)
	go -C acceptance/browser vet ./...
	go -C acceptance/monitoring vet ./...
	go -C scripts/tools vet ./...
	go tool staticcheck -tags acceptance ./...

unit:
	CGO_ENABLED=1 go test -race ./...
	go test -run '^TestAllInterleavings$$' ./engine
	go -C scripts/tools test ./...

# The unit tests at other times, in other zones, as other users; see
# CONTRIBUTING.md. CONDITIONS and PACKAGES limit what is run.
CONDITIONS ?=
test-anytime:
	@scripts/test-any-time.sh $(CONDITIONS)

# The acceptance tests run against real servers, which are built once per
# machine and kept in the user's cache directory. Nothing is taken from the test
# cache: the scripts run a program that the go command does not know they
# depend on.
servers:
	@echo "Looking for the servers of the acceptance tests; building one takes 10 to 20 minutes, once per machine."
	go run ./testkit/servers/cmd/build-servers
	scripts/chromium.sh

# The tests in a browser are a module of their own, so that the product does not
# depend on what drives a browser. So are those with Prometheus' engine.
acceptance: servers
	go -C acceptance/browser test -count=1 -timeout 10m ./...
	go -C acceptance/monitoring test -count=1 -timeout 10m ./...
	CGO_ENABLED=1 go test -race -tags acceptance -count=1 -timeout 30m $$(go list -tags acceptance ./acceptance/... ./sinks/... ./cmd/credsync | grep -v /acceptance/leak$$)
	go test -tags acceptance -count=1 -timeout 20m ./acceptance/leak

# The long tests: every interleaving, many seeds, many accounts, and waits as
# long as real ones. docs/reliability.md says what each attacks.
soak: servers
	go test -tags 'acceptance soak' -count=1 -timeout 120m -run 'Soak' ./...

fmt:
	gofmt -w .
	go run ./cmd/credsync fmt examples

docs:
	go test ./reference ./metrics -update
	go test ./cmd/credsync -run TestCommandsPageIsNotStale -update
	go test ./acceptance/answers -run TestTheTableOfAnswersIsNotStale -update

# The manual pages of the commands.
man:
	go run -ldflags '$(LDFLAGS)' ./cmd/credsync man bin/man

# The plain manifests, from the Helm chart.
manifests:
	go test -tags acceptance -count=1 -run TestManifestsAreNotStale ./acceptance/deploy -update

# Measures whole runs against a plain client; prints the table of docs/performance.md.
LARGE ?= 10000
bench: servers
	go test -tags bench -count=1 -timeout 90m -run TestBench -v ./bench -large $(LARGE) $(BENCHFLAGS)

# The benchmarks of pure code, of another revision and this one alternately.
REV ?= HEAD
bench-compare:
	@scripts/bench-compare.sh $(REV)

# Each fuzzer, one after the other, for this long.
FUZZTIME ?= 30s

fuzz:
	@scripts/fuzz.sh $(FUZZTIME)

# Changes N places of the code, one at a time, and says which changes the tests
# of their package do not notice; see CONTRIBUTING.md. PACKAGES limits where.
SEED ?= 1
N ?= 50

mutate:
	@nice -n 10 go -C scripts/tools run ./mutate -root '$(CURDIR)' -seed $(SEED) -n $(N) $(PACKAGES)

demo:
	@scripts/demo.sh

# Builds the commit twice, in different environments, and compares the bytes.
verify-release:
	scripts/release.sh --verify

clean:
	rm -rf bin

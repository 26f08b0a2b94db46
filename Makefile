# Outrigger's commands. "make" alone lists them.
#
# Everything runs from Go modules: Go, git and make are enough. What is slow to
# build is kept in .cache (elsewhere if OUTRIGGER_CACHE names a folder).

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The version that the binaries report.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# The image, and the first of the engines that not only is there but answers.
IMAGE ?= outrigger-injector:$(VERSION)
ENGINE ?= $(shell for e in docker podman buildah; do $$e info >/dev/null 2>&1 && { echo $$e; break; }; done)

.PHONY: help
help: ## list these targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | awk -F '\t' '{ printf "  %-12s %s\n", $$1, $$2 }'

.PHONY: demo
demo: ## show Outrigger at work on a real API server, on this machine; stays up
	@go -C test/demo run . up

.PHONY: demo-down
demo-down: ## stop what "make demo" started
	@go -C test/demo run . down

.PHONY: demo-real
demo-real: cluster-deps ## show it in a cluster with a real node: pods run, and traffic goes through the sidecar (root)
	@go -C test/demo run . real

.PHONY: cluster-deps
cluster-deps: ## install what a cluster with a real node needs (root, Debian), or say what is missing
	@go -C test/cluster run ./cmd/cluster deps

.PHONY: cluster
cluster: ## start a cluster with a real node, without a container engine; stays up
	@go -C test/cluster run ./cmd/cluster up

.PHONY: cluster-down
cluster-down: ## stop what "make cluster" and "make demo-real" started
	@go -C test/cluster run ./cmd/cluster down

.PHONY: build
build: ## build the command line and the server into bin/
	@CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o bin/ ./cmd/...
	@ls -sh1 bin

.PHONY: test
test: ## run every test suite; ends with a table of counts and wall times
	@go -C tools run ./suites

.PHONY: e2e
e2e: ## run only the end-to-end tests, on a real API server
	@go -C tools run ./suites binaries e2e

.PHONY: e2e-real
e2e-real: cluster-deps ## run the tests on pods that run, in a cluster with a real node
	@go -C tools run ./suites binaries node cluster e2ereal

.PHONY: test-matrix
test-matrix: ## run the laws and the install on the oldest Kubernetes that the chart allows, and on one newer than ours
	@for version in oldest next; do \
		OUTRIGGER_TEST_KUBERNETES=$$version go -C tools run ./suites binaries matrix || exit 1; \
	done

.PHONY: soak
soak: cluster-deps ## create pods while everything happens to Outrigger in a cluster with a real node: none may be lost; then kill install and uninstall (RATE=50 FOR=5m KILLS=10 SEED=1)
	@go -C test/cluster run ./cmd/soak -rate $(or $(RATE),50) -for $(or $(FOR),5m)
	@go -C test/e2e test ./chart -count=1 -timeout=45m -v -run 'KilledAndRunAgain' -kills $(or $(KILLS),10) -seed $(or $(SEED),1)

.PHONY: ui-deps
ui-deps: ## install what the tests of the dry run's page need (root, Debian), or say what is missing
	@go -C test/ui run ./cmd/ui deps

.PHONY: ui-test
ui-test: ui-deps ## try the dry run's page in a real browser, and make screenshots
	@go -C tools run ./suites binaries ui

# A round runs every benchmark for TIME; the tables have the medians of COUNT
# rounds. RUN picks benchmarks, RAW names a file to keep Go's own output in, and
# CPUTIME=1 compares the time of all cores, for a machine that is busy.
COUNT ?= 5
TIME ?= 50ms
RUN ?= .
BENCH = go -C tools run ./bench -count $(COUNT) -time $(TIME) -run '$(RUN)' $(if $(CPUTIME),-cputime) $(if $(RAW),-raw $(abspath $(RAW)))

.PHONY: bench
bench: ## measure what an admission costs, beside the floor (COUNT=5 TIME=50ms RUN=Skip RAW=FILE)
	@$(BENCH) -dir ../test/bench -base floor

.PHONY: bench-peers
bench-peers: TIME = 100ms
bench-peers: ## measure it beside Istio's injector (the same variables, TIME=100ms)
	@$(BENCH) -dir ../test/peers -base istio -faster -optional -cpu 1

.PHONY: bench-e2e
bench-e2e: ## create pods on a real API server, with and without Outrigger (CLIENTS=16 FOR=20s)
	@go -C test/e2e run ./load -clients $(or $(CLIENTS),16) -for $(or $(FOR),20s)

.PHONY: bench-memory
bench-memory: ## fill a real API server and measure what memory the server takes, and its start (NAMESPACES=10000 NODES=5000 PODS=100000)
	@go -C test/e2e run ./size -namespaces $(or $(NAMESPACES),10000) -nodes $(or $(NODES),5000) -pods $(or $(PODS),100000)

.PHONY: bench-look
bench-look: ## measure how long analyze and status take in a large cluster, and its memory (NAMESPACES=200 PODS=5000)
	@go -C test/e2e run ./look -namespaces $(or $(NAMESPACES),200) -pods $(or $(PODS),5000)

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, govulncheck and the shape of the code, in every module
	@go -C tools run ./lint

.PHONY: image
image: ## build the server's image with docker, podman or buildah (IMAGE names it)
	@test -n "$(ENGINE)" || { echo "image: none of docker, podman and buildah works here: install one of them" >&2; exit 1; }
	$(ENGINE) build $(IMAGE_FLAGS) --build-arg VERSION=$(VERSION) -t $(IMAGE) .

.PHONY: fmt
fmt: ## write every Go file as gofmt wants it
	@git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 gofmt -w

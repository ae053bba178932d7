# GNU make. `make` alone prints the targets.

# An existing GOFLAGS is kept. Builds depend neither on the state of the checkout nor on its
# place, so that another checkout has its packages in Go's cache.
export GOFLAGS := $(filter-out -trimpath,$(GOFLAGS)) -trimpath
GO      ?= go
GOARCH  ?= $(shell $(GO) env GOARCH)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# What runs here and now is built for this system.
GOOS    := linux
demo serve: GOOS := $(shell $(GO) env GOOS)
BUILD    = CGO_ENABLED=0 GOOS=$(GOOS) GOARCH=$(GOARCH) $(GO) build -trimpath -buildvcs=false -tags lambda.norpc \
           -ldflags '-s -w -X main.version=$(VERSION)'

.DEFAULT_GOAL := help
.PHONY: help demo test test-race test-plain test-scripts build lint e2e proof mutants bench serve audit deploy build-RotateFunction build-RotateApiTokenFunction build-AuditFunction

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: build ## rotations and audits by the built functions, on stand-ins of AWS and Databrain; needs Go alone
	$(GO) run ./scripts/demo

test: export GOGC := 400 # the tests are short of time, not of memory
test: export GORACE := atexit_sleep_ms=20 # in place of a second for each package
# The race detector is for the packages whose tests drive goroutines, and sees most stand-ins
# in those. It makes them many times as slow: of the rotation and the audit it gets a sample,
# and they run again without it.
# A package that did not change is not tested again, except by CI, and except scripts, whose
# tests run programs that Go's cache of results knows nothing of. make lint has go vet.
# The three run side by side, and more packages at a time than there are cores, because
# tests wait for timers too.
standin  := eventbridgetest|leaktest|s3test|secretsmanagertest/conformance|securityhubtest
plain    := pkg/(audit/finding|audit/report|databrain|emf|jsonobject|rotation/diagnosis|settings|standin/($(standin))|tokensecret)
PACKAGES := $(GO) list ./functions/... ./pkg/...
TEST     := $(GO) test -vet=off $(if $(CI),-shuffle=on)
test: ## all tests that need nothing but Go (and gcc, for the race detector)
	@$(MAKE) --no-print-directory -j test-race test-plain test-scripts

test-race:
	$(TEST) -p 4 -race $$($(PACKAGES) | grep -vE '/$(plain)$$')

test-plain:
	$(TEST) -p 2 -skip '^TestMemory$$' ./pkg/rotation ./pkg/audit $$($(PACKAGES) | grep -E '/$(plain)$$')

test-scripts:
	$(TEST) -p 2 -count=1 ./scripts/...

build: ## the functions as static Linux binaries, in build/, for GOARCH
	$(BUILD) -o build/rotate/bootstrap ./functions/rotate
	$(BUILD) -o build/rotate-api-token/bootstrap ./functions/rotate-api-token
	$(BUILD) -o build/audit/bootstrap ./functions/audit

lint: ## formatting, vet, staticcheck, actionlint, and shellcheck if it is there
	sh scripts/lint.sh

e2e: ## the real parts: LocalStack, an IAM simulator, SAM CLI, Docker, AWS CLI; installs what it needs
	$(GO) run ./scripts/e2e

proof: ## the long tests: all pairs of faults, long histories, the audit at full size, fuzzing
	sh scripts/proof.sh

mutants: ## remove each guard of the rotation in turn; a test must notice
	$(GO) run ./scripts/check/mutants

bench: ## measure what scripts/bench/README.md shows; four minutes, needs Python
	$(GO) run ./scripts/bench
	@mkdir -p build
	$(GO) test -run '^$$' -bench . -benchmem -benchtime 100ms -count 6 ./pkg/rotation ./pkg/tokensecret ./pkg/databrain ./pkg/audit/... >build/bench.txt
	$(GO) run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da build/bench.txt

serve: build ## keep the stand-ins up, to try rotations and audits with the AWS CLI
	$(GO) run ./scripts/serve

# A recipe that fails makes the status of make itself 2. Where the status decides, run the script.
audit: ## audit your own instance from here, without AWS; ARGS=-help lists the options
	@VERSION=$(VERSION) sh scripts/audit.sh $(ARGS)

deploy: ## sam build and sam deploy --guided; needs the SAM CLI and an AWS account
	VERSION=$(VERSION) sh scripts/deploy.sh $(if $(filter file,$(origin GOARCH)),,$(patsubst amd64,x86_64,$(GOARCH)))

# The SAM CLI calls these (BuildMethod: makefile) and does not say for which
# architecture: the template's default, unless GOARCH is given.
build-RotateFunction build-RotateApiTokenFunction build-AuditFunction: GOARCH := $(if $(filter file,$(origin GOARCH)),arm64,$(GOARCH))

build-RotateFunction:
	$(BUILD) -o $(ARTIFACTS_DIR)/bootstrap ./functions/rotate

build-RotateApiTokenFunction:
	$(BUILD) -o $(ARTIFACTS_DIR)/bootstrap ./functions/rotate-api-token

build-AuditFunction:
	$(BUILD) -o $(ARTIFACTS_DIR)/bootstrap ./functions/audit

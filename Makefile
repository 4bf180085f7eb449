# The front door; Meson and Ninja do the work. Every target installs what it needs first (Debian 12, root).
BUILD  ?= build
PREFIX ?= /usr/local
N      ?= 20000
JOBS   ?= $(shell nproc)

.PHONY: build demo uninstall-demo test conformance test-peers install image image-push bench bench-push bench-render bench-peers sim fuzz fmt lint clean

build: ## a release build in $(BUILD)
	@scripts/setup build
	@scripts/build $(BUILD)

demo: ## a local control plane, a repository, and Capstan at work
	@scripts/demo

uninstall-demo: ## every trace of `make demo` goes
	@scripts/demo --remove

test: ## everything that must hold
	@scripts/setup test
	@scripts/test

test-peers: ## `capstan build` beside the real kustomize: make test-peers PEERS='--count 20000'
	@scripts/setup test
	@scripts/build $(BUILD)
	@tests/peers/run --capstan $(BUILD)/src/cmd/capstan $(PEERS)

install: build
	DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild --quiet

image: ## a container image of it: make image IMAGE=NAME:TAG
	@scripts/setup image
	@scripts/build $(BUILD)
	@scripts/image $(BUILD)

image-push: ## that of the push service, with sshd, git and buildah: make image-push IMAGE=NAME:TAG
	@scripts/setup image-push
	@scripts/build $(BUILD)
	@scripts/image --push $(BUILD)

bench: ## the figures, beside the floor
	@scripts/setup test
	@scripts/build $(BUILD)
	@tests/bench/run --build $(BUILD) $(BENCH)

bench-push: ## pushes beside a bare git: make bench-push PUSH='--only ssh,http'
	@scripts/setup test
	@scripts/build $(BUILD)
	@tests/bench/push --build $(BUILD) $(PUSH)

bench-render: ## renders beside the real kustomize: make bench-render RENDER='--objects 5,21'
	@scripts/setup test
	@scripts/build $(BUILD)
	@tests/bench/render --build $(BUILD) $(RENDER)

bench-peers: ## the same beside Flux: make bench-peers PEERS='--apps 1000'
	@scripts/setup test
	@scripts/build $(BUILD)
	@tests/bench/peers --build $(BUILD) $(PEERS)

sim: ## make sim N=100000
	@scripts/setup test
	@scripts/build $(BUILD) tests/sim/sim
	@$(BUILD)/tests/sim/sim --count $(N) --jobs $(JOBS)

conformance: ## cases of kustomize: make conformance CASES=DIR
	@scripts/setup build
	@scripts/build $(BUILD) src/cmd/capstan
	@CAPSTAN=$(BUILD)/src/cmd/capstan scripts/conformance $(CASES)

fuzz: ## every target for FUZZ_SECONDS each
	@scripts/setup test
	@scripts/fuzz

fmt:
	@scripts/setup test
	@git ls-files '*.c' '*.h' | xargs clang-format -i

lint:
	@scripts/setup test
	@scripts/lint

clean:
	rm -rf build build-*

# make demo    try it, in about a minute
# make test    everything that must hold, against a real sshd and a real redis-server

GO ?= go
# Where a package is missing: as root as it is, else with sudo.
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo,)
FUZZTIME ?= 20s
SOAK ?= 10m

.PHONY: build demo test parts check lint fuzz soak vuln

build:
	$(GO) build -o bin/sftpgate ./cmd/sftpgate

demo: build
	./bin/sftpgate demo

test: parts check
	$(GO) test -race -p 2 -timeout 20m ./...

# What go vet and gofmt say.
check:
	$(GO) vet ./...
	@unformatted=$$(gofmt -l cmd gateway remote); \
	if [ -n "$$unformatted" ]; then echo "gofmt these:"; echo "$$unformatted"; exit 1; fi

# The real parts that the tests run against. tcsh is for an
# account whose login shell is csh, gcc for the race detector, node for what reads
# the API's description: packages of exact versions, none of whose own scripts is run.
parts:
	@missing=; \
	command -v sshd >/dev/null || test -x /usr/sbin/sshd || missing="$$missing openssh-server"; \
	command -v ssh-keygen >/dev/null || missing="$$missing openssh-client"; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v curl >/dev/null || missing="$$missing curl"; \
	command -v csh >/dev/null || missing="$$missing tcsh"; \
	command -v gcc >/dev/null || missing="$$missing gcc libc6-dev"; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	[ -z "$$missing" ] && exit 0; \
	command -v apt-get >/dev/null || { echo "install these, then run make test again:$$missing"; exit 1; }; \
	echo "installing$$missing"; \
	$(SUDO) apt-get update -qq </dev/null && \
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing </dev/null
	@cd gateway/api/apitest && { test node_modules/.package-lock.json -nt package-lock.json || \
	npm ci --ignore-scripts --include=dev --no-audit --no-fund --loglevel=error </dev/null; }

lint: check
	@if command -v golangci-lint >/dev/null; then golangci-lint run ./...; \
	else echo "golangci-lint is not installed; its import rules are tested instead"; \
	$(GO) test -count=1 -run TestImport ./cmd/sftpgate; fi

# Known weaknesses in what this is built from; it asks vuln.go.dev.
vuln:
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...

# Many users and random kills for SOAK; what it saw stands at its end.
soak: parts
	$(GO) test -tags soak -count=1 -v -timeout 60m -run TestSoak ./cmd/sftpgate -soak.for $(SOAK)

# Every fuzz test for FUZZTIME, one after the other.
fuzz:
	@set -e; grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do \
	for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file"); do \
	echo "$$name in $$(dirname "$$file")"; \
	$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")"; done; done

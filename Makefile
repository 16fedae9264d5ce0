# make demo    try it, in about a minute
# make test    everything that must hold, against a real sshd and a real redis-server
# make bench   how fast, beside scp; BENCH=-quick for a minute and a half instead of half an hour

GO ?= go
# What the binary says that it is: the tag, or the commit.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
# Where a package is missing: as root as it is, else with sudo.
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo,)
FUZZTIME ?= 20s
FUZZSHORT ?= 1000x
FUZZMINIMIZE ?= 10s
SOAK ?= 10m

# A package that takes longer hangs: on the slowest machine each is far from it.
TIMEOUT := 45m
# Runs the tests and says what they do, from the Go module proxy like every module.
GOTESTSUM := $(GO) run gotest.tools/gotestsum@v1.13.0

# Where packages of npm are installed.
NODE := gateway/api/apitest gateway/browsertest gateway/page/client gateway/page/app examples

.PHONY: build page demo test prove bench parts lint fuzz fuzz-package fuzz-short unraced benchmarks tests soak vuln gosec

build:
	$(GO) build -ldflags '-X main.release=$(VERSION)' -o bin/sftpgate ./cmd/sftpgate

# The page and the browsers' client, from their TypeScript. What comes out is committed,
# so that build needs no Node; make test compares it.
page: parts
	npm run --silent --prefix gateway/page/client build && npm run --silent --prefix gateway/page/app build
	$(GO) test -count=1 ./gateway/page -run TestDocsPanel -update

demo: build
	./bin/sftpgate demo

# Each part says when it begins and how long it took; the tests come last. What parts
# waits for comes over the network, so the code is linted beside it.
test:
	@set -e; for part in "parts lint unraced" tests; do \
	echo "== $$part"; began=$$(date +%s); \
	$(MAKE) --no-print-directory -j 3 $$part; \
	[ "$$part" = tests ] || echo "== $$part: $$(($$(date +%s) - began)) s"; done

# What is tested is compiled twice and no more: with the race detector, which vetting
# uses as well, and without it and with fail points. Without what debuggers read both are
# compiled quicker; stack traces do not need it. The race detector does not watch x/crypto,
# through which all that is sent goes: that alone is a sixth of the work. In the environment
# it holds for what tests build themselves.
RACE := -race
PLAIN := -tags failpoints
FOR_TESTS = GOFLAGS="$$($(GO) env GOFLAGS) -gcflags=sftpgate/...=-dwarf=false -gcflags=golang.org/x/crypto/...=-race=false"

# $(call run,NAME,ARGUMENTS) tests with a line for each test that passes, without its
# subtests; then which took longest, what each package took (a second or more), what
# failed, and the closing line.
# Vetting is for lint, and linking is quicker without what debuggers read. Many tests
# wait for something, so more of them run at once than there are cores. A process with
# the race detector sleeps for a second at its end, for reports that come late.
define run
@mkdir -p bin; rm -f bin/$(1).*; set -o pipefail; \
$(FOR_TESTS) GORACE=atexit_sleep_ms=50 $(GOTESTSUM) --format testname --jsonfile bin/$(1).json -- $(RACE) -p 3 -parallel 6 -vet=off -ldflags=-w $(2) </dev/null 2>&1 | \
tee bin/$(1).log | grep --line-buffered -vE '^PASS [^ ]*\.(Test|Fuzz)[A-Za-z0-9_]*/'; status=$$?; \
echo "== the slowest, whole tests and parts of them"; \
$(GOTESTSUM) tool slowest --jsonfile bin/$(1).json --num 30; \
echo "== the packages, in seconds"; \
sed -nE -e 's/.*"Action":"(fail)","Package":"([^"]*)","Elapsed":([0-9]+).*/\3 \2 \1/p' -e 's/.*"Action":"(pass)","Package":"([^"]*)","Elapsed":([1-9][0-9]*).*/\3 \2 \1/p' bin/$(1).json | sort -rn; \
[ $$status -eq 0 ] || { echo "== what failed; more of it in bin/$(1).log"; \
sed -nE 's/.*"Action":"fail","Package":"[^"]*\/([^"/]*)","Test":"([^"]*)".*/\1 \2/p' bin/$(1).json | while read -r in test; do echo "$$in.$$test"; \
grep -F "/$$in\",\"Test\":\"$$test\"" bin/$(1).json | sed -nE 's/.*"Output":" *([a-z0-9_]+\.go:[0-9]+: .{0,200}).*/  \1/p' | head -n 2; done; }; \
grep -E '^DONE ' bin/$(1).log; exit $$status
endef

# The longest packages begin first, and those whose tests can run side by side come last,
# so that both cores are busy to the end.
LONGEST := ./gateway ./gateway/page ./cmd/sftpgate
WIDEST := ./remote/staging ./remote/sshpool ./remote/merge ./examples
tests prove fuzz-short: SHELL := /bin/bash
tests:
	$(call run,tests,-timeout $(TIMEOUT) $(LONGEST) $(shell $(GO) list ./... 2>/dev/null | grep -vxF "$$($(GO) list $(LONGEST) $(WIDEST))") $(WIDEST))

# What test explores a part of, whole: every prefix of the replays, every
# interleaving of the models, every step of the kills, the large files, and the whole
# suite of the dialects by every variant; and each benchmark once. For a release, and
# when anything changes that they are about.
PROOFS := Replay|TwoGateways|ChangeTheirMinds|CancelAt|ThousandsOf|Kill|Crowd|Gigabytes|Behind|ShellFarAway|^TestCopyDataAskedFor|EachVariant|^TestUploaders$$|^TestFileAndFolder$$|DamageBefore|FrozenMerger|FrozenServerOf|RealDiskFull|StrangeNames|CutAnywhere|CutOff
VARIED = $(shell grep -rl --include='*_test.go' 'dialecttest\.Variants' gateway/dialect | xargs -n 1 dirname | sort -u | sed 's|^|./|')
prove: parts fuzz-short benchmarks
	$(call run,prove,-count=1 -timeout 3h ./gateway ./gateway/page ./cmd/sftpgate ./remote/merge ./examples $(VARIED) -run '$(PROOFS)' -args -prove)

# What can be counted without the race detector alone: tests that it leaves out, which lint
# does not see.
unraced:
	@$(FOR_TESTS) $(GO) test $(PLAIN) -vet=all -count=1 -timeout $(TIMEOUT) -run 'Allocates?Nothing$$' $$(grep -rl --include='*_test.go' '^//go:build.*!race' cmd examples gateway remote | xargs -n 1 dirname | sort -u | sed 's|^|./|')

# Each benchmark still runs.
benchmarks:
	@$(FOR_TESTS) $(GO) test $(PLAIN) -vet=off -count=1 -timeout $(TIMEOUT) -run 'Allocates?Nothing$$' -bench . -benchtime 1x $$(grep -rl --include='*_bench_test.go' '^func Benchmark' gateway remote | xargs -n 1 dirname | sort -u | sed 's|^|./|')

# What linters say: go vet, gofmt, names, log keys, spelling, and which package may import
# which. Like all else it comes from the Go module proxy.
lint:
	@CGO_ENABLED=0 $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.5.0 run --allow-parallel-runners ./...

# Ourselves beside scp, sftp and rclone in one run; BENCH are its flags, as in
# make bench BENCH="-quick -rows far-.*". rclone is left out where it cannot be installed.
bench: build parts
	@command -v rclone >/dev/null || { command -v apt-get >/dev/null && echo "installing rclone" && \
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rclone </dev/null; } || \
	echo "without rclone: apt-get install rclone"
	$(GO) build -o bin/sftpgate-bench ./cmd/sftpgate-bench
	./bin/sftpgate-bench $(BENCH)

# The real parts that the tests run against. libnss-wrapper gives the test hosts
# accounts of their own, tcsh is for one whose login shell is csh, xfsprogs
# and btrfs-progs for filesystems with reflinks, gcc for the race
# detector, node for what reads the API's description and for the uploaders in
# examples (packages of exact versions, none of whose own scripts is run), chromium
# (its headless shell where the system has that apart) what those run in, nginx the proxy in front.
parts:
	@missing=; \
	command -v sshd >/dev/null || test -x /usr/sbin/sshd || missing="$$missing openssh-server"; \
	command -v ssh-keygen >/dev/null || missing="$$missing openssh-client"; \
	ls /usr/lib/*/libnss_wrapper.so /usr/lib*/libnss_wrapper.so 2>/dev/null | grep -q . || missing="$$missing libnss-wrapper"; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v curl >/dev/null || missing="$$missing curl"; \
	command -v csh >/dev/null || missing="$$missing tcsh"; \
	command -v mkfs.xfs >/dev/null || test -x /usr/sbin/mkfs.xfs || test "$$(uname)" != Linux || missing="$$missing xfsprogs"; \
	command -v mkfs.btrfs >/dev/null || test -x /usr/sbin/mkfs.btrfs || test "$$(uname)" != Linux || missing="$$missing btrfs-progs"; \
	command -v gcc >/dev/null || missing="$$missing gcc libc6-dev"; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	test -n "$$CHROMIUM" || command -v chromium-headless-shell >/dev/null || \
	{ command -v chromium >/dev/null && ! apt-cache show chromium-headless-shell >/dev/null 2>&1; } || missing="$$missing chromium-headless-shell"; \
	command -v nginx >/dev/null || test -x /usr/sbin/nginx || missing="$$missing nginx-light"; \
	[ -z "$$missing" ] && exit 0; \
	command -v apt-get >/dev/null || { echo "install these, then run make test again:$$missing"; exit 1; }; \
	echo "installing$$missing"; \
	$(SUDO) apt-get update -qq </dev/null && \
	{ apt-cache show chromium-headless-shell >/dev/null 2>&1 || missing=$$(echo "$$missing" | \
	sed "s/chromium-headless-shell/$$(command -v chromium >/dev/null || echo chromium)/"); } && \
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing </dev/null
	@for dir in $(NODE); do ( cd $$dir && { test node_modules/.package-lock.json -nt package-lock.json || \
	npm ci --ignore-scripts --include=dev --no-audit --no-fund --loglevel=error </dev/null; } ) & all="$$all $$!"; done; \
	for one in $$all; do wait $$one || exit 1; done

# Known weaknesses in what this is built from; it asks vuln.go.dev.
vuln:
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...

# Patterns that are often weaknesses; what is none says so at its place (#nosec).
# Left out: G304, files by a name that is not constant: whoever runs the gateway
# names them. And what is no part of it: the test kits, and what measures.
gosec:
	$(GO) run github.com/securego/gosec/v2/cmd/gosec@v2.27.1 -quiet -exclude G304 \
	-exclude-dir remotetest -exclude-dir registrytest -exclude-dir mergetest -exclude-dir sftpgate-bench ./...

# Many users and random kills for SOAK; what it saw stands at its end.
soak: parts
	@mkdir -p bin
	$(GO) test -tags soak -count=1 -v -timeout 60m -run TestSoak -artifacts -outputdir $(CURDIR)/bin ./cmd/sftpgate -soak.for $(SOAK)

# Every fuzz test for FUZZTIME: a time, or a number of inputs like 2000x. Each package
# is built once, FUZZJOBS of them are at it at once; what was found on the way is kept
# where go test keeps it, what fails is written into the package's testdata/fuzz.
# FUZZBUILD builds for coverage: what reaches new code is varied further.
FUZZJOBS ?= 1
FUZZBUILD ?= -fuzz .
fuzz:
	@grep -rl --include='*_test.go' '^func Fuzz' cmd gateway remote | xargs -n 1 dirname | sort -u | \
	xargs -P $(FUZZJOBS) -I DIR $(MAKE) --no-print-directory fuzz-package PACKAGE=DIR

fuzz-package:
	@set -e; bin=$$(mktemp -d); trap 'rm -rf "$$bin"' EXIT; cache=$$($(GO) env GOCACHE)/fuzz; cd "$(PACKAGE)"; \
	$(GO) test -c -vet=off -ldflags=-w $(FUZZBUILD) -o "$$bin/test" .; \
	for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' *_test.go); do \
	echo "$$name in $(PACKAGE)"; \
	"$$bin/test" -test.run '^$$' -test.fuzz "^$$name\$$" -test.fuzztime $(FUZZTIME) \
	-test.fuzzminimizetime $(FUZZMINIMIZE) -test.fuzzcachedir "$$cache/sftpgate/$(PACKAGE)"; done

# The same for a moment, as a part of make prove: variations of the seeds and of what
# make fuzz has kept. To watch what code each reaches, and to build for that, takes a
# hundred times as long as to try them. A number of inputs and not a time: a time that
# ends just then is now and then reported as a failure by go test.
fuzz-short:
	@$(MAKE) --no-print-directory fuzz FUZZTIME=$(FUZZSHORT) FUZZMINIMIZE=10x FUZZJOBS=2 FUZZBUILD= 2>&1 | \
	grep --line-buffered -v "was not built with coverage instrumentation"; exit $${PIPESTATUS[0]}

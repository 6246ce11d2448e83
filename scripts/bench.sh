#!/usr/bin/env bash
# Measures signature verification beside OpenSSL's, and the whole service beside the raw signature rate of the same keys.
set -euo pipefail
cd "$(dirname "$0")/.."
go test ./internal/brainpool -run '^$' -bench 'OpenSSL' -benchtime 1s
go run ./cmd/siegel-bench --report bench-report.md "$@"

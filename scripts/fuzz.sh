#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time, one after the other, and stops at the first finding.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-60s}
count=0
while IFS=: read -r file target; do
  echo "== $(dirname "$file") $target ($time)"
  go test "./$(dirname "$file")" -run '^$' -fuzz "^${target}\$" -fuzztime "$time" -fuzzminimizetime 10x
  count=$((count + 1))
done < <(git ls-files '*_test.go' | xargs grep -HoE '^func Fuzz[A-Za-z0-9_]+' | sed -E 's/:func /:/')
echo "$count fuzz targets, $time each, no finding"

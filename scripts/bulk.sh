#!/usr/bin/env bash
# Revokes CARDS cards (50000) at once while the server is killed three times in the middle, and counts: every card once, in the database and
# in the log. POSTGRES=DSN takes that database in place of an SQLite file. What is started here is stopped here.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/server.sh

cards=${CARDS:-50000}
work=$(mktemp -d)
server=
cleanup() {
  code=$?
  if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  if [[ $code -ne 0 && -f $work/siegeld.log ]]; then tail -n 5 "$work/siegeld.log" >&2; fi
  rm -rf "$work"
}
trap cleanup EXIT

go build -o "$work/" ./cmd/siegeld ./cmd/siegel ./cmd/siegel-bench ./cmd/siegel-ceremony
export PATH=$work:$PATH SIEGEL_DATA=$work/data
siegel-bench fill --cards "$cards" --data "$work/data" ${POSTGRES:+--postgres "$POSTGRES"}

config=()
if [[ -n ${POSTGRES:-} ]]; then
  printf 'store: {postgres: "%s"}\n' "$POSTGRES" >"$work/siegeld.yaml"
  config=(--config "$work/siegeld.yaml")
fi

serve() { start_server "$work" "${config[@]}" --http-listen off; }
revocation() { siegel --operator revocation-1 "$@"; }
field() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p"; }

serve
id=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
revocation --timeout 5m bulk plan --id "$id" --iccsn-from 00000000000000000000 --requester provider --reason weak-device --reference T-1 --out "$work/list.txt"
hash=$(sha256sum "$work/list.txt" | cut -d' ' -f1)
planned=$(wc -l <"$work/list.txt")
revocation --json bulk start "$id" --hash "$hash" --reason "campaign" >"$work/request.json"
request=$(field id <"$work/request.json")
sum=$(field parameters_sha256 <"$work/request.json" | base64 -d | od -An -tx1 | tr -d ' \n')
began=$(date +%s.%N)
siegel --operator security-1 approve "$request" --sha256 "$sum" >/dev/null

look() { revocation --json bulk watch "$id" --once >"$work/bulk.json"; done_=$(field done <"$work/bulk.json"); done_=${done_:-0}; state=$(field state <"$work/bulk.json"); }
for kill in 1 2 3; do
  while look; [[ $done_ -lt $((planned * kill / 4)) && $state != BULK_STATE_ENDED ]]; do sleep 0.02; done
  [[ $state != BULK_STATE_ENDED ]] || { echo "it ended before kill $kill: take more cards" >&2; exit 1; }
  kill -9 "$server"; wait "$server" 2>/dev/null || true
  echo "killed at $done_ of $planned"
  serve
done
revocation --timeout 10m bulk watch "$id" --every 200ms 2>/dev/null
seconds=$(echo "$(date +%s.%N) - $began" | bc)

# Every card of the list is named once by the log, and no other. The last entries get their places within a second.
sleep 2
siegel --operator auditor-1 --timeout 10m audit export "$work/export" --kind card-revoked >/dev/null
find "$work/export" -type f -exec cat {} + | grep -ao '"kind":"card-revoked"[^}]*"iccsn":"[0-9]\{20\}"' | sed 's/.*"iccsn":"//; s/"//' | sort >"$work/log.txt"
cmp <(sort "$work/list.txt") "$work/log.txt"
echo "each of the $planned cards has one entry that revokes it"
printf 'bulk revocation of %d cards, killed three times: %.1f s with the restarts, %.0f cards/s\n' "$planned" "$seconds" "$(echo "$planned / $seconds" | bc -l)"

#!/usr/bin/env bash
# The quick start: a ceremony on a throwaway token, a server, six card orders, and every certificate checked by OpenSSL and by
# siegel. Everything happens in a new folder below the system's temporary one; what is started here is stopped here.
# KEEP=1 keeps the folder.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/server.sh

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

begun=$SECONDS
work=$(mktemp -d)
server=
cleanup() {
  code=$?
  if [[ -n $server ]] && kill "$server" 2>/dev/null; then wait "$server" || true; fi
  if [[ $code -ne 0 && -f $work/siegeld.log ]]; then
    printf '\nThe demo failed. The end of the server log:\n' >&2
    tail -n 5 "$work/siegeld.log" >&2
  fi
  if [[ ${KEEP:-} ]]; then echo "Kept: $work"; else rm -rf "$work"; fi
}
trap cleanup EXIT

say "1. Build the three programs (the first build takes a minute or two, later ones seconds)"
go build -o "$work/" ./cmd/siegeld ./cmd/siegel ./cmd/siegel-ceremony
export PATH=$work:$PATH SIEGEL_DATA=$work/data

say "2. Ceremony: a token, roots and issuing CAs (RSA, brainpool, CV certificates), the log key, the operators"
siegel-ceremony test-hierarchy --data "$work/data" >"$work/record.md"
sed -n '/^## Certificates/,/^## Operators/p' "$work/record.md" | awk -F' *[|] *' '/^[|] [A-Z]/ { printf "   %-22s %-14s %s\n", $2, $3, $6 }'

say "3. Start siegeld: gRPC with mutual TLS on loopback, records in SQLite, keys in the token"
start_server "$work" --http-listen 127.0.0.1:0 --addresses-file "$work/addresses"
SIEGEL_OCSP=http://$(grep -o '"http": *"[^"]*"' "$work/addresses" | cut -d'"' -f4)/ocsp
export SIEGEL_OCSP
echo "   siegeld is ready at $SIEGEL_SERVER"

say "4. Issue six cards: four institutions, two of them with a qualified certificate, a connector and a card terminal"
siegel issue --out "$work/cards" testdata/orders/*.json

say "5. Send the first order again: the same card, byte for byte"
siegel issue --out "$work/again" testdata/orders/hospital-pharmacy.json >/dev/null
iccsn=$(ls "$work/again")
diff -r "$work/cards/$iccsn" "$work/again/$iccsn" && echo "   identical"

say "6. A bad order is refused, with field, rule and source, and leaves nothing behind"
sed 's/"iccsn": *"[0-9]*"/"iccsn": "8027600101169990086"/; s/"order_id": *"[^"]*"/"order_id": "bad-order"/' \
  testdata/orders/hospital-pharmacy.json >"$work/bad.json"
if siegel issue "$work/bad.json"; then echo "the bad order was not refused" >&2; exit 1; fi

say "7. OpenSSL verifies every X.509 chain"
checked=0 # against the ceremony's own roots, not those that came with the answer
cat "$work"/data/hierarchy/SIEGEL.{RCA,SMCB-qCA}?.pem >"$work/roots.pem"
cat "$work"/data/hierarchy/SIEGEL.{SMCB,KOMP}-CA?.pem >"$work/issuers.pem"
for card in "$work"/cards/*; do
  for der in "$card"/*.der; do
    openssl x509 -inform DER -in "$der" -out "$work/cert.pem"
    openssl verify -x509_strict -CAfile "$work/roots.pem" -untrusted "$work/issuers.pem" "$work/cert.pem" >/dev/null
    printf '   good  %s  %s\n' "$(basename "$card")" "$(basename "$der" .der)"
    checked=$((checked + 1))
  done
done
echo "   $checked X.509 certificates, every one verified by $(openssl version | cut -d' ' -f1,2)"

say "8. siegel verifies every chain, CV certificates included, offline"
trust=()
for root in "$work"/data/hierarchy/SIEGEL.{RCA,SMCB-qCA}?.pem "$work"/data/hierarchy/DESGX-8-*.cvc "$work"/data/hierarchy/DESGX-1-1-01-*.cvc; do trust+=(--trust "$root"); done
siegel verify "${trust[@]}" "$work/cards"

say "9. What a CV certificate says (siegel inspect)"
siegel inspect "$work/cards/$iccsn/C.SMC.AUTR_CVC.E256.cvc" | grep -E 'CAR|CHR|DESGX|key identifier|role:|bit (9|18|46):| = 20' | sed 's/^/   /'

say "10. The desk says that the holder has the card: OCSP says good. The holder loses it: OCSP says revoked, for ever"
openssl x509 -inform DER -in "$work/cards/$iccsn/C.HCI.AUT.R2048.der" -out "$work/cert.pem"
second_opinion() {
  local answer
  answer=$(openssl ocsp -issuer "$work/data/hierarchy/SIEGEL.SMCB-CA1.pem" -cert "$work/cert.pem" -url "$SIEGEL_OCSP" -CAfile "$work/roots.pem" \
    -verify_other "$work/issuers.pem" -nonce 2>&1)
  grep -q '^Response verify OK' <<<"$answer" || { echo "$answer" >&2; return 1; }
  sed -n 's/^.*cert.pem: /   openssl ocsp, signature verified: /p' <<<"$answer"
}
second_opinion
siegel --operator desk-1 activate "$iccsn" --reference B-1 | sed -n '1,2s/^/   /p'
second_opinion
siegel --operator revocation-1 revoke "$iccsn" --requester holder --reason lost --reference T-1 --yes | sed 's/^/   /'
second_opinion
if siegel --operator desk-1 activate "$iccsn" --reference B-2 2>/dev/null; then echo "a revoked card became active again" >&2; exit 1; fi

say "11. An auditor exports the log and verifies it offline, with nothing but its public key"
siegel --operator auditor-1 audit export "$work/export" | sed 's/^/   /'
siegel audit verify "$work/export" --log-key "$work/data/hierarchy/log.vkey" --whole | sed 's/^/   /'

say "12. Somebody changes one letter of one entry: it is found and named"
sed -i '0,/"actor":"line-1"/s//"actor":"line-2"/' "$work"/export/entries*.jsonl
if siegel audit verify "$work/export" --log-key "$work/data/hierarchy/log.vkey" >"$work/verdict"; then echo "the change was not found" >&2; exit 1; fi
sed -n '/^wrong/,$p' "$work/verdict" | sed 's/^/   /'

say "Done in $((SECONDS - begun)) seconds. Next: README.md, or KEEP=1 make demo to look at the files."

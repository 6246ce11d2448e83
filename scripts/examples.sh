#!/usr/bin/env bash
# Compiles and runs the example clients of proto/examples against a real server: each issues the card of one order, and what it prints is
# compared with what siegel says of that card. An example whose tools are not on this machine, or whose packages cannot be fetched, is named and
# left out.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/server.sh

work=$(mktemp -d)
server=
cleanup() {
  code=$?
  if [[ $code -ne 0 && -f $work/siegeld.log ]]; then tail -n 20 "$work/siegeld.log" >&2; fi
  if [[ -n $server ]] && kill "$server" 2>/dev/null; then wait "$server" || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

# What the clients are made from: the project's .proto files and those that they import.
(cd tools && go run ./importproto ../bin/proto)
protos=bin/examples/proto
rm -rf "$protos" && mkdir -p "$protos"
cp -r bin/proto/buf "$protos/"
mkdir -p "$protos/siegel/v1" && cp proto/siegel/v1/*.proto "$protos/siegel/v1/"

go build -o "$work/" ./cmd/siegeld ./cmd/siegel ./cmd/siegel-ceremony
export PATH=$work:$PATH
siegel-ceremony test-hierarchy --data "$work/data" >/dev/null 2>"$work/ceremony.log" || { cat "$work/ceremony.log" >&2; exit 1; }
start_server "$work" --http-listen off
address=$SIEGEL_SERVER

ran=() not=()
# check NAME ORDER COMMAND...: runs a client and compares the slots that it prints with those of the card.
check() {
  local name=$1 order=testdata/orders/$2.json
  shift 2
  "$@" "$address" "$work/data/tls" line-1 "$order" | sort >"$work/got"
  local id
  id=$(sed -n 's/.*"order_id": *"\([^"]*\)".*/\1/p' "$order" | head -n 1)
  siegel --server "$address" --data "$work/data" --json card --order "$id" |
    awk -F'"' '/"iccsn"/ { card = $4 } /"slot"/ { print card, $4 }' | sort >"$work/want"
  cut -d' ' -f1,2 "$work/got" | diff - "$work/want" >&2 || { echo "examples: the $name client prints another card than siegel" >&2; exit 1; }
  [[ -s $work/want ]] || { echo "examples: siegel knows no card of $id" >&2; exit 1; }
  ran+=("$name ($(wc -l <"$work/got") certificates)")
}

if command -v python3 >/dev/null && python3 -m venv "$work/venv" 2>/dev/null &&
  "$work/venv/bin/pip" -q --disable-pip-version-check install -r proto/examples/python/requirements.txt 2>"$work/pip.log"; then
  mkdir -p "$work/python" && cp proto/examples/python/issue.py "$work/python/"
  "$work/venv/bin/python" -m grpc_tools.protoc -I "$protos" -I "$("$work/venv/bin/python" -c 'import google.rpc, os; print(os.path.dirname(os.path.dirname(google.rpc.__path__[0])))')" \
    --python_out="$work/python" --grpc_python_out="$work/python" "$protos"/siegel/v1/*.proto "$protos/buf/validate/validate.proto"
  check Python hospital-pharmacy "$work/venv/bin/python" "$work/python/issue.py"
else
  not+=("Python (python3 with venv, packages of proto/examples/python/requirements.txt)")
fi

if command -v mvn >/dev/null && command -v javac >/dev/null &&
  mvn -q -B -f proto/examples/java/pom.xml generate-sources dependency:build-classpath -Dmdep.outputFile="$work/classpath" >"$work/mvn.log" 2>&1; then
  mvn -q -B -f proto/examples/java/pom.xml compile >"$work/mvn.log" 2>&1 ||
    { cat "$work/mvn.log" >&2; exit 1; }
  check Java psychotherapist java -cp "bin/examples/java/classes:$(<"$work/classpath")" example.Issue
else
  not+=("Java (JDK 17 and mvn, packages of proto/examples/java/pom.xml)")
fi

if command -v dotnet >/dev/null; then
  dotnet build -v quiet -o "$work/csharp" proto/examples/csharp/issue.csproj
  check C# dental-practice "$work/csharp/issue"
else
  not+=("C# (dotnet 8)")
fi

for name in ${ran[@]+"${ran[@]}"}; do echo "example compiled and run: $name"; done
for name in ${not[@]+"${not[@]}"}; do echo "example not run, its tools or packages are not here: $name"; done

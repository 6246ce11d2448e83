# For scripts that source it: start_server WORK ARGUMENT... starts `siegeld serve` with the data directory WORK/data on a free port of
# loopback, and waits for it. It sets server (process id) and SIEGEL_SERVER (address), and keeps the log in WORK/siegeld.log.
start_server() {
  local work=$1
  shift
  rm -f "$work/ready"
  siegeld serve --data "$work/data" --listen 127.0.0.1:0 --tiles-listen off --metrics-listen off --ready-file "$work/ready" "$@" 2>>"$work/siegeld.log" &
  server=$!
  for _ in $(seq 600); do
    [[ -s $work/ready ]] && break
    kill -0 "$server" 2>/dev/null || { echo "siegeld ended at its start" >&2; exit 1; }
    sleep 0.1
  done
  [[ -s $work/ready ]] || { echo "siegeld did not start within a minute" >&2; exit 1; }
  SIEGEL_SERVER=$(head -n 1 "$work/ready")
  export SIEGEL_SERVER
}

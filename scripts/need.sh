#!/usr/bin/env bash
# Installs Debian packages that are missing, or says what to install where there is no apt.
# Usage: need.sh COMMAND_OR_FILE=PACKAGE ...   (a file is given by its absolute path; several, separated by ':', mean any of them)
set -euo pipefail

missing=()
for pair in "$@"; do
  things=${pair%%=*}
  found=
  IFS=: read -ra list <<<"$things"
  for thing in "${list[@]}"; do
    if [[ $thing == /* ]]; then
      [[ -e $thing ]] && found=1
    else
      command -v "$thing" >/dev/null && found=1
    fi
  done
  [[ $found ]] || missing+=("${pair##*=}")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "These packages are missing (Debian names): ${missing[*]}" >&2
  echo "Install them with this system's package manager and run make again. On macOS: brew install softhsm openssl@3" >&2
  exit 1
fi
echo "Installing ${missing[*]} ..."
sudo=
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || { echo "Run as root: apt-get install ${missing[*]}" >&2; exit 1; }
  sudo=sudo
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$log" 2>&1; }
# The package lists of a fresh machine may be empty or old: fetch them only where the first try fails.
install || { $sudo apt-get update -qq >"$log" 2>&1 && install; } || { cat "$log" >&2; exit 1; }

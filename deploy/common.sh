# What the scripts of this folder share. Sourced, not run: the caller has set -euo pipefail.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# One configuration builds everything: release, with internals visible to the tests.
build_flags=(-c release -Xswiftc -enable-testing)
bin=${ANALYSIS_BIN:-$root/.build/release}

runtime_packages=(redis-server libprotobuf-c-dev libhiredis-dev libavformat-dev libavcodec-dev libavutil-dev
  libswresample-dev libebur128-dev libchromaprint-dev pkg-config)

# What the tests need besides.
test_packages=(ffmpeg gcc make python3-venv openssl curl chromium chromium-driver prometheus)

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

# packages NAME…: installs the Debian packages that are missing, asking nothing.
packages() {
  local missing=() name sudo=()
  for name in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || fail "these packages are missing, and this is not Debian or Ubuntu: ${missing[*]}"
  if ((EUID != 0)); then
    sudo -n true 2>/dev/null || fail "packages are missing; install them with: sudo apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  say "Installing ${missing[*]}"
  local log; log=$(mktemp)
  if ! { "${sudo[@]}" apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq \
    --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1; then
    cat "$log" >&2; fail "apt-get could not install ${missing[*]}"
  fi
  rm -f "$log"
}

# swift_or_say: ends with advice where Swift is missing or too old.
swift_or_say() {
  command -v swift >/dev/null || fail "Swift 6.2 or later is needed: see https://www.swift.org/install/linux/"
  local version; version=$(swift --version 2>&1 | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
  [[ $(printf '%s\n' 6.2 "$version" | sort -V | head -n 1) == 6.2 ]] ||
    fail "Swift $version is too old; 6.2 or later is needed: see https://www.swift.org/install/linux/"
}

# python_environment: what the tests and clients in Python need, in $venv.
venv=$root/.venv
python_environment() {
  [[ -x $venv/bin/python ]] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$root/Tests/EndToEnd/requirements.txt" -e "$root/clients/python[test]"
}

# python_tests: the clients' and the end-to-end tests, several files at once, for they wait for most of their time.
python_tests() {
  "$venv/bin/python" -m pytest -q --numprocesses 3 --dist loadfile "$root/clients/python/tests" "$root/Tests/EndToEnd"
}

#!/usr/bin/env bash
# Installs what building needs and this machine lacks; `scripts/setup.sh tests` also what the tests do.
# Debian 12 with its security archive (where LLVM 22 comes from), as root. With nothing missing it
# returns at once.
set -euo pipefail

packages=(
  # compiler, linker and the compiler libraries
  clang-22 lld-22 llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools liblld-22-dev
  zlib1g-dev libzstd-dev
  # build
  cmake ninja-build ccache git pkg-config
  # libraries
  libcli11-dev nlohmann-json3-dev libtbb-dev
  # the store: digests and signatures, records, packs; headers alone of what is opened at run time
  libsodium-dev libsqlite3-dev libarchive-dev libcurl4-openssl-dev libhiredis-dev
  # what the build is configured with for tests
  libgtest-dev libclang-rt-22-dev python3
)
if [ "${1:-}" = tests ]; then
  packages+=(
    clang-format-22 clang-tidy-22 python3-psutil python3-numpy
    # remotes, and what is done to them
    redis-server nginx-light libnginx-mod-http-dav-ext python3-botocore python3-venv strace bindfs iproute2
  )
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "these packages are missing; install them as root and run this again:" >&2
  echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 2
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
if ! apt-cache show llvm-22-dev >/dev/null 2>&1; then
  echo "LLVM 22 is not offered here: it is in Debian 12's security archive (bookworm-security);" \
       "add that to the package sources and run this again" >&2
  exit 2
fi
# Tests start their own servers; those of the packages must not run on this machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get install -y -q --no-install-recommends "${missing[@]}"

#!/usr/bin/env bash
# Brings a fresh Debian or macOS machine to where the engines can start: system packages, Bun, dependencies, the addon, the
# package for Node.
# Safe to run again at any time; a run with nothing to do takes a fraction of a second.
#   scripts/setup.sh [--check-tools] [--test-tools]
#     --check-tools   also what `make check` needs (clang-format)
#     --test-tools    also what `make test` needs (a Chromium for the browser tests, a Redis and a Postgres for the tests over them,
#                     clang and GNUstep for the Metal kernels)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
stamps=$root/build/stamps
log=$root/build/setup.log
mkdir -p "$stamps"

check_tools=no
test_tools=no
for argument in "$@"; do
  case $argument in
    --check-tools) check_tools=yes ;;
    --test-tools) test_tools=yes ;;
    *) echo "setup: unknown option $argument (known: --check-tools --test-tools)" >&2; exit 2 ;;
  esac
done

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# step NAME COMMAND...: runs quietly with the output in build/setup.log; shows the end of it when the command fails.
step() {
  local name=$1 began=$SECONDS
  shift
  say "$name ..."
  if "$@" >"$log" 2>&1; then
    say "$name: done in $((SECONDS - began)) s"
  else
    tail -n 40 "$log" >&2
    fail "$name failed after $((SECONDS - began)) s; the whole output is in build/setup.log"
  fi
}

# Reads lines or file contents on standard input, writes one hash.
digest() { if have sha256sum; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1; }
stamped() { [ "$(cat "$stamps/$1" 2>/dev/null)" = "$2" ]; }

# ---- system packages -------------------------------------------------------------------------------------------------

browser() {
  [ -n "${CHROME_PATH:-}" ] || have chromium || have chromium-browser || have google-chrome || have google-chrome-stable
}

# Debian keeps the programs of the server out of PATH.
postgres() {
  have initdb && have postgres && return
  local programs
  for programs in /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
    [ -x "$programs/initdb" ] && [ -x "$programs/postgres" ] && return
  done
  return 1
}

# What compiles the Metal kernels and their host for a machine without Metal.
soft_metal() { have clang++-19 && [ -e /usr/include/GNUstep/Foundation/Foundation.h ]; }

# Tests start servers of their own: installing one shall not start another that stays.
without_main_cluster() {
  local settings=/etc/postgresql-common/createcluster.conf
  [ -e "$settings" ] && return
  $1 mkdir -p "${settings%/*}"
  echo "create_main_cluster = false" | $1 tee "$settings" >/dev/null
}

install_debian() {
  local wanted="libhwy-dev libopenblas-dev liblapacke-dev" missing="" package sudo="" command
  have c++ || wanted="$wanted g++"
  have make || wanted="$wanted make"
  have cmake || wanted="$wanted cmake"
  have pkg-config || wanted="$wanted pkg-config"
  if [ $check_tools = yes ] && ! have clang-format; then wanted="$wanted clang-format"; fi
  if [ $test_tools = yes ] && ! browser; then wanted="$wanted chromium"; fi
  if [ $test_tools = yes ] && ! have redis-server; then wanted="$wanted redis-server"; fi
  if [ $test_tools = yes ] && ! postgres; then wanted="$wanted postgresql"; fi
  if [ $test_tools = yes ] && ! soft_metal; then wanted="$wanted clang-19 libgnustep-base-dev"; fi
  local installed
  # shellcheck disable=SC2086
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null || true)
  for package in $wanted; do
    grep -qx "installed $package" <<<"$installed" || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  command="apt-get install -y --no-install-recommends$missing"
  if [ "$(id -u)" -ne 0 ]; then
    have sudo && sudo -n true 2>/dev/null && sudo="sudo -n"
    [ -n "$sudo" ] || fail "needs system packages and the right to install them; run this, then the same command again:
  sudo apt-get update && sudo $command"
  fi
  case "$missing " in *" postgresql "*) without_main_cluster "$sudo" ;; esac
  # A package mirror may be busy or another apt may hold the lock for a while; both are waited for.
  step "package lists" $sudo apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update
  step "system packages$missing" $sudo env DEBIAN_FRONTEND=noninteractive \
    ${command/apt-get/apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3}
}

install_macos() {
  local missing="" prefix
  have c++ && have make || fail "needs the compiler and make of the command line tools; run: xcode-select --install"
  for prefix in "${HOMEBREW_PREFIX:-/opt/homebrew}" /opt/homebrew /usr/local none; do
    [ -e "$prefix/include/hwy/highway.h" ] && break
  done
  [ "$prefix" != none ] || missing="$missing highway"
  have cmake || missing="$missing cmake"
  if [ $check_tools = yes ] && ! have clang-format; then missing="$missing clang-format"; fi
  if [ $test_tools = yes ] && ! browser && [ ! -d "/Applications/Google Chrome.app" ]; then
    say "no browser found: install Chrome, or name one in CHROME_PATH, to run the browser tests"
  fi
  if [ $test_tools = yes ] && ! have redis-server; then missing="$missing redis"; fi
  if [ $test_tools = yes ] && ! postgres; then missing="$missing postgresql@17"; fi
  [ -n "$missing" ] || return 0
  have brew || fail "needs Homebrew (or another source) for:$missing; with Homebrew installed this is: brew install$missing"
  # shellcheck disable=SC2086
  step "system packages$missing" env HOMEBREW_NO_AUTO_UPDATE=1 brew install $missing
}

check_other() {
  local header
  for header in hwy/highway.h cblas.h lapacke.h; do
    echo "#include <$header>" | c++ -x c++ -E - >/dev/null 2>&1 ||
      c++ -x c++ -E -I/usr/include/openblas - <<<"#include <$header>" >/dev/null 2>&1 ||
      fail "needs the headers of Highway, OpenBLAS and LAPACKE ($header is missing); install their development packages"
  done
  have cmake || fail "needs cmake"
}

have node && have npm || fail "needs Node.js 20 or newer with npm"
node_major=$(node -p 'process.versions.node.split(".")[0]')
[ "$node_major" -ge 20 ] || fail "needs Node.js 20 or newer, was $(node --version)"

if [ "$(uname -s)" = Darwin ]; then
  install_macos
elif have apt-get && have dpkg-query; then
  install_debian
elif ! stamped native-headers found; then
  check_other
  echo found >"$stamps/native-headers"
fi

# ---- Bun and the dependencies ----------------------------------------------------------------------------------------

platform=$(uname -sm)
dependencies=$( (echo "$platform"; cat package.json bun.lock bunfig.toml) | digest)

# The registry, proxy and certificates that npm is set up with also serve Bun, unless the environment already says so.
borrow_from_npm() {
  local value
  npm_value() { value=$(npm config get "$1" 2>/dev/null || true); case $value in null | undefined) value="" ;; esac; }
  if [ -z "${NPM_CONFIG_REGISTRY:-}${npm_config_registry:-}" ]; then
    npm_value registry
    [ -z "$value" ] || export NPM_CONFIG_REGISTRY=$value
  fi
  if [ -z "${HTTPS_PROXY:-}${https_proxy:-}" ]; then
    npm_value https-proxy
    [ -z "$value" ] || export HTTPS_PROXY=$value
  fi
  if [ -z "${NODE_EXTRA_CA_CERTS:-}" ]; then
    npm_value cafile
    [ -z "$value" ] || export NODE_EXTRA_CA_CERTS=$value
  fi
}

# Prints the path of a Bun of the pinned version, if there is one.
find_bun() {
  local candidate
  for candidate in node_modules/.bin/bun build/toolchain/node_modules/.bin/bun "$(command -v bun || true)"; do
    if [ -n "$candidate" ] && [ "$("$candidate" --version 2>/dev/null)" = "$1" ]; then
      echo "$candidate"
      return
    fi
  done
}

install_bun() {
  npm install --prefix build/toolchain --no-save --no-audit --no-fund "bun@$1"
  # Newer npm versions hold back install scripts; the one of this package puts the binary in its place.
  [ "$(build/toolchain/node_modules/.bin/bun --version 2>/dev/null)" = "$1" ] ||
    (cd build/toolchain/node_modules/bun && node install.js)
  [ "$(build/toolchain/node_modules/.bin/bun --version)" = "$1" ]
}

# Scripts of packages stay off: binding.gyp would call a node-gyp that needs a newer Node and empties build/ first, and
# onnxruntime-node would download GPU libraries. Only Bun's own is needed; it puts the binary in its place.
install_dependencies() {
  "$1" install --frozen-lockfile --ignore-scripts || return
  [ "$(node_modules/.bin/bun --version 2>/dev/null)" = "$2" ] || (cd node_modules/bun && node install.js)
  [ "$(node_modules/.bin/bun --version)" = "$2" ]
}

if ! stamped dependencies "$dependencies" || [ ! -x node_modules/.bin/bun ]; then
  rm -f "$stamps/dependencies"
  borrow_from_npm
  version=$(node -p 'require("./package.json").dependencies.bun')
  bun=$(find_bun "$version")
  if [ -z "$bun" ]; then
    step "Bun $version" install_bun "$version"
    bun=build/toolchain/node_modules/.bin/bun
  fi
  step "dependencies" install_dependencies "$bun" "$version"
  rm -rf build/toolchain
  echo "$dependencies" >"$stamps/dependencies"
fi
export PATH="$root/node_modules/.bin:$PATH"

# ---- the addon -------------------------------------------------------------------------------------------------------

native_hash() {
  echo "$platform $dependencies"
  find CMakeLists.txt native -type f ! -path 'native/test/*' ! -name '*.ts' -print0 | LC_ALL=C sort -z | xargs -0 cksum
}
native=$(native_hash | digest)

build_addon() {
  # CMake refuses a build folder that was made for another place, as after moving the project.
  grep -qsx "CMAKE_HOME_DIRECTORY:INTERNAL=$root" build/native/CMakeCache.txt || rm -rf build/native
  CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(getconf _NPROCESSORS_ONLN)} bun run build:native
}

if ! stamped native "$native" || [ ! -f build/native/Release/nautilus.node ]; then
  rm -f "$stamps/native"
  step "native addon" build_addon
  [ -f build/native/Release/nautilus.node ] || fail "the build ended without build/native/Release/nautilus.node"
  echo "$native" >"$stamps/native"
fi

# ---- the package for Node --------------------------------------------------------------------------------------------

node_package=$( (echo "$dependencies"
  find src/core src/native src/indicators src/package scripts/build-node.* -type f ! -name '*.test.ts' -print0 |
    LC_ALL=C sort -z | xargs -0 cksum) | digest)
if ! stamped node-package "$node_package" || [ ! -f build/node/native.mjs ]; then
  rm -f "$stamps/node-package"
  step "package for Node" bun scripts/build-node.ts
  echo "$node_package" >"$stamps/node-package"
fi

say "ready"

#!/bin/sh
# Builds Ollama from its Go module and installs it, where no ready-made one can be had.
#
#   ops/install-ollama.sh [--force]
#
# Does nothing if there is an Ollama already (--force: build anyway). Steps that were done
# before are skipped. Needs go, a C++ compiler, and python3 with pip; takes about four minutes
# on two cores. Settings:
#   HOTSWAP_OLLAMA_PREFIX    where the binary goes (default: ~/.local/bin)
#   HOTSWAP_OLLAMA_VERSION   which version (default: 0.17.4)
#   PYTHON                   which Python (default: python3)
set -eu

version="${HOTSWAP_OLLAMA_VERSION:-0.17.4}"
prefix="${HOTSWAP_OLLAMA_PREFIX:-$HOME/.local/bin}"
python="${PYTHON:-python3}"
include="${XDG_CACHE_HOME:-$HOME/.cache}/hotswap/include"

# The one header that Ollama's module leaves to the system and Debian does not have.
miniaudio='miniaudio==1.71'
miniaudio_hash='sha256:ff51e2887bb673e2e757752b586b3dc924d59aa5fbcae9bbc45f4a111bd3262b'

say() { printf 'install-ollama: %s\n' "$*"; }
fail() {
    printf 'install-ollama: %s\n' "$*" >&2
    exit 1
}

# Whether a header is found by the compiler.
has_header() { printf '#include <%s>\n' "$1" | c++ -I"$include" -E -x c++ - >/dev/null 2>&1; }

# Whether the processor has all of these.
has_cpu() {
    for feature in "$@"; do
        grep -qw -m1 "$feature" /proc/cpuinfo 2>/dev/null || return 1
    done
}

existing() { PATH="$prefix:$PATH" command -v ollama; }

if [ "${1:-}" != --force ] && found=$(existing); then
    say "there is one already: $found"
    exit 0
fi
case "${1:-}" in '' | --force) ;; *) fail "unknown argument: $1" ;; esac

command -v go >/dev/null || fail 'go is not installed; see https://go.dev/doc/install'
command -v c++ >/dev/null || fail 'no C++ compiler; on Debian: apt-get install g++'

if has_header nlohmann/json.hpp && has_header stb/stb_image.h; then
    say 'headers of nlohmann-json and stb: there'
else
    packages='nlohmann-json3-dev libstb-dev'
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        fail "headers are missing; as root: apt-get install $packages"
    fi
    say "installing $packages"
    apt-get update -qq
    # shellcheck disable=SC2086 # two words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if has_header miniaudio/miniaudio.h; then
    say 'header of miniaudio: there'
else
    say 'fetching the header of miniaudio from its Python package'
    "$python" -m pip --version >/dev/null 2>&1 || fail "$python has no pip; set PYTHON"
    printf '%s --hash=%s\n' "$miniaudio" "$miniaudio_hash" >"$work/requirements.txt"
    "$python" -m pip download -q --no-deps --no-binary :all: --require-hashes \
        -d "$work" -r "$work/requirements.txt"
    tar -xzf "$work"/miniaudio-*.tar.gz -C "$work"
    header=$(find "$work" -name miniaudio.h -print -quit)
    [ -n "$header" ] || fail 'the package of miniaudio holds no miniaudio.h'
    mkdir -p "$include/miniaudio"
    cp "$header" "$include/miniaudio/miniaudio.h"
fi

# Without these it is ten times slower; with them it does not start on a processor that lacks one.
flags="-O3 -I$include"
if has_cpu avx2 fma f16c bmi2; then
    flags="$flags -mavx2 -mfma -mf16c -mbmi2"
else
    say 'this processor has no AVX2; Ollama will be slow'
fi

say "building Ollama $version"
if ! CGO_ENABLED=1 CGO_CFLAGS="$flags" CGO_CXXFLAGS="$flags" GOBIN="$work/bin" \
    go install -ldflags "-X github.com/ollama/ollama/version.Version=$version" \
    "github.com/ollama/ollama@v$version" >"$work/build.log" 2>&1; then
    tail -n 40 "$work/build.log" >&2
    fail 'the build failed'
fi

mkdir -p "$prefix"
install -m 755 "$work/bin/ollama" "$prefix/ollama.new"
mv "$prefix/ollama.new" "$prefix/ollama"
say "installed: $prefix/ollama"
case ":$PATH:" in
*":$prefix:"*) ;;
*) say "not on the PATH; add it, or set HOTSWAP_OLLAMA=$prefix/ollama" ;;
esac

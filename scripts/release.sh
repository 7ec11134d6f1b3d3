#!/usr/bin/env bash
# Builds a release, the same bytes on every machine: archives, an SBOM of each
# program, checksums, and a signature of the checksums.
#
#   scripts/release.sh VERSION [DIR]   build the tag vVERSION into DIR (default dist/VERSION)
#   scripts/release.sh --verify        build the checked-out commit twice, in different places, and compare
#
# RELEASE_KEY     the SSH private key (a file) to sign with; without it the release is unsigned
# PLATFORMS       what to build for, separated by spaces; default: all below
#
# Needed: bash, git, Go, sha256sum and, to sign, ssh-keygen of OpenSSH 8.1 or
# later. It downloads only Go modules, and checks them against go.sum.
# docs/releasing.md has the steps around it.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
platforms=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}
namespace=credsync-release

fail() { echo "release: $*" >&2; exit 1; }

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0"; }

work=$(mktemp -d)
# A module cache is read-only.
cleanup() { chmod -R u+w "$work"; rm -rf "$work"; }
trap cleanup EXIT
trap 'exit 130' INT TERM

# None of the user's own Go settings may reach the programs.
unset GOEXPERIMENT GOAMD64 GOARM64 GODEBUG GOOS GOARCH
export GOFLAGS= GOWORK=off GOENV=off CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0 LC_ALL=C TZ=UTC
# The proxy and checksum database stay those of the machine.
keep() { local v; v=$(cd "$root" && env -u GOENV go env "$1"); export "$1=$v"; }
for name in GOPROXY GOSUMDB GONOSUMDB GOPRIVATE GOCACHE GOMODCACHE GOTOOLCHAIN; do keep "$name"; done

# build SOURCE VERSION OUT: SOURCE is a clean checkout, OUT an empty directory.
build() {
  local source=$1 version=$2 out=$3 tools epoch platform
  tools=$(mktemp -d "$work/tools.XXXXXX")
  epoch=$(git -C "$source" log -1 --format=%ct)
  (cd "$source/scripts/tools" && go build -trimpath -buildvcs=false -o "$tools/" ./archive github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod)
  # The pages are the same on every platform, so this machine's program writes them.
  (cd "$source" && TZ=UTC SOURCE_DATE_EPOCH=$epoch go run -trimpath -ldflags "-s -w -X main.release=$version" ./cmd/credsync man "$tools/man1")
  for platform in $platforms; do
    build_one "$source" "$version" "$out" "$tools" "$epoch" "${platform%/*}" "${platform#*/}"
  done
  (cd "$out" && sha256sum -- * >"$tools/sums" && mv "$tools/sums" SHA256SUMS)
}

build_one() {
  local source=$1 version=$2 out=$3 tools=$4 epoch=$5 os=$6 arch=$7
  local name="credsync_${version}_${os}_${arch}" bin="$tools/$6_$7"
  mkdir "$bin"
  (cd "$source" && GOOS=$os GOARCH=$arch go build -trimpath -buildvcs=true -mod=readonly -ldflags "-s -w -X main.release=$version" -o "$bin/credsync" ./cmd/credsync)
  "$tools/archive" "$out/$name.tar.gz" "$name" "$epoch" "$bin/credsync" "$source/LICENSE" "$source/README.md" "$source/CHANGELOG.md" "$tools/man1"
  # The only time in an SBOM is when it was made; the commit's time replaces it.
  "$tools/cyclonedx-gomod" bin -json -noserial -std -version "v$version" -output - "$bin/credsync" 2>"$tools/log" |
    sed -E "s/^(    \"timestamp\": \")[^\"]*/\1$(moment "$epoch")/" >"$out/$name.cdx.json" || { cat "$tools/log" >&2; fail "the SBOM of $name could not be made"; }
}

moment() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -r "$1" +%Y-%m-%dT%H:%M:%SZ; }

# checkout COMMIT DIR: the commit, and nothing that is not committed.
checkout() {
  mkdir -p "$(dirname "$2")"
  git clone --quiet --no-hardlinks "$root" "$2"
  git -C "$2" -c advice.detachedHead=false checkout --quiet --detach "$1"
}

sign() {
  if [ -z "${RELEASE_KEY:-}" ]; then
    echo "release: NOT SIGNED: RELEASE_KEY is not set. Do not publish this." >&2
    return
  fi
  ssh-keygen -q -Y sign -f "$RELEASE_KEY" -n "$namespace" "$1/SHA256SUMS"
}

release() {
  local version=$1 out=$2
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail "VERSION is \"$version\"; write it as 1.2.3 or 1.2.3-rc.1, without v"
  git -C "$root" rev-parse --quiet --verify "refs/tags/v$version^{commit}" >/dev/null || fail "there is no tag v$version; make it first: git tag -s v$version"
  [ ! -e "$out" ] || fail "$out already exists; remove it or name another directory"
  checkout "v$version" "$work/source"
  mkdir -p "$work/out" "$(dirname "$out")"
  build "$work/source" "$version" "$work/out"
  sign "$work/out"
  cp -R "$work/out" "$out"
  echo "Built v$version with $(go env GOVERSION) into $out:"
  ls -l "$out"
}

# verify builds once as usual, and once with everything different that could leak
# in: path, build cache, umask, time zone, home.
verify() {
  local version=0.0.0-verify commit
  commit=$(git -C "$root" rev-parse HEAD)
  checkout "$commit" "$work/a"
  checkout "$commit" "$work/somewhere/quite/else/b"
  mkdir "$work/out-a" "$work/out-b"
  build "$work/a" "$version" "$work/out-a"
  (
    umask 077
    export GOCACHE="$work/cache" TZ=Pacific/Auckland HOME="$work/home"
    mkdir -p "$HOME"
    build "$work/somewhere/quite/else/b" "$version" "$work/out-b"
  )
  if ! diff -r "$work/out-a" "$work/out-b" >&2; then
    fail "two builds of $commit differ"
  fi
  echo "Two builds of $commit are the same, byte for byte:"
  cat "$work/out-a/SHA256SUMS"
}

case ${1:-} in
--verify) verify ;;
'' | -h | --help) usage ;;
-*) fail "unknown option $1; see --help" ;;
*) release "$1" "${2:-$root/dist/$1}" ;;
esac

#!/usr/bin/env bash
# Runs the tests that need no servers under conditions that another machine, or
# another minute, could have: clocks, time zones, locales, widths, users.
#
#   scripts/test-any-time.sh                    all conditions
#   scripts/test-any-time.sh month-end twice    these
#   scripts/test-any-time.sh --list             list the conditions
#   scripts/test-any-time.sh 'at=2027-03-28T00:59:50Z TZ=Europe/Berlin'
#
# Started by root, it runs the tests as an ordinary user. The machine's clock is
# left alone: the tests, and what they build and run, are compiled with a
# time.Now that is ahead; see tools/clockoverlay. It needs Linux, and the network
# only for modules that are not in the cache yet.
#
#   PACKAGES   what is tested; ./... by default
#   LIMIT      how long a condition may take; 20m by default
#   ANYTIME    where builds are kept, a path without a space
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."

# Each condition, by what differs from an ordinary user in UTC:
#   at=      when each package's tests begin; programs that they run continue from there
#   user=    root
#   umask=   such as 077
#   twice=   yes: two runs at the same time, with the same folders
#   terminal=  the width of a terminal, for the packages that print to one
# and any variable of the environment. HOME and TMPDIR always have a space.
conditions='
month-end            at=2027-01-31T23:59:50Z
half-past-eleven     at=2027-01-31T23:29:50Z TZ=Asia/Almaty
quarter-to-midnight  at=2027-04-30T23:44:50Z TZ=Pacific/Kiritimati
leap-day             at=2028-02-28T23:59:50Z LC_ALL=C COLUMNS=40
after-leap-day       at=2028-02-29T23:59:50Z LC_ALL=ru_RU.UTF-8 COLUMNS=80
year-end             at=2027-12-31T23:59:50Z LC_ALL=tr_TR.UTF-8 COLUMNS=200
clocks-forward       at=2027-03-14T06:59:50Z TZ=America/New_York
clocks-back          at=2027-10-31T00:59:50Z TZ=Europe/Berlin
almaty               TZ=Asia/Almaty umask=077
kiritimati           TZ=Pacific/Kiritimati LANG=ru_RU.UTF-8
root                 user=root
twice                twice=yes
terminal             terminal=40
'

fail() { echo "test-any-time: $*" >&2; exit 1; }

say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*"; }

# settings NAME: what a condition sets; NAME itself if it is not a name.
settings() {
  local found
  found=$(awk -v name="$1" '$1 == name { $1 = ""; print }' <<<"$conditions")
  if [ -n "$found" ]; then echo "$found"; return; fi
  case $1 in *=*) echo "$1" ;; *) fail "unknown condition $1; see --list" ;; esac
}

if [ "${1:-}" = --list ]; then sed '/^$/d' <<<"$conditions"; exit; fi
if [ $# -eq 0 ]; then mapfile -t names < <(awk 'NF { print $1 }' <<<"$conditions"); else names=("$@"); fi
for name in "${names[@]}"; do settings "$name" >/dev/null; done

[ "$(uname)" = Linux ] || fail "this needs Linux"
for tool in setpriv flock timeout script date; do
  command -v "$tool" >/dev/null || fail "$tool is missing; install util-linux and coreutils"
done

# What is built is kept where the ordinary user can read it.
as_user=()
if [ "$(id -u)" -eq 0 ]; then
  dir=${ANYTIME:-/var/cache/credsync-any-time}
  as_user=(setpriv --reuid=nobody "--regid=$(id -g nobody)" --clear-groups)
else
  dir=${ANYTIME:-${XDG_CACHE_HOME:-$HOME/.cache}/credsync/any-time}
fi
case $dir in *[[:space:]]*) fail "$dir contains a space, which GOFLAGS does not allow; set ANYTIME" ;; esac
mkdir -p "$dir/overlay" "$dir/bin" "$dir/logs" "$dir/go-build" "$dir/mod"
exec 9>"$dir/lock"
flock -n 9 || fail "another run is using $dir"
source="$dir/a checkout" home="$dir/a home" tmp="$dir/a tmp"
trap 'rm -rf "$source" "$home" "$tmp"' EXIT
trap 'exit 130' INT TERM

# The user's own module cache is filled from the one that is there.
modules=$(go env GOMODCACHE)
if [ ${#as_user[@]} -gt 0 ]; then
  proxy="file://${modules// /%20}/cache/download,$(go env GOPROXY)"
  GOFLAGS=-modcacherw GOMODCACHE=$dir/mod GOPROXY=$proxy go mod download
  chown -R nobody "$dir/go-build"
  modules=$dir/mod
fi
go -C scripts/tools run ./clockoverlay "$dir/overlay"
GOFLAGS="-buildvcs=false -overlay=$dir/overlay/overlay.json" go -C scripts/tools build -o "$dir/bin/" ./clocknow
# This starts each test program. The offset is taken when it starts, so that all
# of them begin at the same time of day.
cat >"$dir/bin/start" <<'END'
#!/bin/sh
if [ -n "${CREDSYNC_TEST_CLOCK_AT:-}" ]; then
  CREDSYNC_TEST_CLOCK_AHEAD=$((CREDSYNC_TEST_CLOCK_AT - $(date +%s)))
  export CREDSYNC_TEST_CLOCK_AHEAD
fi
exec "$@"
END
chmod 755 "$dir/bin/start"

# A copy that the user can read and, as a rule, not write.
rm -rf "$source" && mkdir "$source"
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
  tar -c --null -T - | tar -x -C "$source"
chmod -R u+w,a+rX "$source"

# prepare SETTINGS: what try needs.
prepare() {
  local word
  environment=() user=("${as_user[@]}") mask=022 twice='' terminal='' at=''
  for word in $1; do
    case $word in
      at=*) at=$(date -u -d "${word#at=}" +%s) ;;
      user=root) user=() ;;
      umask=*) mask=${word#umask=} ;;
      twice=yes) twice=yes ;;
      terminal=*) terminal=${word#terminal=} ;;
      [A-Z]*=*) environment+=("$word") ;;
      *) fail "unknown setting $word" ;;
    esac
  done
  rm -rf "$home" "$tmp"
  mkdir "$home" "$tmp"
  if [ ${#user[@]} -gt 0 ]; then chown nobody "$home" "$tmp"; fi
}

# inside COMMAND ARGS...: runs it under the condition, in the copy.
inside() {
  (
    cd "$source"
    umask "$mask"
    exec "${user[@]}" env -i "PATH=$PATH" "HOME=$home" "TMPDIR=$tmp" \
      "GOFLAGS=-overlay=$dir/overlay/overlay.json" "GOCACHE=$dir/go-build" "GOMODCACHE=$modules" \
      GOTOOLCHAIN=local GOPROXY=off ${at:+"CREDSYNC_TEST_CLOCK_AT=$at"} "${environment[@]}" "$@"
  )
}

# run: runs the tests, and returns whether they pass.
run() {
  local go_test=(timeout "$limit" go test -count=1 -vet=off -exec "$dir/bin/start") package folders
  if [ -z "$terminal" ]; then
    inside "${go_test[@]}" "${packages[@]}"
    return
  fi
  # go test gives the tests of a named package a pipe, and those of the working
  # directory its own standard output.
  mapfile -t folders < <(inside go list -f '{{.Dir}}' "${packages[@]}" | grep -E '/(cmd/credsync|render|diag)$')
  [ ${#folders[@]} -gt 0 ] || fail "there are no packages that print to a terminal"
  for package in "${folders[@]}"; do
    inside script -qec "stty cols $terminal rows 24 && cd '$package' && ${go_test[*]}" /dev/null </dev/null || return
  done
}

# try NAME: runs the tests under the condition that is prepared.
try() {
  local status=0 first left
  local log="$dir/logs/${1//[^A-Za-z0-9-]/_}.log"
  inside "$dir/bin/start" "$dir/bin/clocknow" ${at:+"$at"} >"$log" || return
  say "   $(cat "$log")"
  if [ -n "$twice" ]; then
    run >"$log.first" 2>&1 &
    first=$!
    run >"$log" 2>&1 || status=$?
    wait "$first" || status=$?
    cat "$log.first" >>"$log"
    rm "$log.first"
  else
    run >"$log" 2>&1 || status=$?
  fi
  # Except for the go command's own files, nothing may be left behind.
  left=$(find "$home" "$tmp" -mindepth 1 -not -path "$home/.config" -not -path "$home/.config/go*" \
    -not -path "$tmp/go-build*")
  if [ -n "$left" ]; then
    printf 'The tests left:\n%s\n' "$left" >>"$log"
    [ "$status" -ne 0 ] || status=1
  fi
  if [ "$status" -ne 0 ]; then
    grep -vE '^(ok|\?|PASS)' "$log" | tail -n 200
    say "   failed with exit code $status; the whole output is in $log"
  fi
  return "$status"
}

limit=${LIMIT:-20m}
read -ra packages <<<"${PACKAGES:-./...}"
say "Building, which takes minutes the first time. The builds are kept in $dir."
prepare ""
inside timeout "$limit" go build ./...
failed=() untried=()
for name in "${names[@]}"; do
  set=$(settings "$name")
  case " $set " in
    *" user=root "*) if [ "$(id -u)" -ne 0 ]; then untried+=("$name"); continue; fi ;;
  esac
  say "== $name:" $set
  begun=$SECONDS
  prepare "$set"
  if try "$name"; then say "   passed in $((SECONDS - begun))s"; else failed+=("$name"); fi
done
if [ ${#untried[@]} -gt 0 ]; then say "Skipped, because they need root: ${untried[*]}"; fi
if [ ${#failed[@]} -gt 0 ]; then say "FAILED: ${failed[*]}"; exit 1; fi
say "The tests pass under all $((${#names[@]} - ${#untried[@]})) conditions."

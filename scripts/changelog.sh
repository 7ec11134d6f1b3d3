#!/usr/bin/env bash
# Moves the entries of .changes into CHANGELOG.md, below a heading for a release.
#
#   scripts/changelog.sh VERSION [DATE]   DATE is YYYY-MM-DD; default: today in UTC
#
# An entry is a file .changes/KIND-NAME.md that holds one item of the list,
# without the dash. KIND is added, changed, removed, fixed or security. What is
# under "Unreleased" in CHANGELOG.md goes below the new heading too.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -ge 1 ] || { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0"; exit 1; }
version=$1 date=${2:-$(date -u +%F)}
shopt -s nullglob

for file in .changes/*-*.md; do
  case $file in
    .changes/added-* | .changes/changed-* | .changes/removed-* | .changes/fixed-* | .changes/security-*) ;;
    *) echo "changelog: rename $file to KIND-NAME.md; KIND is added, changed, removed, fixed or security" >&2; exit 1 ;;
  esac
done

# entries KIND: the items, with a dash and the lines after the first indented.
entries() {
  local file
  for file in .changes/"$1"-*.md; do sed -e '1s/^/- /' -e '2,$s/^\(.\)/  \1/' "$file"; done
}

for kind in added changed removed fixed security; do
  export "$kind=$(entries "$kind")"
done
new=$(mktemp)
trap 'rm -f "$new"' EXIT
awk -v heading="## [$version] - $date" '
  # rest prints the kinds that "Unreleased" has no heading for.
  function rest(before, after,  i) {
    for (i = 1; i <= n; i++)
      if (ENVIRON[tolower(kinds[i])] != "" && !done[kinds[i]])
        printf "%s### %s\n\n%s\n%s", before, kinds[i], ENVIRON[tolower(kinds[i])], after
  }
  BEGIN { n = split("Added Changed Removed Fixed Security", kinds) }
  /^## \[Unreleased\]$/ { print; print ""; print heading; moving = 1; next }
  moving && /^## / { rest("", "\n"); moving = 0 }
  moving && /^### / {
    kind = $2
    done[kind] = 1
    print; getline; print
    if (ENVIRON[tolower(kind)] != "") print ENVIRON[tolower(kind)]
    next
  }
  { print }
  END { if (moving) rest("\n", "") }
' CHANGELOG.md >"$new"
cat "$new" >CHANGELOG.md
rm -f .changes/added-*.md .changes/changed-*.md .changes/removed-*.md .changes/fixed-*.md .changes/security-*.md

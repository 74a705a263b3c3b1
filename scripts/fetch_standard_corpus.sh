#!/usr/bin/env bash
# Fetches the package files that the standard corpus is assembled from (corpora/standard/recipe.tsv), into a folder:
#   scripts/fetch_standard_corpus.sh [--tier apt_lite|apt_full] [DIR]      (default: .cache/standard/packages)
# Debian packages come through apt-get where it knows the version, else from the pool of a Debian mirror
# (REPRISE_DEBIAN_MIRROR, default http://deb.debian.org/debian and its security archive); Python packages through pip.
# Nothing is installed; root is not needed. Every file is checked by SHA-256; what is there already is not fetched again,
# so the same command goes on after a stop. What cannot be had is listed at the end, and the exit status is 4.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
say() { printf '== %s\n' "$*" >&2; }
die() { printf 'error: %s\nhint: %s\n' "$1" "$2" >&2; exit "${3:-2}"; }

tier=apt_lite
folder="$root/.cache/standard/packages"
while (($#)); do
  case "$1" in
    --tier) tier="${2:-}"; shift 2 || die "--tier needs a name" "apt_lite or apt_full" ;;
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) die "unknown option: $1" "see --help" ;;
    *) folder="$1"; shift ;;
  esac
done
list="$root/corpora/standard/tier_$tier.txt"
[ -f "$list" ] || die "no such tier: $tier" "apt_lite or apt_full"
mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"
mirrors=("${REPRISE_DEBIAN_MIRROR:-http://deb.debian.org/debian}")
[ -n "${REPRISE_DEBIAN_MIRROR:-}" ] || mirrors+=(http://deb.debian.org/debian-security)

# kind, package, version, file, SHA-256 of each package of the tier, once.
rows="$(awk -F'\t' 'NR == FNR { wanted[$1] = 1; next } $1 in wanted && !seen[$5]++ { print $2 "\t" $3 "\t" $4 "\t" $5 "\t" $6 }' \
  "$list" "$root/corpora/standard/recipe.tsv")"

is_right() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }

# Moves a fetched file to its place when it is the right one.
take() {  # fetched name sha256
  is_right "$1" "$3" || return 1
  mv "$1" "$folder/$2"
}

fetch_debian() {  # package version name sha256
  local part="$scratch/$3" source pool mirror
  if command -v apt-get >/dev/null && (cd "$scratch" && apt-get download -qq "$1=$2" >/dev/null 2>&1); then
    local got
    for got in "$scratch/$1"_*.deb; do take "$got" "$3" "$4" && return 0; done
  fi
  command -v curl >/dev/null ||
    die "apt-get has no $1 $2, and curl, which would ask a mirror, is not there" \
      "apt-get install curl, then run the same command again: what is fetched stays" 4
  # apt knows the path in the pool even of another version; without apt it is guessed from the package's own name. Files in
  # the pool leave out the epoch ("1%3a").
  source="$( (command -v apt-cache >/dev/null && apt-cache show "$1" 2>/dev/null || true) | sed -n 's/^Filename: \(.*\)\/.*/\1/p' | head -n 1)"
  case "$1" in lib*) pool="${1:0:4}" ;; *) pool="${1:0:1}" ;; esac
  for mirror in "${mirrors[@]}"; do
    for path in "$source" "pool/main/$pool/$1" "pool/updates/main/$pool/$1"; do
      [ -n "$path" ] || continue
      curl -fsSL --retry 3 --max-time 600 -o "$part" "$mirror/$path/${3/_[0-9]*%3a/_}" 2>/dev/null || continue
      take "$part" "$3" "$4" && return 0
    done
  done
  return 1
}

fetch_python() {  # package version name sha256
  local form=(--only-binary=:all: --python-version 3.11 --implementation cp
    --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64)
  [[ "$3" == *.whl ]] || form=(--no-binary=:all:)
  python3 -m pip download -q --disable-pip-version-check --no-deps "${form[@]}" -d "$scratch" "$1==$2" >/dev/null 2>&1 || {
    python3 -m pip --version >/dev/null 2>&1 ||
      die "python3 has no pip, which fetches $1 $2" \
        "apt-get install python3-pip, then run the same command again: what is fetched stays" 4
    return 1
  }
  local got
  for got in "$scratch"/*; do take "$got" "$3" "$4" && return 0; done
  return 1
}

scratch="$folder/.fetch"
rm -rf "$scratch"
mkdir -p "$scratch"
trap 'rm -rf "$scratch"' EXIT
fetched=0 there=0 missing=()
while IFS=$'\t' read -r kind package version name sha256; do
  if is_right "$folder/$name" "$sha256"; then
    there=$((there + 1))
    continue
  fi
  say "$package $version"
  if { [ "$kind" = deb ] && fetch_debian "$package" "$version" "$name" "$sha256"; } ||
    { [ "$kind" = pypi ] && fetch_python "$package" "$version" "$name" "$sha256"; }; then
    fetched=$((fetched + 1))
  else
    where="https://snapshot.debian.org/binary/$package/"
    [ "$kind" = deb ] || where="https://pypi.org/project/$package/$version/#files"
    missing+=("  $name  SHA-256 $sha256  $where")
  fi
  rm -rf "${scratch:?}"/*
done <<<"$rows"
say "$fetched fetched, $there were there, in $folder"
if ((${#missing[@]})); then
  printf '%s\n' "${missing[@]}" >&2
  die "${#missing[@]} package file(s) could not be had" \
    "run apt-get update and this again; a version that has left the mirror is at the address behind its name: put the file of that SHA-256 into $folder" 4
fi

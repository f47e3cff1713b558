#!/bin/sh
# get-bitcoind.sh PREFIX
#
# Puts bitcoind and bitcoin-cli (Debian's package bitcoin-knots) under PREFIX/bin, for regtest ONLY:
# on mainnet that package schedules a fork that leaves the chain which Bitcoin Core follows.
#
# It installs nothing and needs no root. It reads the archive that the host's own apt is set up for,
# through a private apt state, so every file is checked against Debian's signature. Where the host's
# libraries are too old, the needed ones come along and the programs start through their own loader.
set -eu
LC_ALL=C
export LC_ALL
umask 022

PACKAGE=bitcoin-knots
SUITES="trixie trixie-backports"
PROGRAMS="bitcoind bitcoin-cli"
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
  echo "get-bitcoind: $*" >&2
  exit 1
}

[ $# -eq 1 ] || fail "usage: get-bitcoind.sh PREFIX"
mkdir -p -- "$1"
prefix=$(cd -- "$1" && pwd -P)
case $prefix in *[[:space:]]*) fail "the folder must not have white space in its name: $prefix" ;; esac

runs() { # FOLDER: do all programs in it start?
  for program in $PROGRAMS; do
    "$1/$program" -version >/dev/null 2>&1 || return 1
  done
}

for tool in apt-get apt-cache dpkg dpkg-deb flock; do
  command -v "$tool" >/dev/null || fail "$tool is missing: this works on Debian and its relatives only"
done

# One at a time; whoever waited finds the work done.
exec 9>"$prefix/.lock"
flock 9
runs "$prefix/bin" && exit 0

[ -r "$KEYRING" ] || fail "Debian's archive keys are missing (package debian-archive-keyring)"
architecture=$(dpkg --print-architecture)

rm -rf -- "$prefix"/.work.*
work=$(mktemp -d "$prefix/.work.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- a private apt ------------------------------------------------------------------------------
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/root"
# What the host would read on an update tells the archive, even before its first update.
archive=$(apt-get -o "Dir::State::Lists=$work/state/lists" update --print-uris 2>/dev/null |
  sed -n "s|^'\(.*/debian\)/dists/.*|\1|p" | head -n 1)
[ -n "$archive" ] || fail "this host's apt names no Debian archive"
: >"$work/state/status"
for suite in $SUITES; do
  echo "deb [arch=$architecture signed-by=$KEYRING] $archive $suite main"
done >"$work/sources.list"
# A file, not arguments: every command below then reads the same settings. What the host sets and
# this does not name (a proxy, say) stays in force.
cat >"$work/apt.conf" <<EOF
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$work/state";
Dir::State::status "$work/state/status";
Dir::Cache "$work/cache";
APT::Architecture "$architecture";
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
EOF
APT_CONFIG=$work/apt.conf
export APT_CONFIG

attempt() { # COMMAND...: quiet unless it fails
  "$@" >"$work/log" 2>&1 || {
    tail -n 15 "$work/log" >&2
    fail "$1 $2 failed"
  }
}

attempt apt-get update --error-on=any
version=$(apt-cache madison "$PACKAGE" | awk -F'|' '{ gsub(/ /, "", $2); print $2 }' |
  while read -r candidate; do
    if [ -z "${newest-}" ] || dpkg --compare-versions "$candidate" gt "$newest"; then
      newest=$candidate
      echo "$newest"
    fi
  done | tail -n 1)
[ -n "$version" ] || fail "the archive has no $PACKAGE for $architecture in: $SUITES"

unpack() { # PACKAGE...: download (apt checks signature and hash) and unpack
  cd "$work/debs"
  attempt apt-get download "$@"
  for deb in ./*.deb; do
    dpkg-deb -x "$deb" "$work/root"
    rm -- "$deb"
  done
  cd "$prefix"
}

unpack "$PACKAGE=$version"

# --- the host's libraries, or our own -----------------------------------------------------------
out=$work/out
mkdir -p "$out/bin" "$out/libexec"
for program in $PROGRAMS; do cp "$work/root/usr/bin/$program" "$out/libexec/"; done

libraries() { # the packages named lib* that the program's dependencies lead to
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
    --no-replaces --no-enhances "$PACKAGE=$version" |
    awk -v start="$PACKAGE" '
      /^[^ ]/ { package = $1; sub(/:.*/, "", package); alternative = 0; next }
      /Depends: / {
        # Of "a | b" only the first: apt marks all but the last with a bar.
        name = $NF; sub(/:.*/, "", name)
        if (!alternative && name ~ /^lib/) needs[package] = needs[package] " " name
        alternative = ($1 ~ /^\|/)
      }
      END {
        queue[1] = start; known[start] = 1; last = 1
        for (i = 1; i <= last; i++) {
          if (i > 1) print queue[i]
          count = split(needs[queue[i]], names, " ")
          for (j = 1; j <= count; j++)
            if (!(names[j] in known)) { known[names[j]] = 1; queue[++last] = names[j] }
        }
      }'
}

if runs "$out/libexec"; then
  loader=
else
  # shellcheck disable=SC2046 # a list of package names
  unpack $(libraries)
  mkdir "$out/lib"
  loader=$(find "$work/root" -name 'ld-linux*.so.*' -type f | head -n 1)
  [ -n "$loader" ] || fail "the libraries of $PACKAGE came without a loader"
  folders=$(find "$work/root" -name '*.so.*' ! -path '*/gconv/*' -exec dirname {} + | sort -u | paste -s -d :)
  for program in $PROGRAMS; do
    "$loader" --inhibit-cache --library-path "$folders" --list "$out/libexec/$program"
  done >"$work/needed"
  ! grep 'not found' "$work/needed" >&2 || fail "libraries of $PACKAGE are missing"
  awk '$2 == "=>" && $1 !~ "/" { print $1, $3 }' "$work/needed" | sort -u | while read -r name file; do
    case $file in
      "$work"/root/*) cp -L "$file" "$out/lib/$name" ;;
      *) fail "$name would come from the host: $file" ;;
    esac
  done
  cp -L "$loader" "$out/lib/ld.so"
  chmod 755 "$out/lib/ld.so"
fi

# Small starters that find their own folder and exec, so that pid and signals are the node's own.
for program in $PROGRAMS; do
  {
    echo '#!/bin/sh'
    echo 'top=$(dirname -- "$(readlink -f -- "$0")")/..'
    if [ -n "$loader" ]; then
      echo "exec \"\$top/lib/ld.so\" --inhibit-cache --argv0 $program --library-path \"\$top/lib\" \"\$top/libexec/$program\" \"\$@\""
    else
      echo "exec \"\$top/libexec/$program\" \"\$@\""
    fi
  } >"$out/bin/$program"
  chmod 755 "$out/bin/$program"
done
runs "$out/bin" || fail "what was unpacked does not start"

for folder in libexec lib bin; do
  rm -rf -- "${prefix:?}/$folder"
  [ ! -e "$out/$folder" ] || mv -- "$out/$folder" "$prefix/$folder"
done
runs "$prefix/bin" || fail "$prefix/bin/bitcoind does not start"

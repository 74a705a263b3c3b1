#!/usr/bin/env bash
# run_neon.sh must fail, and name the operator, when one digest differs. Arguments as those of run_neon.sh.
set -euo pipefail
native=$1 source=$2 build=$3
changed=$(mktemp)
trap 'rm -f "$changed"' EXIT
printf '#!/usr/bin/env bash\n%q | sed "s/^attention avx2 .*/attention avx2 0123456789abcdef/; s/^attention portable .*/attention portable 0123456789abcdef/"\n' \
  "$native" >"$changed"
chmod +x "$changed"
status=0
said=$("$source/tests/neon/run_neon.sh" "$changed" "$source" "$build") || status=$?
((status == 77)) && { echo "$said"; exit 77; }
if ((status == 0)) || ! grep -qx 'not the same on every target: attention' <<<"$said"; then
  echo "a changed digest went unseen (status $status): $said"
  exit 1
fi

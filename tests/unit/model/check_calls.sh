#!/usr/bin/env bash
# Direct calls that the dispatcher's allow-list cannot see: libraries of the numeric path that use LibTorch may name no
# implementation of an ATen operator (at::native, at::cpu), no operator but allocation and views, no BLAS and nothing of
# libm but fma, fmaf and sqrt (the IEEE instruction; the call only sets errno for a negative argument).
set -euo pipefail
libm=$(ldconfig -p 2>/dev/null | awk '/libm\.so\.6/ && /x86-64/ && !seen {print $NF; seen = 1}')
if [[ -z $libm ]]; then
  echo "libm.so.6 was not found: skipped"
  exit 77
fi
undefined=$(nm --undefined-only --format=posix "$@" | awk 'NF >= 2 {print $1}' | sort -u)
in_libm=$(nm -D --defined-only "$libm" | awk '{sub(/@.*/, "", $3); print $3}' | sort -u)
libm_calls=$(comm -12 <(echo "$undefined") <(echo "$in_libm") | grep -vxE 'fmaf?|sqrt' || true)
demangled=$(c++filt <<<"$undefined")
operators=$(grep -oE '^at::_ops::[A-Za-z0-9_]+' <<<"$demangled" |
  grep -vxE 'at::_ops::(empty_memory_format|empty_strided|detach|view|view_as|narrow|as_strided)' || true)
direct=$(grep -E '^(at::(native|cpu|redispatch|meta)::|at::[a-z_]+\(|cblas_|mkl_|[sdcz]gemm_?$)' <<<"$demangled" || true)
if [[ -n $libm_calls$operators$direct ]]; then
  echo "calls outside the allow-list:" $libm_calls $operators $direct
  exit 1
fi
grep -q '^at::_ops::empty_memory_format' <<<"$demangled" ||
  { echo "at::empty is not called: the check looked at the wrong libraries"; exit 1; }
echo "no forbidden call among $(wc -l <<<"$undefined") undefined symbols"

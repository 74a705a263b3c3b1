#!/usr/bin/env bash
# Clause [C-28]: the kernels call nothing of libm but fma and fmaf, and no BLAS. Takes the static library; every symbol
# that it leaves undefined and that the system's libm defines, or that is named like a BLAS or vector-math routine, fails.
set -euo pipefail
library=$1
libm=$(ldconfig -p 2>/dev/null | awk '/libm\.so\.6/ && /x86-64/ && !seen {print $NF; seen = 1}')
if [[ -z $libm ]]; then
  echo "libm.so.6 was not found: skipped"
  exit 77
fi
undefined=$(nm --undefined-only --format=posix "$library" | awk 'NF >= 2 {print $1}' | sort -u)
in_libm=$(nm -D --defined-only "$libm" | awk '{sub(/@.*/, "", $3); print $3}' | sort -u)
forbidden=$(comm -12 <(echo "$undefined") <(echo "$in_libm") | grep -vxE 'fmaf?' || true)
# GNU's vector functions, SLEEF, MKL, BLAS and its kernels, ATen.
named=$(grep -E '^(_ZGV|Sleef|mkl_|MKL_|vm[sd]|cblas_|[sdcz](gemm|gemv|dot|axpy|scal|nrm2|asum)_?$|_ZN2at|_ZN3c10)' \
  <<<"$undefined" || true)
if [[ -n $forbidden$named ]]; then
  echo "numeric symbols that the contract forbids: $forbidden $named"
  exit 1
fi
grep -qx fmaf <<<"$undefined" || { echo "fmaf is not used: the check looked at the wrong library"; exit 1; }
echo "only fma and fmaf of libm; $(wc -l <<<"$undefined") undefined symbols seen"

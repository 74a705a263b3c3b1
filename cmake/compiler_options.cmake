# Flags of every target. The numeric contract needs two of them: no contraction of a*b+c into an FMA that the
# source does not write, and no value-changing float optimisation (docs/numeric_contract.md, clause 1).
include_guard(GLOBAL)

add_library(reprise_warnings INTERFACE)
target_compile_options(reprise_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  $<$<BOOL:${REPRISE_WERROR}>:-Werror>
  -ffp-contract=off -fno-fast-math)
set_target_properties(reprise_warnings PROPERTIES EXPORT_NAME warnings)

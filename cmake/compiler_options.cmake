# Flags of every target. The numeric contract needs two of them: no contraction of a*b+c into an FMA that the
# source does not write, and no value-changing float optimisation (docs/numeric_contract.md, clause 1).
include_guard(GLOBAL)

add_library(reprise_warnings INTERFACE)
set(reprise_host_options
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  $<$<BOOL:${REPRISE_WERROR}>:-Werror>
  -ffp-contract=off -fno-fast-math)
target_compile_options(reprise_warnings INTERFACE "$<$<COMPILE_LANGUAGE:C,CXX>:${reprise_host_options}>")
set_target_properties(reprise_warnings PROPERTIES EXPORT_NAME warnings)

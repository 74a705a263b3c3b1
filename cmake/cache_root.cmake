# The folder in the user's cache into which scripts/setup.sh unpacks the pinned wheels.
include_guard(GLOBAL)

# A variable that is set but empty names nothing, as there.
if(NOT "$ENV{REPRISE_TORCH_ROOT}" STREQUAL "")
  set(reprise_torch_default "$ENV{REPRISE_TORCH_ROOT}")
elseif(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
  set(reprise_torch_default "$ENV{XDG_CACHE_HOME}/reprise/libtorch-2.11.0")
else()
  set(reprise_torch_default "$ENV{HOME}/.cache/reprise/libtorch-2.11.0")
endif()
set(REPRISE_TORCH_ROOT "${reprise_torch_default}" CACHE PATH
    "Folder into which the wheels were unpacked (holds torch/ and nvidia/)")

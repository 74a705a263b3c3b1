# The folder in the user's cache into which scripts/setup.sh unpacks the pinned wheels.
include_guard(GLOBAL)

if(DEFINED ENV{REPRISE_TORCH_ROOT})
  set(reprise_torch_default "$ENV{REPRISE_TORCH_ROOT}")
elseif(DEFINED ENV{XDG_CACHE_HOME})
  set(reprise_torch_default "$ENV{XDG_CACHE_HOME}/reprise/libtorch-2.11.0")
else()
  set(reprise_torch_default "$ENV{HOME}/.cache/reprise/libtorch-2.11.0")
endif()
set(REPRISE_TORCH_ROOT "${reprise_torch_default}" CACHE PATH
    "Folder into which the wheels were unpacked (holds torch/ and nvidia/)")

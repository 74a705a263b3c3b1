# Install rules: `cmake --install` lays down the libraries, their headers and a package file, so that another
# project can say find_package(reprise).
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)

write_basic_package_version_file(${PROJECT_BINARY_DIR}/reprise-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/reprise-config.cmake.in
                              ${PROJECT_BINARY_DIR}/reprise-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/reprise)

# What the libraries link beside Debian packages goes along, so that their link interface is complete.
set(reprise_extra_targets reprise_hdf5)
if(REPRISE_WITH_TORCH)
  list(APPEND reprise_extra_targets reprise_torch)
endif()
install(TARGETS ${reprise_extra_targets} EXPORT reprise-targets)
install(EXPORT reprise-targets NAMESPACE reprise:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/reprise)
install(FILES ${PROJECT_BINARY_DIR}/reprise-config.cmake ${PROJECT_BINARY_DIR}/reprise-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/reprise)

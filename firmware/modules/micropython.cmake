# SPDX-License-Identifier: Apache-2.0
# The modules for ports that are built with CMake (ESP32); micropython.mk is for those with make.

foreach(module micdsp tflm)
    set(folder ${CMAKE_CURRENT_LIST_DIR}/${module})
    file(GLOB_RECURSE sources ${folder}/core/*.c)
    add_library(usermod_${module} INTERFACE)
    target_sources(usermod_${module} INTERFACE ${folder}/mod${module}.c ${sources})
    target_include_directories(usermod_${module} INTERFACE ${folder}/core)
    target_link_libraries(usermod INTERFACE usermod_${module})
endforeach()

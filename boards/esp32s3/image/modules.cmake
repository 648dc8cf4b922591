# SPDX-License-Identifier: Apache-2.0
# USER_C_MODULES of our image: our modules, the PDM receiver, and the camera where GLINT_CAMERA names a checkout of
# https://github.com/cnadler86/micropython-camera-API.

include(${CMAKE_CURRENT_LIST_DIR}/../../../firmware/modules/micropython.cmake)
add_library(usermod_pdm INTERFACE)
target_sources(usermod_pdm INTERFACE ${CMAKE_CURRENT_LIST_DIR}/pdm/modpdm.c)
target_link_libraries(usermod INTERFACE usermod_pdm)
if(DEFINED ENV{GLINT_CAMERA})
    include($ENV{GLINT_CAMERA}/src/micropython.cmake)
endif()

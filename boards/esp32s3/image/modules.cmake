# SPDX-License-Identifier: Apache-2.0
# USER_C_MODULES of our image: our modules, and the camera where GLINT_CAMERA names a checkout of
# https://github.com/cnadler86/micropython-camera-API.

include(${CMAKE_CURRENT_LIST_DIR}/../../../firmware/modules/micropython.cmake)
if(DEFINED ENV{GLINT_CAMERA})
    include($ENV{GLINT_CAMERA}/src/micropython.cmake)
endif()

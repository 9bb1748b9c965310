# The tests of the Metal kernels: on macOS over the device, on Linux over a software one, with an addon beside them. Needs clang 19, which
# compiles the kernels, and GNUstep, which has the Objective-C library.
if(APPLE)
  # The device itself; the addon has the host already.
  add_executable(metal_tests EXCLUDE_FROM_ALL ${NAUTILUS_METAL_TEST_SOURCES})
  target_link_libraries(metal_tests PRIVATE nautilus_kernels)
  # The GPU of a virtual machine lacks some kernels and may hang: there `make test-metal` runs each test with a limit of its own.
  execute_process(COMMAND sysctl -n kern.hv_vmm_present OUTPUT_VARIABLE virtual OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(virtual EQUAL 1)
    message(STATUS "metal_tests are left to `make test-metal`: this is a virtual machine")
    return()
  endif()
  add_dependencies(tests metal_tests)
  add_test(NAME metal_tests COMMAND metal_tests)
  return()
endif()
find_program(NAUTILUS_CLANG clang++-19)
find_path(GNUSTEP_INCLUDE Foundation/Foundation.h PATHS /usr/include/GNUstep NO_DEFAULT_PATH)
if(NOT NAUTILUS_CLANG OR NOT GNUSTEP_INCLUDE)
  message(STATUS "metal_tests are left out: they need clang-19 and libgnustep-base-dev")
  return()
endif()
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=include OUTPUT_VARIABLE gcc_include OUTPUT_STRIP_TRAILING_WHITESPACE)

set(swmetal ${CMAKE_CURRENT_SOURCE_DIR}/native/test/swmetal)
set(native ${CMAKE_CURRENT_SOURCE_DIR}/native)
set(objc_flags -std=c++20 -O2 -g1 -fPIC -Wall -Wextra -Werror -x objective-c++ -fobjc-runtime=gcc -fblocks -fobjc-exceptions
  -fexceptions -fconstant-string-class=NSConstantString -DGNUSTEP -DGNUSTEP_BASE_LIBRARY=1 -DGNU_RUNTIME=1
  -D_NATIVE_OBJC_EXCEPTIONS -isystem ${swmetal}/include -isystem ${GNUSTEP_INCLUDE} -isystem ${gcc_include} -I${native})
# Compiles one Objective-C++ file. Clang gives it a personality of the GCC runtime that cannot catch C++ exceptions; the names of
# the two differ only.
function(compile_objc source object)
  add_custom_command(OUTPUT ${object}
    COMMAND ${NAUTILUS_CLANG} ${objc_flags} ${ARGN} -MD -MF ${object}.d -MT ${object} -c ${source} -o ${object}
    COMMAND ${CMAKE_OBJCOPY} --redefine-sym __gnu_objc_personality_v0=__gxx_personality_v0 ${object}
    DEPENDS ${source} DEPFILE ${object}.d VERBATIM)
endfunction()

file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/swmetal)
file(GLOB device_objc CONFIGURE_DEPENDS ${swmetal}/*.mm)
file(GLOB device_cpp CONFIGURE_DEPENDS ${swmetal}/*.cc)
set(objects "")
list(TRANSFORM NAUTILUS_METAL_OBJC_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE host_objc)
foreach(source IN LISTS device_objc)
  get_filename_component(name ${source} NAME)
  compile_objc(${source} ${CMAKE_BINARY_DIR}/swmetal/${name}.o)
  list(APPEND device_objects ${CMAKE_BINARY_DIR}/swmetal/${name}.o)
endforeach()
foreach(source IN LISTS host_objc)
  get_filename_component(name ${source} NAME)
  compile_objc(${source} ${CMAKE_BINARY_DIR}/swmetal/host-${name}.o)
  list(APPEND host_objects ${CMAKE_BINARY_DIR}/swmetal/host-${name}.o)
endforeach()

# Kernels find what they call by name, so the device is a library.
add_library(SoftMetal SHARED EXCLUDE_FROM_ALL ${device_cpp} ${device_objects})
set_target_properties(SoftMetal PROPERTIES CXX_VISIBILITY_PRESET default INTERPROCEDURAL_OPTIMIZATION OFF)
target_compile_definitions(SoftMetal PRIVATE SWM_METALC_PATH="${swmetal}/metalc.ts")
target_compile_options(SoftMetal PRIVATE -O2 -Wall -Wextra -Werror)
target_include_directories(SoftMetal PRIVATE ${native})
target_link_libraries(SoftMetal PRIVATE gnustep-base objc dl)

add_executable(metal_tests EXCLUDE_FROM_ALL ${NAUTILUS_METAL_TEST_SOURCES} ${NAUTILUS_METAL_SOURCES} ${metal_source} ${host_objects})
target_link_libraries(metal_tests PRIVATE nautilus_kernels SoftMetal gnustep-base objc)
add_dependencies(tests metal_tests)
# The device itself: what it refuses, how it schedules, what it computes. Its faults end processes, so that it runs alone.
if(NOT NAUTILUS_SANITIZE)
  file(GLOB selftest_objc CONFIGURE_DEPENDS ${swmetal}/selftest/*.mm)
  foreach(source IN LISTS selftest_objc)
    get_filename_component(name ${source} NAME)
    set(object ${CMAKE_BINARY_DIR}/swmetal/selftest-${name}.o)
    compile_objc(${source} ${object} -DSWM_SELFTEST_KERNELS="${swmetal}/selftest")
    list(APPEND selftest_objects ${object})
  endforeach()
  add_executable(swmetal_selftest EXCLUDE_FROM_ALL ${swmetal}/selftest/tools.cc native/test/main.cc ${selftest_objects})
  target_compile_options(swmetal_selftest PRIVATE -O2 -Wall -Wextra -Werror)
  target_include_directories(swmetal_selftest PRIVATE ${native})
  target_link_libraries(swmetal_selftest PRIVATE SoftMetal gnustep-base objc)
  add_dependencies(tests swmetal_selftest)
  add_test(NAME swmetal_selftest COMMAND swmetal_selftest)
endif()

set(metal_environment SWM_CACHE=${CMAKE_BINARY_DIR}/swmetal/cache)
if(NAUTILUS_SANITIZE)
  # The kernels too; Objective-C objects of the system are not all given back. Without the widths, each kernel on few sizes.
  list(APPEND metal_environment SWM_SANITIZE=1 ASAN_OPTIONS=detect_leaks=0)
  if(NOT NAUTILUS_SANITIZE_WIDTHS)
    list(APPEND metal_environment METAL_TEST_FEW=1)
  endif()
endif()
# Orders in which a device may run threads; sanitizers look at one of them.
set(schedules forward)
if(NOT NAUTILUS_SANITIZE)
  list(APPEND schedules reverse random)
endif()
foreach(schedule IN LISTS schedules)
  add_test(NAME metal_tests_${schedule} COMMAND metal_tests)
  set_tests_properties(metal_tests_${schedule} PROPERTIES ENVIRONMENT "${metal_environment};SWM_SCHEDULE=${schedule}")
endforeach()

# The addon over the same device, for tests of what stands on it.
if(NOT NAUTILUS_SANITIZE)
  add_library(nautilus_soft MODULE EXCLUDE_FROM_ALL ${NAUTILUS_ADDON_SOURCES} ${NAUTILUS_METAL_SOURCES} ${metal_source} ${host_objects})
  set_target_properties(nautilus_soft PROPERTIES PREFIX "" SUFFIX ".node" OUTPUT_NAME nautilus
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/swmetal)
  target_link_libraries(nautilus_soft PRIVATE nautilus_node SoftMetal gnustep-base objc)
  add_dependencies(tests nautilus_soft)
endif()

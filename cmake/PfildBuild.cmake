# SPDX-License-Identifier: BSD-2-Clause
# What every target shares: the language, the warnings, the sanitizers; and pfild_library(), the one way to make a layer.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(pfild_options INTERFACE)
target_compile_options(pfild_options INTERFACE -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
target_compile_options(pfild_options INTERFACE -fstack-protector-strong -fno-omit-frame-pointer)
target_compile_definitions(pfild_options INTERFACE PFILD_VERSION="${PROJECT_VERSION}")
target_include_directories(pfild_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
if(PFILD_SANITIZE)
    target_compile_options(pfild_options INTERFACE -fsanitize=${PFILD_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(pfild_options INTERFACE -fsanitize=${PFILD_SANITIZE})
endif()
if(PFILD_FUZZ)
    target_compile_options(pfild_options INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(pfild_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# pfild_library(NAME [LIBRARIES...]): a static library of the .cpp files of the current folder and its subfolders.
function(pfild_library name)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC pfild_options ${ARGN})
endfunction()

# pfild_precompile(TARGET HEADER...): headers that are large and in most files of the target.
function(pfild_precompile target)
    if(PFILD_PRECOMPILE)
        target_precompile_headers(${target} PRIVATE ${ARGN})
    endif()
endfunction()

# SPDX-License-Identifier: Apache-2.0
# cmake -DINPUT=… -DOUTPUT=… -DNAME=… -DNAMESPACE=… -P EmbedText.cmake: a header that holds a text file.
file(READ ${INPUT} text)
if(text MATCHES "\\)embedded\"")
  message(FATAL_ERROR "${INPUT}: holds the end mark of the string literal it is put into")
endif()
file(WRITE ${OUTPUT} "// Made by CMake.
#pragma once

#include <string_view>

namespace ${NAMESPACE} {
inline constexpr std::string_view ${NAME} = R\"embedded(${text})embedded\";
}
")

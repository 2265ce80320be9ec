// SPDX-License-Identifier: Apache-2.0
// What the kernel offers to images, in the loader's terms.
#pragma once

#include "loader/image.hpp"

namespace dumpsim::stack {

/// Made once: it is the same for every image.
loader::ExportTable export_table();

}  // namespace dumpsim::stack

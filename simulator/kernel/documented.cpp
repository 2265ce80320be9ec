// SPDX-License-Identifier: Apache-2.0
#include "kernel/documented.hpp"

#include <algorithm>
#include <iterator>

namespace dumpsim::kernel {
namespace {

constexpr std::string_view names[] = {
#define DOCUMENTED(name) #name,
#include "kernel/documented_names.def"
#undef DOCUMENTED
};
static_assert(std::is_sorted(std::begin(names), std::end(names)), "searched by halving");

}  // namespace

bool is_documented(std::string_view name) {
  return std::binary_search(std::begin(names), std::end(names), name);
}

}  // namespace dumpsim::kernel

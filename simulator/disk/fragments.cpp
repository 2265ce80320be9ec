// SPDX-License-Identifier: Apache-2.0
// Fragmentation by a seed. Everything is counted in clusters: the free ranges share the file among them in proportion
// to their size, each cuts its share into random pieces with random gaps, and the pieces are shuffled.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/random.hpp"
#include "base/text.hpp"
#include "disk/extents.hpp"

namespace dumpsim::disk {
namespace {

struct Clusters {
  std::uint64_t begin = 0;
  std::uint64_t count = 0;
};

struct Share {
  Clusters range;
  std::uint64_t clusters = 0;  ///< of the file
  std::uint64_t pieces = 0;
};

std::uint64_t scaled(std::uint64_t whole, std::uint64_t part, std::uint64_t of) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(whole) * part / of);
}

/// The free space of a partition in whole clusters, ascending.
std::vector<Clusters> free_ranges(std::uint64_t partition_size, std::span<const Extent> reserved) {
  const std::uint64_t end = partition_size / cluster_size;
  std::vector<Clusters> taken{{0, boot_area / cluster_size}};
  for (const Extent& extent : reserved) {
    if (extent.bytes == 0) continue;
    const std::uint64_t begin = extent.at.bytes / cluster_size;
    std::uint64_t last = 0;
    if (__builtin_add_overflow(extent.at.bytes, extent.bytes - 1, &last)) last = UINT64_MAX;
    taken.push_back({begin, last / cluster_size - begin + 1});
  }
  std::sort(taken.begin(), taken.end(), [](const Clusters& a, const Clusters& b) { return a.begin < b.begin; });
  std::vector<Clusters> free;
  std::uint64_t next = 0;
  for (const Clusters& range : taken) {
    if (range.begin >= end) break;
    if (range.begin > next) free.push_back({next, range.begin - next});
    next = std::max(next, range.begin + range.count);
  }
  if (next < end) free.push_back({next, end - next});
  return free;
}

/// `total` as `parts` random summands of at least `least` each. REQUIRES: parts > 0, total >= parts * least.
std::vector<std::uint64_t> random_sum(std::uint64_t total, std::uint64_t parts, std::uint64_t least, Random& random) {
  std::vector<std::uint64_t> weights(parts);
  std::uint64_t all = 0;
  for (std::uint64_t& weight : weights) all += weight = 1 + random.below(1000);
  const std::uint64_t spare = total - parts * least;
  std::uint64_t given = 0;
  std::vector<std::uint64_t> sizes(parts, least);
  for (std::size_t i = 0; i < parts; ++i) {
    const std::uint64_t extra = scaled(spare, weights[i], all);
    sizes[i] += extra;
    given += extra;
  }
  for (std::size_t i = 0; given < spare; ++i, ++given) ++sizes[i];
  return sizes;
}

/// How much of the file, and in how many pieces, each range takes. REQUIRES: it fits, pieces >= ranges.
std::vector<Share> share_out(const std::vector<Clusters>& ranges, std::uint64_t clusters, std::uint64_t pieces) {
  std::uint64_t room = 0;
  for (const Clusters& range : ranges) room += range.count;
  std::vector<Share> shares;
  std::uint64_t left = clusters;
  for (const Clusters& range : ranges) {
    shares.push_back({range, scaled(clusters, range.count, room), 0});
    left -= shares.back().clusters;
  }
  for (Share& share : shares) {
    const std::uint64_t more = std::min(left, share.range.count - share.clusters);
    share.clusters += more;
    left -= more;
  }
  shares.erase(std::remove_if(shares.begin(), shares.end(), [](const Share& s) { return s.clusters == 0; }),
               shares.end());
  // A piece each, the others in proportion to what could be cut further.
  const std::uint64_t others = pieces - shares.size();
  const std::uint64_t cuttable = clusters - shares.size();
  left = others;
  for (Share& share : shares) {
    share.pieces = 1 + (others == 0 ? 0 : scaled(others, share.clusters - 1, cuttable));
    left -= share.pieces - 1;
  }
  for (Share& share : shares) {
    const std::uint64_t more = std::min(left, share.clusters - share.pieces);
    share.pieces += more;
    left -= more;
  }
  return shares;
}

void cut(const Share& share, Random& random, std::vector<Clusters>& pieces) {
  const std::vector<std::uint64_t> sizes = random_sum(share.clusters, share.pieces, 1, random);
  const std::uint64_t slack = share.range.count - share.clusters;
  // One cluster between neighbours when there is room for it; the ends of the range may be gaps of nothing.
  const std::uint64_t between = slack >= share.pieces - 1 ? 1 : 0;
  std::vector<std::uint64_t> gaps = random_sum(slack - between * (share.pieces - 1), share.pieces + 1, 0, random);
  std::uint64_t next = share.range.begin;
  for (std::size_t i = 0; i < share.pieces; ++i) {
    next += gaps[i] + (i > 0 ? between : 0);
    pieces.push_back({next, sizes[i]});
    next += sizes[i];
  }
}

bool any_continues(const std::vector<Clusters>& pieces) {
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    if (pieces[i - 1].begin + pieces[i - 1].count == pieces[i].begin) return true;
  }
  return false;
}

}  // namespace

Result<ExtentMap> lay_out_file(std::string_view name, const FileShape& shape, std::uint64_t partition_size,
                               std::uint32_t sector_size, std::span<const Extent> reserved) {
  if (shape.size == 0) return Error{fmt::format("{}: a file of no bytes cannot be laid out", name)};
  if (sector_size == 0 || shape.size % sector_size != 0) {
    return Error{fmt::format("{}: size {} is no multiple of the sector size {}", name, shape.size, sector_size)};
  }
  const std::uint64_t clusters = shape.size / cluster_size + (shape.size % cluster_size != 0 ? 1 : 0);
  if (shape.fragments == 0 || shape.fragments > most_extents || shape.fragments > clusters) {
    return Error{fmt::format("{}: {} fragments of a file of {}; expected 1 to {}", name, shape.fragments,
                             format_size(shape.size), std::min<std::uint64_t>(clusters, most_extents))};
  }
  std::vector<Clusters> ranges = free_ranges(partition_size, reserved);
  std::uint64_t free = 0;
  for (const Clusters& range : ranges) free += range.count;
  const std::size_t all_ranges = ranges.size();
  // A fragment cannot lie in two ranges: no more ranges than fragments are used, the largest.
  std::stable_sort(ranges.begin(), ranges.end(),
                   [](const Clusters& a, const Clusters& b) { return a.count > b.count; });
  if (ranges.size() > shape.fragments) ranges.resize(shape.fragments);
  std::uint64_t usable = 0;
  for (const Clusters& range : ranges) usable += range.count;
  if (usable < clusters) {
    return Error{fmt::format("{}: {} in {} fragment(s) does not fit: the partition of {} has {} free in {} piece(s)",
                             name, format_size(shape.size), shape.fragments, format_size(partition_size),
                             format_size(free * cluster_size), all_ranges)};
  }

  Random random(mix64(shape.seed ^ 0x6672'6167'6d65'6e74ULL));
  std::vector<Clusters> pieces;
  pieces.reserve(shape.fragments);
  for (const Share& share : share_out(ranges, clusters, shape.fragments)) cut(share, random, pieces);
  for (std::size_t i = pieces.size(); i > 1; --i) std::swap(pieces[i - 1], pieces[random.below(i)]);
  if (any_continues(pieces)) {
    // Only where the free space is so full that pieces touch: backwards, no piece ever follows on from the last.
    std::sort(pieces.begin(), pieces.end(), [](const Clusters& a, const Clusters& b) { return a.begin > b.begin; });
  }
  std::vector<Extent> extents;
  extents.reserve(pieces.size());
  for (const Clusters& piece : pieces) {
    extents.push_back({PartitionOffset{piece.begin * cluster_size}, piece.count * cluster_size});
  }
  extents.back().bytes -= clusters * cluster_size - shape.size;
  return ExtentMap::make(name, std::move(extents), partition_size, sector_size);
}

}  // namespace dumpsim::disk

// SPDX-License-Identifier: Apache-2.0
#include "engine/source_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <set>
#include <vector>

#include "engine/code_places.hpp"

namespace dumpsim::engine {
namespace {

constexpr std::string_view unnamed = "sub_";

/// A line of the backtrace: "  #1  dump_x!sub_1000+0x12 [0x1012]", "  #0  dump_x+0x1014 [0x1014?]".
struct Frame {
  std::size_t line = 0;
  std::size_t name = 0;       ///< where in the line the image's name ends
  bool guessed = false;       ///< the line names no function, or the nearest one before
  std::string image;          ///< as the trace calls it
  std::uint64_t address = 0;  ///< relative to the image's base
  std::string function, place;
};

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<Frame> frames_of(std::vector<std::string>& lines) {
  std::vector<Frame> frames;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string& line = lines[i];
    const std::size_t mark = line.find(" [0x");
    if (!line.starts_with("  #") || line.back() != ']' || mark == std::string::npos) continue;
    Frame frame;
    frame.line = i;
    frame.guessed = line.ends_with("?]");
    const std::size_t start = line.rfind(' ', mark - 1) + 1;
    const std::size_t bang = line.find('!', start);
    frame.name = bang < mark ? bang : line.rfind('+', mark);
    if (frame.name == std::string::npos || frame.name <= start) continue;
    frame.image = line.substr(start, frame.name - start);
    std::string hex = line.substr(mark + 4, line.size() - mark - 5);
    std::from_chars(hex.data(), hex.data() + hex.size(), frame.address, 16);
    // A return address may be the next line's: the call is before it.
    if (!line.starts_with("  #0 ")) --frame.address;
    line.erase(mark);
    frames.push_back(std::move(frame));
  }
  return frames;
}

/// The file of what the trace calls `image`: "dump_NAME" or "hiber_NAME" of a filter, an ordinary driver's own name.
std::string path_of(const std::string& image, const Images& images) {
  for (const stack::FilterSpec& filter : images.filters) {
    if (image == "dump_" + filter.name || image == "hiber_" + filter.name) return filter.path;
  }
  for (const stack::DriverSpec& driver : images.drivers) {
    if (image == driver.name) return driver.path;
  }
  return {};
}

void ask(const std::string& image, std::vector<Frame*>& frames) {
  std::vector<std::uint64_t> offsets;
  offsets.reserve(frames.size());
  for (const Frame* frame : frames) offsets.push_back(frame->address);
  const std::vector<CodePlace> places = code_places(image, offsets);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i]->function = places[i].function;
    // Without the folders, which are the building machine's.
    if (places[i].line != 0) {
      const std::string source = places[i].source.string();
      const std::size_t folders = source.find_last_of("/\\");
      frames[i]->place =
          fmt::format("{}:{}", source.substr(folders == std::string::npos ? 0 : folders + 1), places[i].line);
    }
  }
}

}  // namespace

std::string with_source_lines(std::string_view evidence, const Images& images) {
  std::vector<std::string> lines = lines_of(evidence);
  std::vector<Frame> frames = frames_of(lines);
  if (frames.empty()) return std::string(evidence);
  std::vector<std::string> asked;
  for (const Frame& first : frames) {
    const std::string path = path_of(first.image, images);
    if (path.empty() || std::find(asked.begin(), asked.end(), first.image) != asked.end()) {
      continue;
    }
    asked.push_back(first.image);
    std::vector<Frame*> of_image;
    for (Frame& frame : frames) {
      if (frame.image == first.image) of_image.push_back(&frame);
    }
    ask(path, of_image);
  }
  for (const Frame& frame : frames) {
    std::string& line = lines[frame.line];
    const std::size_t begin = frame.name + 1;
    const std::size_t end = std::min(line.find('+', begin), line.size());
    if (frame.guessed) {
      // Without a line it may be the nearest export, no better a guess. Where the function begins is not said.
      if (!frame.place.empty() && !frame.function.empty() &&
          (line[frame.name] != '!' || line.compare(begin, end - begin, frame.function) != 0)) {
        line.replace(frame.name, std::string::npos, "!" + frame.function);
      }
    } else if (!frame.function.empty() && line.compare(begin, unnamed.size(), unnamed) == 0) {
      line.replace(begin, end - begin, frame.function);
    }
    if (!frame.place.empty()) line += " (" + frame.place + ")";
  }
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

void locate(std::vector<Finding>& findings, const Images& images) {
  std::set<std::string> asked;
  for (std::size_t first = 0; first < findings.size(); ++first) {
    const std::string path = path_of(findings[first].filter, images);
    // An image of which nothing is known (stripped, say) is asked once, too.
    if (path.empty() || findings[first].site == 0 || !asked.insert(findings[first].filter).second) continue;
    std::vector<Finding*> of_image;
    std::vector<std::uint64_t> offsets;
    for (Finding& finding : findings) {
      if (finding.filter != findings[first].filter || finding.site == 0) continue;
      of_image.push_back(&finding);
      // A return address may be the next line's: the call is before it.
      offsets.push_back(finding.site_exact ? finding.site : finding.site - 1);
    }
    const std::vector<CodePlace> places = code_places(path, offsets);
    for (std::size_t i = 0; i < of_image.size(); ++i) {
      of_image[i]->function = places[i].function;
      of_image[i]->source = places[i].source.lexically_normal().string();
      of_image[i]->line = places[i].line;
    }
  }
}

}  // namespace dumpsim::engine

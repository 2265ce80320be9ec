// SPDX-License-Identifier: Apache-2.0
// JUnit's XML has no single schema. Written is what Jenkins, GitLab and GitHub's test reporters all read: a suite a
// scenario, with the properties where every schema has them, one test case in it, and what it came to as text of the
// case. No time and no host: a report of the same runs is the same.
#include <fmt/format.h>

#include <filesystem>
#include <pugixml.hpp>
#include <sstream>

#include "report/job.hpp"

namespace dumpsim::report {
namespace {

/// XML 1.0 has no way to write most control characters: their pictures stand for them. U+FFFE and U+FFFF neither.
/// REQUIRES: valid UTF-8.
std::string writable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::string_view three = text.substr(i, 3);
    if (c < 0x20 && c != '\n' && c != '\t') {
      out += {'\xe2', '\x90', static_cast<char>(0x80 + c)};
    } else if (three == "\xef\xbf\xbe" || three == "\xef\xbf\xbf") {
      out += "\xef\xbf\xbd";
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

class Suite {
 public:
  Suite(pugi::xml_node suites, const Entry& entry) : entry_(entry), node_(suites.append_child("testsuite")) {
    set(node_, "name", entry.path);
    count(node_, 1, failed(), !entry.ran());
    properties();
    test_case();
  }

  static void count(pugi::xml_node node, std::size_t tests, std::size_t failures, std::size_t errors) {
    set(node, "tests", fmt::to_string(tests));
    set(node, "failures", fmt::to_string(failures));
    set(node, "errors", fmt::to_string(errors));
    set(node, "skipped", "0");
    set(node, "time", "0");
  }
  static void set(pugi::xml_node node, const char* name, std::string_view value) {
    node.append_attribute(name).set_value(writable(value).c_str());
  }

 private:
  bool failed() const { return entry_.verdict == Entry::Verdict::not_as_expected; }

  void property(pugi::xml_node all, const char* name, std::string_view value) {
    if (value.empty()) return;
    pugi::xml_node one = all.append_child("property");
    set(one, "name", name);
    set(one, "value", value);
  }

  void properties() {
    pugi::xml_node all = node_.append_child("properties");
    property(all, "file", entry_.path);
    property(all, "line", fmt::to_string(entry_.line));
    property(all, "seed", entry_.seed);
    property(all, "command", entry_.command);
    property(all, "verdict", name_of(entry_.verdict));
  }

  void test_case() {
    const std::filesystem::path path(entry_.path);
    std::string folder = path.parent_path().generic_string();
    folder.erase(0, folder.starts_with('/') ? 1 : 0);
    for (char& c : folder) c = c == '/' ? '.' : c;
    pugi::xml_node test = node_.append_child("testcase");
    set(test, "classname", folder.empty() ? "scenarios" : folder);
    set(test, "name", path.stem().string());
    set(test, "file", entry_.path);
    set(test, "line", fmt::to_string(entry_.line));
    set(test, "time", "0");
    if (failed()) {
      const std::string first = entry_.mismatches.empty() ? "not as expected" : entry_.mismatches.front();
      text_of(test, "failure", first, "not-as-expected", fmt::format("{}\n", fmt::join(entry_.mismatches, "\n")));
    } else if (!entry_.ran()) {
      text_of(test, "error", entry_.error.substr(0, entry_.error.find('\n')), name_of(entry_.verdict),
              entry_.error + "\n");
    }
    test.append_child("system-out").text().set(writable(shown()).c_str());
  }

  void text_of(pugi::xml_node test, const char* kind, std::string_view message, std::string_view type,
               std::string_view text) {
    pugi::xml_node node = test.append_child(kind);
    set(node, "message", message);
    set(node, "type", type);
    node.text().set(writable(fmt::format("{}{}", text, repeated_by())).c_str());
  }

  std::string repeated_by() const {
    std::string text = fmt::format("file: {}\nline: {}\n", entry_.path, entry_.line);
    if (!entry_.seed.empty()) text += fmt::format("seed: {}\n", entry_.seed);
    if (!entry_.command.empty()) text += fmt::format("repeat with: {}\n", entry_.command);
    return text;
  }

  std::string shown() const {
    return fmt::format("{}{}{}", entry_.text, entry_.text.empty() ? "" : "\n", repeated_by());
  }

  const Entry& entry_;
  pugi::xml_node node_;
};

}  // namespace

std::string to_junit(const Job& job) {
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version").set_value("1.0");
  declaration.append_attribute("encoding").set_value("UTF-8");
  pugi::xml_node suites = document.append_child("testsuites");
  Suite::set(suites, "name", "dumpsim");
  std::size_t failures = 0, errors = 0;
  for (const Entry& entry : job.entries) {
    failures += entry.verdict == Entry::Verdict::not_as_expected;
    errors += !entry.ran();
  }
  Suite::count(suites, job.entries.size(), failures, errors);
  for (const Entry& entry : job.entries) Suite(suites, entry);
  std::ostringstream text;
  document.save(text, "  ", pugi::format_indent, pugi::encoding_utf8);
  return text.str();
}

}  // namespace dumpsim::report

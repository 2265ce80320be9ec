// SPDX-License-Identifier: Apache-2.0
// The key table, the JSON schema and the manual say the same, both ways, and what the manual shows is accepted. Each
// comparison has a control that must turn it red.
#include "scenario/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "examples.hpp"
#include "scenario/document.hpp"
#include "scenario/scenario.hpp"
#include "scenario/words.hpp"

namespace dumpsim::scenario {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string read(const std::string& path) {
  std::ifstream file(std::string(DUMPSIM_SOURCE_FOLDER) + "/" + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Keys, AreUniqueAndHaveParents) {
  std::set<std::string_view> paths;
  for (const Key& key : all_keys()) {
    EXPECT_TRUE(paths.insert(key.path).second) << key.path;
    EXPECT_FALSE(key.meaning.empty()) << key.path;
    EXPECT_FALSE(describe_type(key).empty()) << key.path;
    const std::size_t dot = key.path.rfind('.');
    if (dot == std::string_view::npos) continue;
    std::string_view parent = key.path.substr(0, dot);
    if (parent.ends_with("[]")) parent.remove_suffix(2);
    EXPECT_NE(find_key(parent), nullptr) << key.path;
  }
  EXPECT_THAT(names_in("system"), ElementsAre("profile", "processors", "memory"));
  EXPECT_THAT(names_in("filter[].parameters"), ElementsAre("*"));
  EXPECT_THAT(names_in("nowhere"), IsEmpty());
}

// ---- the schema ----

/// Visits every property of the schema with its path: "" is the top, "[]" an item of a list, "*" any name.
template <class Visit>
void walk(const json& schema, const std::string& path, Visit&& visit) {
  if (schema.contains("properties")) {
    visit(path, schema, true);
    for (const auto& [name, child] : schema["properties"].items()) {
      const std::string inner = path.empty() ? name : path + "." + name;
      visit(inner, child, false);
      walk(child, inner, visit);
    }
  }
  if (schema.contains("items")) walk(schema["items"], path + "[]", visit);
  for (const char* choice : {"anyOf", "oneOf"}) {
    if (!schema.contains(choice)) continue;
    for (const json& each : schema[choice]) walk(each, path, visit);
  }
  if (schema.contains("patternProperties")) {
    for (const auto& [name, child] : schema["patternProperties"].items()) visit(path + ".*", child, false);
  }
  if (schema.contains("additionalProperties") && schema["additionalProperties"].is_object()) {
    visit(path + ".*", schema["additionalProperties"], false);
    walk(schema["additionalProperties"], path + ".*", visit);
  }
}

/// The words a schema node allows, wherever it says so.
std::vector<std::string> enumerated(const json& node) {
  const json* list = node.contains("enum") ? &node["enum"] : nullptr;
  if (list == nullptr && node.contains("anyOf") && node["anyOf"][0].contains("enum")) list = &node["anyOf"][0]["enum"];
  if (list == nullptr && node.contains("items")) {
    const json& items = node["items"];
    if (items.contains("enum")) list = &items["enum"];
    if (items.contains("anyOf") && items["anyOf"][0].contains("enum")) list = &items["anyOf"][0]["enum"];
  }
  std::vector<std::string> words;
  if (list == nullptr) return words;
  for (const json& word : *list) words.push_back(word.is_string() ? word.get<std::string>() : word.dump());
  return words;
}

void compare_property(const Key& key, const json& node, std::vector<std::string>& wrong) {
  const std::string path(key.path);
  if (node.value("description", "") != key.meaning) wrong.push_back(path + ": another description");
  const std::vector<std::string> words(key.words.begin(), key.words.end());
  if (enumerated(node) != words) wrong.push_back(path + ": other words");
  if (key.type != Type::integer) return;
  if (node.value("minimum", std::uint64_t{0}) != key.least) wrong.push_back(path + ": another minimum");
  const std::uint64_t open = (std::uint64_t{1} << 63) - 1;
  if (node.value("maximum", open) != key.most) wrong.push_back(path + ": another maximum");
}

/// [policy] stands in the schema by name, in the table as one row.
void compare_policies(const json& policies, std::vector<std::string>& wrong) {
  std::set<std::string> known;
  for (const policy::PolicyRow& row : policy::all_policies()) {
    const std::string key = policy::key_of(row.policy);
    known.insert(key);
    if (!policies.contains(key)) {
      wrong.push_back("policy." + key + ": not in the schema");
      continue;
    }
    const json& node = policies[key];
    if (node.value("description", "") != row.summary) wrong.push_back("policy." + key + ": another description");
    std::vector<std::string> words(row.words.begin(), row.words.end());
    if (words == std::vector<std::string>{"no", "yes"}) words.insert(words.end(), {"false", "true"});
    if (enumerated(node) != words) wrong.push_back("policy." + key + ": other words");
    if (row.words.empty() && (node["anyOf"][0]["minimum"] != row.least || node["anyOf"][0]["maximum"] != row.most)) {
      wrong.push_back("policy." + key + ": other bounds");
    }
  }
  for (const auto& [name, node] : policies.items()) {
    if (known.count(name) == 0) wrong.push_back("policy." + name + ": not in the policy table");
  }
}

void compare_required(const std::string& path, const json& object, std::vector<std::string>& wrong) {
  if (!object.contains("additionalProperties")) wrong.push_back(path + ": allows unknown keys");
  std::set<std::string> required, expected;
  if (object.contains("required")) {
    for (const json& name : object["required"]) required.insert(name.get<std::string>());
  }
  for (const std::string_view name : names_in(path)) {
    const Key* key = find_key(path.empty() ? std::string(name) : path + "." + std::string(name));
    if (key->standard.empty()) expected.insert(std::string(name));
  }
  if (required != expected) wrong.push_back(path + ": requires other keys");
}

std::vector<std::string> differences_of_schema(const json& schema) {
  std::vector<std::string> wrong;
  std::set<std::string> seen;
  walk(schema, "", [&](const std::string& path, const json& node, bool object) {
    if (object) {
      compare_required(path, node, wrong);
      return;
    }
    if (path.starts_with("policy.")) return;
    seen.insert(path);
    if (const Key* key = find_key(path)) {
      compare_property(*key, node, wrong);
    } else {
      wrong.push_back(path + ": not in the key table");
    }
  });
  for (const Key& key : all_keys()) {
    if (key.path != "policy.*" && seen.count(std::string(key.path)) == 0)
      wrong.push_back(std::string(key.path) + ": not in the schema");
  }
  compare_policies(schema["properties"]["policy"]["properties"], wrong);
  return wrong;
}

json schema_of_the_repository() {
  return json::parse(read("scenarios/scenario.schema.json"));
}

TEST(Schema, HoldsTheKeyTable) {
  EXPECT_THAT(differences_of_schema(schema_of_the_repository()), IsEmpty());
}

TEST(Schema, AnyDriftIsSeen) {
  const json schema = schema_of_the_repository();
  const auto with = [&](auto&& change) {
    json changed = schema;
    change(changed["properties"]);
    return differences_of_schema(changed);
  };
  EXPECT_THAT(with([](json& top) { top["disk"]["properties"].erase("size"); }),
              ElementsAre("disk.size: not in the schema"));
  EXPECT_THAT(with([](json& top) { top["disk"]["properties"]["sise"] = json::object(); }),
              ElementsAre("disk.sise: not in the key table"));
  EXPECT_THAT(with([](json& top) { top["disk"]["properties"]["backend"]["enum"].push_back("tape"); }),
              ElementsAre("disk.backend: other words"));
  EXPECT_THAT(with([](json& top) { top["timeline"]["items"]["enum"].erase(0); }), ElementsAre("timeline: other words"));
  EXPECT_THAT(with([](json& top) { top["disk"]["properties"]["path"]["description"] = "x"; }),
              ElementsAre("disk.path: another description"));
  EXPECT_THAT(with([](json& top) { top["system"]["properties"]["processors"]["maximum"] = 65; }),
              ElementsAre("system.processors: another maximum"));
  EXPECT_THAT(with([](json& top) { top["filter"]["items"].erase("required"); }),
              ElementsAre("filter[]: requires other keys"));
  EXPECT_THAT(with([](json& top) { top["trace"].erase("additionalProperties"); }),
              ElementsAre("trace: allows unknown keys"));
  EXPECT_THAT(with([](json& top) { top["policy"]["properties"].erase("read_order"); }),
              ElementsAre("policy.read_order: not in the schema"));
  EXPECT_THAT(with([](json& top) { top["policy"]["properties"]["x"] = json::object(); }),
              ElementsAre("policy.x: not in the policy table"));
}

// ---- the schema as an editor uses it: a validator of the part of draft-07 that it needs ----

json to_json(const Node& node) {
  switch (node.kind) {
    case NodeKind::table: {
      json object = json::object();
      for (const Entry& entry : node.entries) object[entry.key] = to_json(entry.value);
      return object;
    }
    case NodeKind::array: {
      json array = json::array();
      for (const Node& item : node.items) array.push_back(to_json(item));
      return array;
    }
    case NodeKind::text:
      return node.text;
    case NodeKind::integer:
      return node.integer;
    case NodeKind::real:
      return node.real;
    case NodeKind::boolean:
      return node.boolean;
    case NodeKind::date:
      break;
  }
  return nullptr;
}

class Validator {
 public:
  explicit Validator(const json& root) : root_(root) {}

  bool valid(const json& value, const json& schema) const {
    for (const auto& [word, rule] : schema.items()) {
      if (!holds(word, rule, value, schema)) return false;
    }
    return true;
  }

 private:
  bool holds(const std::string& word, const json& rule, const json& value, const json& schema) const {
    if (word == "type") return has_type(value, rule.get<std::string>());
    if (word == "enum") return std::find(rule.begin(), rule.end(), value) != rule.end();
    if (word == "const") return value == rule;
    if (word == "$ref") return valid(value, root_.at(json::json_pointer(rule.get<std::string>().substr(1))));
    if (word == "anyOf")
      return std::any_of(rule.begin(), rule.end(), [&](const json& each) { return valid(value, each); });
    if (word == "allOf")
      return std::all_of(rule.begin(), rule.end(), [&](const json& each) { return valid(value, each); });
    if (word == "minimum") return !value.is_number() || value >= rule;
    if (word == "maximum") return !value.is_number() || value <= rule;
    if (word == "exclusiveMinimum") return !value.is_number() || value > rule;
    if (word == "multipleOf")
      return !value.is_number_integer() || value.get<std::int64_t>() % rule.get<std::int64_t>() == 0;
    if (word == "pattern")
      return !value.is_string() || std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()));
    if (word == "minLength") return !value.is_string() || value.get<std::string>().size() >= rule.get<std::size_t>();
    if (word == "minItems") return !value.is_array() || value.size() >= rule.get<std::size_t>();
    if (word == "maxItems") return !value.is_array() || value.size() <= rule.get<std::size_t>();
    if (word == "minProperties") return !value.is_object() || value.size() >= rule.get<std::size_t>();
    if (word == "maxProperties") return !value.is_object() || value.size() <= rule.get<std::size_t>();
    if (word == "required")
      return !value.is_object() || std::all_of(rule.begin(), rule.end(), [&](const json& name) {
        return value.contains(name.get<std::string>());
      });
    if (word == "items")
      return !value.is_array() ||
             std::all_of(value.begin(), value.end(), [&](const json& item) { return valid(item, rule); });
    if (word == "properties" || word == "patternProperties" || word == "additionalProperties") {
      return word != "additionalProperties" || !value.is_object() || has_known_properties(value, schema);
    }
    static const std::set<std::string> notes{"$schema", "title", "description", "definitions"};
    EXPECT_EQ(notes.count(word), 1u) << "the validator of this test does not know " << word;
    return true;
  }

  bool has_known_properties(const json& value, const json& schema) const {
    return std::all_of(value.items().begin(), value.items().end(), [&](const auto& entry) {
      if (schema.contains("properties") && schema["properties"].contains(entry.key())) {
        return valid(entry.value(), schema["properties"][entry.key()]);
      }
      if (schema.contains("patternProperties")) {
        for (const auto& [pattern, rule] : schema["patternProperties"].items()) {
          if (std::regex_search(entry.key(), std::regex(pattern))) return valid(entry.value(), rule);
        }
      }
      const json& rest = schema["additionalProperties"];
      return rest.is_boolean() ? rest.get<bool>() : valid(entry.value(), rest);
    });
  }

  static bool has_type(const json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "integer") return value.is_number_integer();
    return type == "number" && value.is_number();
  }

  const json& root_;
};

bool schema_accepts(const json& schema, std::string_view text) {
  Node root;
  SyntaxError error;
  EXPECT_TRUE(parse_document(text, root, error)) << text;
  return Validator(schema).valid(to_json(root), schema);
}

TEST(Schema, AcceptsWhatTheReaderAccepts) {
  const json schema = schema_of_the_repository();
  for (const Accepted& example : accepted_examples()) EXPECT_TRUE(schema_accepts(schema, example.text)) << example.text;
}

TEST(Schema, RefusesUnknownKeysAndWrongTypes) {
  const json schema = schema_of_the_repository();
  std::size_t refused = 0, structural = 0;
  for (const Refused& example : refused_examples()) {
    const bool accepted = schema_accepts(schema, example.text);
    refused += accepted ? 0 : 1;
    // What a schema can express, it must refuse: unknown keys, missing keys, wrong types and words.
    for (const std::string_view words :
         {"unknown key", " is missing", "expected table", "expected boolean", "expected text", "expected path",
          "expected integer", "expected a table", "expected list", "expected \"", "unknown policy"}) {
      if (example.message.find(words) == std::string_view::npos) continue;
      ++structural;
      EXPECT_FALSE(accepted) << example.text;
    }
  }
  EXPECT_GT(structural, 40u);
  EXPECT_GT(refused, 90u);
}

// ---- the manual ----

/// The rows of its key tables, as cells.
std::vector<std::vector<std::string>> rows_of_manual(const std::string& manual) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(manual);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("|")) inside = false;
    if (line.starts_with("| key |")) inside = true;
    if (!inside || !line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    for (std::size_t at = 2; at < line.size();) {
      const std::size_t end = std::min(line.find(" | ", at), line.size() - 2);
      cells.push_back(line.substr(at, end - at));
      at = end + 3;
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

std::vector<std::string> differences_of_manual(const std::string& manual) {
  std::vector<std::string> wrong;
  std::set<std::string> seen;
  for (const std::vector<std::string>& cells : rows_of_manual(manual)) {
    const std::string path = cells[0].substr(1, cells[0].size() - 2);
    if (!seen.insert(path).second) wrong.push_back(path + ": twice in the manual");
    const Key* key = find_key(path);
    if (key == nullptr) {
      wrong.push_back(path + ": not in the key table");
      continue;
    }
    const std::string standard = key->standard.empty() ? "required" : std::string(key->standard);
    if (cells != std::vector<std::string>{"`" + path + "`", describe_type(*key), standard, std::string(key->meaning)}) {
      wrong.push_back(path + ": expected | `" + path + "` | " + describe_type(*key) + " | " + standard + " | " +
                      std::string(key->meaning) + " |");
    }
  }
  for (const Key& key : all_keys()) {
    if (seen.count(std::string(key.path)) == 0) wrong.push_back(std::string(key.path) + ": not in the manual");
  }
  return wrong;
}

std::vector<std::string> blocks_of(const std::string& manual) {
  std::vector<std::string> blocks;
  for (std::size_t at = manual.find("```toml\n"); at != std::string::npos; at = manual.find("```toml\n", at)) {
    at += 8;
    const std::size_t end = manual.find("```", at);
    blocks.push_back(manual.substr(at, end - at));
    at = end + 3;
  }
  return blocks;
}

void collect(const Node& node, const std::string& path, std::set<std::string>& used) {
  for (const Entry& entry : node.entries) {
    std::string inner = path.empty() ? entry.key : path + "." + entry.key;
    if (find_key(inner) == nullptr && find_key(path + ".*") != nullptr) inner = path + ".*";
    used.insert(inner);
    collect(entry.value, inner, used);
  }
  for (const Node& item : node.items) collect(item, path + "[]", used);
}

TEST(Manual, HoldsTheKeyTable) {
  EXPECT_THAT(differences_of_manual(read("docs/scenarios.md")), IsEmpty());
}

TEST(Manual, AnyDriftIsSeen) {
  const std::string manual = read("docs/scenarios.md");
  const auto with = [&](const std::string& from, const std::string& to) {
    const std::size_t at = manual.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    std::string changed = manual;
    if (at != std::string::npos) changed.replace(at, from.size(), to);
    return differences_of_manual(changed);
  };
  EXPECT_THAT(with("| `disk.size` |", "| `disk.sise` |"),
              ElementsAre("disk.sise: not in the key table", "disk.size: not in the manual"));
  EXPECT_THAT(with("| integer, 1 to 64 |", "| integer, 1 to 65 |"),
              ElementsAre(HasSubstr("system.processors: expected | ")));
  EXPECT_THAT(with("| `disk.size` |", "| `disk.path` |"), Contains("disk.path: twice in the manual"));
  EXPECT_EQ(differences_of_manual("").size(), all_keys().size());
}

TEST(Manual, ItsExamplesParseAndUseEveryKey) {
  const std::vector<std::string> blocks = blocks_of(read("docs/scenarios.md"));
  EXPECT_GT(blocks.size(), 10u);
  const json schema = schema_of_the_repository();
  std::set<std::string> used;
  for (const std::string& block : blocks) {
    const Result<Scenario> scenario = parse(block, "manual.toml");
    EXPECT_TRUE(scenario.has_value()) << block << "\n" << (scenario ? std::string() : scenario.error().message);
    EXPECT_TRUE(schema_accepts(schema, block)) << block;
    Node root;
    SyntaxError error;
    ASSERT_TRUE(parse_document(block, root, error));
    collect(root, "", used);
  }
  for (const Key& key : all_keys()) EXPECT_EQ(used.count(std::string(key.path)), 1u) << "no example of " << key.path;
  EXPECT_EQ(used.count("disk.sise"), 0u);
}

/// The first column of the table whose head begins with `head`, without backquotes.
std::vector<std::string> first_column(const std::string& manual, const std::string& head) {
  std::vector<std::string> names;
  std::istringstream lines(manual.substr(std::min(manual.size(), manual.find("| " + head + " |"))));
  std::string line;
  for (std::getline(lines, line); line.starts_with("|"); std::getline(lines, line)) {
    if (line.starts_with("| `")) names.push_back(line.substr(3, line.find("` |") - 3));
  }
  return names;
}

TEST(Manual, NamesEveryOutcome) {
  const std::string manual = read("docs/scenarios.md");
  EXPECT_EQ(first_column(manual, "outcome"), std::vector<std::string>(words::outcome.begin(), words::outcome.end()));
  EXPECT_EQ(first_column(manual, "recovered"),
            std::vector<std::string>(words::recovered.begin(), words::recovered.end()));
}

}  // namespace
}  // namespace dumpsim::scenario

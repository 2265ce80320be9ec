// SPDX-License-Identifier: Apache-2.0
// Looking up, reading and explaining policies. The rows themselves stand in policy_table.cpp, so that evidence can be
// reviewed without code around it.
#include "policy/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"

namespace dumpsim::policy {
namespace {

std::size_t index_of(Policy policy) {
  return static_cast<std::size_t>(policy);
}

std::optional<std::size_t> index_of_word(const PolicyRow& row, std::string_view word) {
  const auto found = std::find(row.words.begin(), row.words.end(), word);
  if (found == row.words.end()) return std::nullopt;
  return static_cast<std::size_t>(found - row.words.begin());
}

std::string quoted_words(const PolicyRow& row) {
  std::string text;
  for (const std::string_view word : row.words) text += fmt::format("{}\"{}\"", text.empty() ? "" : " or ", word);
  return text;
}

Value default_of(Policy policy, Profile profile) {
  const Result<Value> value = parse_value(policy, row_of(policy).defaults[static_cast<std::size_t>(profile)].value);
  assert(value.has_value());
  return *value;
}

}  // namespace

const ProfileRow& row_of(Profile profile) {
  return all_profiles()[static_cast<std::size_t>(profile)];
}

const PolicyRow& row_of(Policy policy) {
  return all_policies()[index_of(policy)];
}

std::optional<Profile> find_profile(std::string_view name) {
  for (const ProfileRow& row : all_profiles()) {
    if (row.name == name) return row.profile;
  }
  return std::nullopt;
}

Result<Profile> parse_profile(std::string_view name) {
  if (const auto profile = find_profile(name)) return *profile;
  std::vector<std::string_view> names;
  for (const ProfileRow& row : all_profiles()) names.push_back(row.name);
  return Error{fmt::format("unknown profile \"{}\"; expected one of {}{}", name, fmt::join(names, ", "),
                           did_you_mean(name, names))};
}

std::optional<Policy> find_policy(std::string_view slug) {
  for (const PolicyRow& row : all_policies()) {
    if (row.slug == slug) return row.policy;
  }
  return std::nullopt;
}

std::string key_of(Policy policy) {
  std::string key(row_of(policy).slug);
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

std::optional<Policy> find_policy_key(std::string_view key) {
  for (const PolicyRow& row : all_policies()) {
    if (key_of(row.policy) == key) return row.policy;
  }
  return std::nullopt;
}

std::string hint_for_policy_key(std::string_view key) {
  std::vector<std::string> keys;
  for (const PolicyRow& row : all_policies()) keys.push_back(key_of(row.policy));
  const std::vector<std::string_view> known(keys.begin(), keys.end());
  const std::string meant = did_you_mean(key, known);
  return meant.empty() ? fmt::format("; expected one of {}", fmt::join(known, ", ")) : meant;
}

Result<Value> parse_value(Policy policy, std::string_view text) {
  const PolicyRow& row = row_of(policy);
  if (!row.words.empty()) {
    if (const auto index = index_of_word(row, text)) return Value{*index};
    return Error{fmt::format("policy {}: \"{}\" is no choice; expected {}{}", row.slug, text, quoted_words(row),
                             did_you_mean(text, row.words))};
  }
  const Result<std::uint64_t> number = parse_size(text);
  if (!number) return Error{fmt::format("policy {}: {}", row.slug, number.error().message)};
  if (*number < row.least || *number > row.most) {
    return Error{fmt::format("policy {}: {} is out of range; expected {} to {}", row.slug, text, row.least, row.most)};
  }
  if (*number % row.multiple != 0) {
    return Error{fmt::format("policy {}: {} is no multiple of {}", row.slug, text, row.multiple)};
  }
  return Value{*number};
}

std::string format_value(Policy policy, Value value) {
  const PolicyRow& row = row_of(policy);
  if (row.words.empty()) return std::to_string(value.number);
  assert(value.number < row.words.size());
  return std::string(row.words[static_cast<std::size_t>(value.number)]);
}

Policies::Policies(Profile profile) : profile_(profile) {
  for (const PolicyRow& row : all_policies()) values_[index_of(row.policy)] = default_of(row.policy, profile);
}

bool Policies::is(Policy policy, std::string_view word) const {
  const auto index = index_of_word(row_of(policy), word);
  assert(index.has_value() && "not a word of this policy");
  return index.has_value() && number(policy) == *index;
}

void Policies::set(Policy policy, Value value) {
  assert(row_of(policy).words.empty() || value.number < row_of(policy).words.size());
  values_[index_of(policy)] = value;
  overridden_[index_of(policy)] = true;
}

std::string Policies::explain(Policy policy) const {
  const PolicyRow& row = row_of(policy);
  const Default& standard = row.defaults[static_cast<std::size_t>(profile_)];
  const std::string value = format_value(policy, values_[index_of(policy)]);
  if (overridden(policy)) {
    return fmt::format("{} = {} (set by the scenario; {} has {}: {})", row.slug, value, row_of(profile_).name,
                       standard.value, standard.evidence);
  }
  return fmt::format("{} = {} ({}: {})", row.slug, value, row_of(profile_).name, standard.evidence);
}

}  // namespace dumpsim::policy

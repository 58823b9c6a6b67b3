// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Canonical text makes a record's problem comparable as bytes: the index needs
// neither a parser nor a digest.
#include "autotune/BundledRecords.h"
#include "runtime/store/records/CanonicalJson.h"

#include <fstream>
#include <sstream>

using namespace attn_jit;
using namespace attn_jit::tune;

/// What stands before the problem in every record.
static constexpr std::string_view kHead =
    R"({"format":"attn-jit.record.v1","problem":)";

/// Of a line, its problem with both braces; empty where there is none. Texts
/// are all that an object of the key's form holds.
static std::string_view problemOf(std::string_view line) {
  if (!line.starts_with(kHead))
    return {};
  line.remove_prefix(kHead.size());
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"')
      quoted = !quoted;
    else if (quoted)
      i += line[i] == '\\';
    else if (line[i] == '}')
      return line.substr(0, i + 1);
  }
  return {};
}

static std::string problemText(const store::Key &problem) {
  std::string text;
  for (const auto &[label, value] : problem.fields()) {
    text += text.empty() ? '{' : ',';
    store::appendQuoted(text, label);
    text += ':';
    store::appendQuoted(text, value);
  }
  return text + "}";
}

static std::string textOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return file ? std::move(text).str() : std::string();
}

const BundledRecords::File &
BundledRecords::fileOf(const std::string &target) const {
  const std::lock_guard lock(mutex);
  auto [at, fresh] = files.try_emplace(target);
  File &file = at->second;
  // The target becomes part of a file's name.
  if (!fresh || folder.empty() || target.find('/') != std::string::npos)
    return file;
  file.text = textOf(folder + "/records." + target + ".jsonl");
  for (std::string_view rest = file.text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (const std::string_view problem = problemOf(line); !problem.empty())
      file.lines[problem].push_back(line);
  }
  return file;
}

bool BundledRecords::has(const std::string &target) const {
  return !fileOf(target).lines.empty();
}

std::vector<store::StoredRecord>
BundledRecords::ofProblem(const std::string &target,
                          const store::Key &problem) const {
  // Written once, under the lock, and read alone afterwards.
  const File &file = fileOf(target);
  std::vector<store::StoredRecord> records;
  const auto found = file.lines.empty() ? file.lines.end()
                                        : file.lines.find(problemText(problem));
  if (found != file.lines.end())
    for (std::string_view line : found->second)
      if (auto record = store::Record::parse(line))
        records.push_back({std::move(*record), store::Voice::Bundled, {}});
  return records;
}

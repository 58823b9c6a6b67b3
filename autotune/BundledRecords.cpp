// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Canonical text makes a record's problem comparable as bytes: the index needs
// neither a parser nor a digest.
#include "autotune/BundledRecords.h"
#include "runtime/store/files/FileHandle.h"
#include "runtime/store/records/CanonicalJson.h"

#include <cstring>
#include <fcntl.h>

using namespace attn_jit;
using namespace attn_jit::tune;

/// What stands before the problem in every record.
static constexpr std::string_view kHead =
    R"({"format":"attn-jit.record.v1","problem":)";

/// More is no file of measurements.
static constexpr size_t kMostBytes = size_t(1) << 30;

/// The end of the string whose first quote stands at `at`.
static size_t behindString(std::string_view text, size_t at) {
  for (++at; at < text.size();) {
    const void *found = std::memchr(text.data() + at, '"', text.size() - at);
    if (!found)
      break;
    const size_t quote = static_cast<const char *>(found) - text.data();
    size_t slashes = 0;
    while (text[quote - 1 - slashes] == '\\')
      ++slashes;
    at = quote + 1;
    if (slashes % 2 == 0)
      return at;
  }
  return text.size();
}

/// Of what stands behind the head, the problem with both braces; empty where
/// there is none. Texts are all that an object of a key's form holds.
static std::string_view problemOf(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '"')
      i = behindString(text, i);
    else if (text[i++] == '}')
      return text.substr(0, i);
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
  const store::FileHandle file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file)
    return {};
  auto text = file.readAll(kMostBytes);
  return text ? std::move(*text) : std::string();
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
  // The records of a search stand together: most lines have the problem of the
  // one before.
  std::string_view last;
  std::vector<std::string_view> *same = nullptr;
  for (std::string_view rest = file.text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (!line.starts_with(kHead))
      continue;
    const std::string_view behind = line.substr(kHead.size());
    if (last.empty() || !behind.starts_with(last)) {
      last = problemOf(behind);
      if (last.empty())
        continue;
      same = &file.lines[last];
    }
    same->push_back(line);
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

void BundledRecords::each(
    const std::string &target,
    const std::function<void(const store::Record &)> &visit) const {
  for (const auto &[problem, lines] : fileOf(target).lines)
    for (std::string_view line : lines)
      if (const auto record = store::Record::parse(line))
        visit(*record);
}

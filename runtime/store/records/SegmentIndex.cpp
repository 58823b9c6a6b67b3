// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/records/SegmentIndex.h"
#include "runtime/store/records/CanonicalJson.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

/// A record with what stands around it; a URL is shorter than the rest.
static constexpr size_t mostLine = Record::most + (16 << 10);
static constexpr size_t chunkBytes = 1 << 20;

std::string attn_jit::store::segmentLine(const Row &row) {
  std::string text = "{\"identity\":\"" + row.identity.hex() +
                     "\",\"problem\":\"" + row.problem.hex() +
                     "\",\"voice\":\"" + std::string(name(row.voice)) + "\"";
  if (!row.origin.empty()) {
    text += ",\"origin\":";
    appendQuoted(text, row.origin);
  }
  return text + ",\"record\":" + row.line + "}\n";
}

static bool read(CanonicalScanner &in, Digest &digest) {
  const auto given = Digest::parse(in.string().value_or(""));
  digest = given.value_or(Digest());
  return given.has_value();
}

static bool read(CanonicalScanner &in, Voice &voice) {
  const std::string given = in.string().value_or("");
  for (Voice each : {Voice::Own, Voice::Bundled, Voice::Foreign})
    if (name(each) == given) {
      voice = each;
      return true;
    }
  return false;
}

/// Leaves of `line` what begins with the record.
bool SegmentIndex::readHead(std::string_view &line, Digest &identity,
                            Place &place) {
  CanonicalScanner in(line);
  if (!in.take("{\"identity\":") || !read(in, identity) ||
      !in.take(",\"problem\":") || !read(in, place.problem) ||
      !in.take(",\"voice\":") || !read(in, place.voice))
    return false;
  if (in.take(",\"origin\":")) {
    auto origin = in.string();
    if (!origin)
      return false;
    place.origin = std::move(*origin);
  }
  if (!in.take(",\"record\":"))
    return false;
  line.remove_prefix(line.size() - in.left());
  return line.ends_with("}}");
}

void SegmentIndex::enter(std::string_view line, const Segment &segment,
                         off_t at) {
  Digest identity;
  Place place;
  std::string_view record = line;
  if (!readHead(record, identity, place)) {
    ++badLines;
    return;
  }
  record.remove_suffix(1);
  place.segment = &segment;
  place.offset = at + (record.data() - line.data());
  place.length = record.size();
  const auto [there, isNew] = places.try_emplace(identity, place);
  if (!isNew) {
    const Digest one[] = {identity};
    const std::vector<Row> before = rows(one);
    if (!before.empty() && !prevails({identity, place.problem, place.voice,
                                      place.origin, std::string(record)},
                                     before.front()))
      return;
    byProblem[there->second.problem].erase(identity);
    there->second = place;
  }
  byProblem[place.problem].insert(identity);
}

void SegmentIndex::readGrown(const FileHandle &file, Segment &segment) {
  std::string bytes, chunk(chunkBytes, '\0');
  bool tooLong = false;
  off_t at = segment.read; // of bytes[0]
  for (off_t next = at; next < segment.size;) {
    const ssize_t count = pread(file.get(), chunk.data(), chunk.size(), next);
    if (count <= 0)
      return;
    bytes.append(chunk, 0, size_t(count));
    next += count;
    size_t begin = 0;
    for (size_t end; (end = bytes.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      if (tooLong || end - begin > mostLine)
        ++badLines;
      else
        enter(std::string_view(bytes).substr(begin, end - begin), segment,
              at + off_t(begin));
      tooLong = false;
      segment.read = at + off_t(end) + 1;
    }
    if (bytes.size() - begin > mostLine) {
      tooLong = true;
      begin = bytes.size();
    }
    bytes.erase(0, begin);
    at += off_t(begin);
  }
}

bool SegmentIndex::readNew(const FileHandle &directory, const std::string &name,
                           size_t &seen) {
  struct stat known;
  if (!name.ends_with(".jsonl") ||
      fstatat(directory.get(), name.c_str(), &known, AT_SYMLINK_NOFOLLOW) !=
          0 ||
      !S_ISREG(known.st_mode))
    return true;
  if (const auto there = segments.find(name);
      there != segments.end() && there->second.inode == known.st_ino &&
      there->second.size == known.st_size) {
    ++seen;
    return true;
  }
  const FileHandle file = directory.openAt(name, O_RDONLY | O_NONBLOCK);
  if (!file)
    return true;
  ++seen;
  Segment &segment = segments[name];
  const bool isSame = !segment.inode || (segment.inode == known.st_ino &&
                                         known.st_size >= segment.read);
  if (isSame) {
    segment.name = name;
    segment.inode = known.st_ino;
    segment.size = known.st_size;
    readGrown(file, segment);
  }
  return isSame;
}

rt::Status SegmentIndex::refresh() {
  const FileHandle listing(
      open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!listing && errno != ENOENT)
    return systemError(folder, "cannot be read");
  size_t seen = 0;
  bool isSame = true;
  for (const std::string &name : namesIn(listing)) {
    isSame = readNew(listing, name, seen);
    if (!isSame)
      break;
  }
  if (isSame && seen >= segments.size())
    return rt::success();
  // What a segment held that has gone may be in others too.
  segments.clear();
  places.clear();
  byProblem.clear();
  badLines = 0;
  return refresh();
}

std::vector<Digest> SegmentIndex::ofProblem(const Digest &problem) const {
  const auto found = byProblem.find(problem);
  if (found == byProblem.end())
    return {};
  return {found->second.begin(), found->second.end()};
}

std::vector<Digest> SegmentIndex::problems() const {
  std::vector<Digest> problems;
  problems.reserve(byProblem.size());
  for (const auto &[problem, identities] : byProblem)
    problems.push_back(problem);
  return problems;
}

std::vector<Digest> SegmentIndex::after(const Digest *identity,
                                        size_t most) const {
  std::vector<Digest> identities;
  for (auto it = identity ? places.upper_bound(*identity) : places.begin();
       it != places.end() && identities.size() < most; ++it)
    identities.push_back(it->first);
  return identities;
}

std::vector<Row> SegmentIndex::rows(std::span<const Digest> identities) const {
  // A segment is opened once: one problem's records mostly lie in one.
  std::map<const Segment *, std::vector<size_t>> bySegment;
  std::vector<Row> rows;
  for (const Digest &identity : identities) {
    const Place &place = places.at(identity);
    bySegment[place.segment].push_back(rows.size());
    rows.push_back({identity, place.problem, place.voice, place.origin,
                    std::string(place.length, '\0')});
  }
  for (const auto &[segment, which] : bySegment) {
    const auto file =
        FileHandle::open(folder + "/" + segment->name, O_RDONLY | O_NONBLOCK);
    for (size_t row : which) {
      std::string &line = rows[row].line;
      const off_t offset = places.at(rows[row].identity).offset;
      if (!file || pread(file.get(), line.data(), line.size(), offset) !=
                       ssize_t(line.size()))
        line.clear();
    }
  }
  std::erase_if(rows, [](const Row &row) { return row.line.empty(); });
  return rows;
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Probes by making a folder and taking it away: permission bits do not tell of
// read-only file systems, nor what root may do.
#include "tools/bench/Outputs.h"
#include "runtime/File.h"
#include "runtime/Printable.h"
#include "tools/bench/Print.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::bench;
namespace fs = std::filesystem;

static rt::Status probeFolder(const char *flag, const std::string &given,
                              const fs::path &folder) {
  std::string name = (folder / ".attn-jit-XXXXXX").string();
  if (!mkdtemp(name.data()))
    return rt::badInput(
        std::string(flag) + ": " + rt::inQuotes(given) +
        " given, which cannot be written: " + std::strerror(errno));
  rmdir(name.c_str());
  return rt::success();
}

static fs::path folderOf(const fs::path &path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

static rt::Status probeFile(const char *flag, const std::string &given) {
  if (given.empty())
    return rt::success();
  std::error_code ignored;
  if (fs::is_directory(given, ignored))
    return rt::badInput(std::string(flag) + ": " + rt::inQuotes(given) +
                        " given, which is a folder; allowed: a file");
  // Devices and pipes take the bytes themselves.
  if (fs::exists(given, ignored) && !fs::is_regular_file(given, ignored))
    return rt::success();
  return probeFolder(flag, given, folderOf(given));
}

/// Do both names lead to one file, there already or not? A device or a pipe
/// takes both texts.
static bool isOneFile(const std::string &a, const std::string &b) {
  std::error_code code;
  if (fs::exists(a, code) && !fs::is_regular_file(a, code))
    return false;
  return fs::equivalent(a, b, code) ||
         fs::weakly_canonical(fs::absolute(a, code), code) ==
             fs::weakly_canonical(fs::absolute(b, code), code);
}

rt::Status bench::checkOutputs(const Options &options) {
  if (!options.jsonFile.empty() && !options.csvFile.empty() &&
      isOneFile(options.jsonFile, options.csvFile))
    return rt::badInput("csv: " + rt::inQuotes(options.csvFile) +
                        " given, allowed: another file than that of json");
  ATTN_CHECK(probeFile("json", options.jsonFile));
  ATTN_CHECK(probeFile("csv", options.csvFile));
  if (!options.saveOutput)
    return rt::success();
  // What is missing of the path will be made in the last folder that is there.
  fs::path folder = options.outputDir;
  std::error_code ignored;
  while (!fs::exists(folder, ignored) && folder != folderOf(folder))
    folder = folderOf(folder);
  return probeFolder("output_dir", options.outputDir, folder);
}

rt::Status bench::writeOutputs(const Report &report, const Options &options,
                               const std::string &command) {
  const std::string json = jsonText(report, options, command),
                    csv = csvText(report, options);
  std::vector<rt::FileContent> files;
  if (!options.jsonFile.empty())
    files.push_back({options.jsonFile, json});
  if (!options.csvFile.empty())
    files.push_back({options.csvFile, csv});
  return rt::writeFiles(files);
}

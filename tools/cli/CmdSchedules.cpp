// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit schedules: the families and their fields, as --schedule takes them.
#include "tools/api/Compile.h"
#include "tools/cli/Arguments.h"

#include <cstdio>

using namespace attn_jit;

static int listSchedules() {
  for (const api::ScheduleHelp &family : api::scheduleFamilies()) {
    std::printf("%s: %s\n", family.name.c_str(), family.summary.c_str());
    for (const auto &field : family.fields)
      std::printf("  %-14s %s: %s\n", field.key.c_str(), field.summary.c_str(),
                  field.allowed.c_str());
  }
  return 0;
}

void cli::addSchedules(CLI::App &root, int &status) {
  CLI::App *schedules = root.add_subcommand(
      "schedules", "List the schedule families and their fields");
  schedules->footer(
      "A schedule is written NAME<field=value,...>; what is left out takes "
      "its default for the attention and the target.");
  schedules->callback([&status] { status = listSchedules(); });
}

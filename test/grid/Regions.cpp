// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What templates/ ships, and what has gone wrong: scores of minus infinity,
// powers of negative scores, limits at the ends of i32, masks that are not
// linear.
#include "test/grid/Regions.h"

#include <climits>
#include <cmath>
#include <fstream>
#include <iterator>
#include <list>

using namespace attn_jit;
using namespace attn_jit::grid;

/// A query row's position among the keys.
static int64_t positionOf(const rt::AttentionProblem &problem, int64_t row) {
  return row + problem.key.dim(2) - problem.query.dim(2);
}

using Score = double (*)(double score, int64_t head, int64_t q, int64_t kv);
using Mask = bool (*)(int64_t q, int64_t kv);

static std::function<void(rt::AttentionProblem &)> scored(Score score) {
  return [=](rt::AttentionProblem &problem) {
    const int64_t shift = positionOf(problem, 0);
    problem.scoreMod = [=](double s, int64_t, int64_t head, int64_t row,
                           int64_t kv) {
      return score(s, head, row + shift, kv);
    };
  };
}

static std::function<void(rt::AttentionProblem &)> masked(Mask mask) {
  return [=](rt::AttentionProblem &problem) {
    const int64_t shift = positionOf(problem, 0);
    problem.mask = [=](int64_t, int64_t, int64_t row, int64_t kv) {
      return mask(row + shift, kv);
    };
  };
}

static constexpr char kScoreBlock[] =
    "^bb0(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32):\n";
static constexpr char kMaskBlock[] =
    "^bb0(%b: i32, %h: i32, %q: i32, %kv: i32):\n";

/// Keys no further from the query than the captured `reach`.
static constexpr char kNear[] = "  %ahead = arith.subi %kv, %q : i32\n"
                                "  %behind = arith.subi %q, %kv : i32\n"
                                "  %a = arith.cmpi slt, %ahead, %reach : i32\n"
                                "  %c = arith.cmpi slt, %behind, %reach : i32\n"
                                "  %seen = arith.andi %a, %c : i1\n"
                                "  attn.yield %seen : i1\n";

std::vector<Regions> grid::allRegions() {
  std::list<Regions> all;
  auto add = [&](const char *name) -> Regions & {
    return all.emplace_back(Regions{name, {}, {}, {}, {}, {}, {}});
  };
  Regions &window = add("window");
  window.maskFile = "window.mlir";
  window.describe =
      masked([](int64_t q, int64_t kv) { return kv <= q && q - kv < 128; });
  Regions &prefix = add("prefix");
  prefix.maskFile = "prefix.mlir";
  prefix.describe =
      masked([](int64_t q, int64_t kv) { return kv <= q || kv < 64; });
  Regions &alibi = add("alibi");
  alibi.scoreFile = "alibi.mlir";
  alibi.describe = scored([](double s, int64_t head, int64_t q, int64_t kv) {
    return s + std::exp2(-0.5 * double(head + 1)) * double(kv - q);
  });
  // A mask written as a score, as in flex_attention.
  Regions &hidden = add("hidden");
  hidden.score = std::string(kScoreBlock) +
                 "  %end = arith.constant 400 : i32\n"
                 "  %least = arith.constant 0xFF800000 : f32\n"
                 "  %before = arith.cmpi slt, %kv, %end : i32\n"
                 "  %past = arith.cmpi slt, %q, %kv : i32\n"
                 "  %seen = arith.andi %before, %past : i1\n"
                 "  %score = arith.select %seen, %s, %least : f32\n"
                 "  attn.yield %score : f32\n";
  hidden.describe =
      masked([](int64_t q, int64_t kv) { return kv < 400 && q < kv; });
  Regions &square = add("square");
  square.score = std::string(kScoreBlock) +
                 "  %two = arith.constant 2.0 : f32\n"
                 "  %score = math.powf %s, %two : f32\n"
                 "  attn.yield %score : f32\n";
  square.describe =
      scored([](double s, int64_t, int64_t, int64_t) { return s * s; });
  Regions &parity = add("parity");
  parity.mask = std::string(kMaskBlock) +
                "  %one = arith.constant 1 : i32\n"
                "  %zero = arith.constant 0 : i32\n"
                "  %sum = arith.addi %q, %kv : i32\n"
                "  %odd = arith.andi %sum, %one : i32\n"
                "  %seen = arith.cmpi eq, %odd, %zero : i32\n"
                "  attn.yield %seen : i1\n";
  parity.describe =
      masked([](int64_t q, int64_t kv) { return (q + kv) % 2 == 0; });
  Regions &near = add("near");
  near.mask = std::string(kMaskBlock) + kNear;
  near.captured = {{"reach", 100}};
  near.describe =
      masked([](int64_t q, int64_t kv) { return std::abs(q - kv) < 100; });
  Regions &unlimited = add("unlimited");
  unlimited.mask = near.mask;
  unlimited.captured = {{"reach", INT_MAX}};
  unlimited.describe = [](rt::AttentionProblem &) {};
  // Whose wrapped differences are huge, not negative.
  Regions &within = add("unsigned-mask");
  within.mask = std::string(kMaskBlock) +
                "  %far = arith.constant 100 : i32\n"
                "  %end = arith.constant 900 : i32\n"
                "  %behind = arith.subi %q, %kv : i32\n"
                "  %a = arith.cmpi ult, %behind, %far : i32\n"
                "  %c = arith.cmpi ule, %kv, %end : i32\n"
                "  %seen = arith.andi %a, %c : i1\n"
                "  attn.yield %seen : i1\n";
  within.describe = masked([](int64_t q, int64_t kv) {
    return kv <= q && q - kv < 100 && kv <= 900;
  });
  Regions &above = add("unsigned-score");
  above.score = std::string(kScoreBlock) +
                "  %some = arith.constant 100 : i32\n"
                "  %one = arith.constant 1.0 : f32\n"
                "  %a = arith.cmpi ugt, %kv, %q : i32\n"
                "  %c = arith.cmpi uge, %kv, %some : i32\n"
                "  %both = arith.andi %a, %c : i1\n"
                "  %more = arith.addf %s, %one : f32\n"
                "  %score = arith.select %both, %more, %s : f32\n"
                "  attn.yield %score : f32\n";
  above.describe = scored([](double s, int64_t, int64_t q, int64_t kv) {
    return uint32_t(kv) > uint32_t(q) && kv >= 100 ? s + 1 : s;
  });
  return {all.begin(), all.end()};
}

static rt::Result<std::string> read(const std::string &path) {
  std::ifstream file(path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.empty())
    return rt::notFound("templates: cannot read " + path);
  return text;
}

/// The module of `description` with the captured scalars as arguments.
static std::string moduleOf(const api::Description &description,
                            const std::vector<rt::CapturedScalar> &captured) {
  auto tensor = [&](int64_t dim) {
    return "tensor<?x?x?x" + std::to_string(dim) + "x" +
           std::string(name(description.element)) + ", #attn.layout<" +
           std::string(name(description.layout)) + ">>";
  };
  const std::string q = tensor(description.headDim),
                    v = tensor(description.valueDimOrHead());
  std::string arguments;
  for (const rt::CapturedScalar &scalar : captured)
    arguments += ", %" + std::string(scalar.name) + ": i32 {attn.arg = \"" +
                 std::string(scalar.name) + "\"}";
  const std::string lse = description.lse ? ", tensor<?x?x?xf32>" : "",
                    results = description.lse ? "%out#0, %out#1" : "%out";
  return "func.func @attention(%query: " + q +
         " {attn.arg = \"q\"}, %key: " + q +
         " {attn.arg = \"k\"}, %value: " + v +
         " {attn.arg = \"v\"}, %scale: f32 {attn.arg = \"scale\"}" + arguments +
         ") -> (" + v + lse + ") {\n  %out" + (description.lse ? ":2" : "") +
         " = attn.forward %query, %key, %value scale %scale mask {\n" +
         description.mask + "} {align = #attn<align bottom_right>} : " + q +
         ", " + q + ", " + v + " -> " + v + lse + "\n  return " + results +
         " : " + v + lse + "\n}\n";
}

rt::Status grid::apply(const Regions &regions, const std::string &templates,
                       api::Description &description) {
  if (!regions.score.empty())
    description.score = regions.score;
  if (!regions.mask.empty())
    description.mask = regions.mask;
  if (!regions.scoreFile.empty()) {
    ATTN_TRY(description.score, read(templates + "/" + regions.scoreFile));
  }
  if (!regions.maskFile.empty()) {
    ATTN_TRY(description.mask, read(templates + "/" + regions.maskFile));
  }
  if (!regions.captured.empty())
    description.module = moduleOf(description, regions.captured);
  return rt::success();
}

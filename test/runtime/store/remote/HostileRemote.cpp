// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each call on a remote that behaves badly ends by its deadline, with one line
// that shows no password (RemoteSetup.h: --hostile, --secret).
#include "test/runtime/store/remote/RemoteSetup.h"
#include "test/runtime/store/remote/RunDelay.h"

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;
using namespace std::chrono_literals;

namespace {

/// A server, or its absence, that does everything wrong.
class HostileRemote : public testing::TestWithParam<HostileServer> {
protected:
  static constexpr std::chrono::milliseconds limit{400};
  /// The error, which comes by the deadline and shows no secret.
  static std::string refused(std::string_view call, const rt::Error *error,
                             std::chrono::nanoseconds took) {
    EXPECT_LE(std::chrono::ceil<std::chrono::milliseconds>(took).count(),
              (limit + 50ms).count())
        << call;
    EXPECT_TRUE(error) << call << " succeeded";
    if (!error)
      return {};
    if (!setup.secret.empty())
      EXPECT_EQ(error->text.find(setup.secret), std::string::npos)
          << call << ": " << error->text;
    EXPECT_EQ(error->text.find('\n'), std::string::npos) << error->text;
    EXPECT_NE(error->text.find("://"), std::string::npos)
        << "which remote? " << error->text;
    const bool allowed = error->code == rt::ErrorCode::Timeout ||
                         error->code == rt::ErrorCode::Failed ||
                         error->code == rt::ErrorCode::BadInput;
    EXPECT_TRUE(allowed) << call << ": " << error->text;
    return error->text;
  }
  template <typename Call>
  static rt::ErrorCode expectRefused(std::string_view name, const Call &call) {
    const Stopwatch watch;
    const auto result = call(in(limit));
    const auto took = watch.elapsed();
    const std::string text =
        refused(name, result ? nullptr : &result.error(), took);
    printf("%s: %s\n", std::string(name).c_str(), text.c_str());
    return result ? rt::ErrorCode::Unsupported : result.error().code;
  }
};

TEST_P(HostileRemote, EachCallEndsByItsDeadlineWithoutTheSecret) {
  const auto &[behaviour, url] = GetParam();
  RemoteOptions options;
  options.url = url;
  const auto remote = must(openRemote(options));
  const Digest name = sha256("x");
  const std::string lines[] = {"{\"v\":1}"};
  rt::ErrorCode code{};
  // Twice: what a broken connection leaves behind must not count.
  for (int i = 0; i < 2; ++i) {
    code = expectRefused("get", [&](Deadline deadline) {
      return remote->get(Space::Objects, name, deadline);
    });
    // What the others ask for has no body that could be wrong.
    if (behaviour == "long" || behaviour == "length")
      continue;
    expectRefused("exists", [&](Deadline deadline) {
      return remote->exists(Space::Objects, name, deadline);
    });
    expectRefused("put", [&](Deadline deadline) {
      return remote->put(Space::Objects, name, "x", deadline);
    });
    if (!remote->recordsRefused().empty())
      continue;
    expectRefused("addRecords", [&](Deadline deadline) {
      return remote->addRecords(name, lines, deadline);
    });
    expectRefused("records", [&](Deadline deadline) {
      return remote->records(name, deadline);
    });
    expectRefused("problems", [&](Deadline deadline) {
      return remote->problems(deadline);
    });
  }
  if (behaviour == "hang" || behaviour == "trickle")
    EXPECT_EQ(code, rt::ErrorCode::Timeout);
  if (behaviour == "dead" || behaviour == "reset" || behaviour == "error")
    EXPECT_EQ(code, rt::ErrorCode::Failed);
}

TEST_P(HostileRemote, DeadlineThatHasPassedEndsAtOnce) {
  RemoteOptions options;
  options.url = GetParam().second;
  const auto remote = must(openRemote(options));
  const Stopwatch watch;
  const auto result = remote->get(Space::Objects, sha256("x"), in(-1s));
  EXPECT_LE(watch.elapsed(), 50ms);
  EXPECT_FALSE(result.ok());
}

class EndlessRemote : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EndlessRemote);

TEST_P(EndlessRemote, IsCutOff) {
  RemoteOptions options;
  options.url = GetParam();
  options.object = options.request = 60s;
  const auto result =
      must(openRemote(options))->get(Space::Objects, sha256("x"), in(60s));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, rt::ErrorCode::BadInput);
  EXPECT_NE(result.error().text.find(std::to_string(Remote::mostBytes)),
            std::string::npos)
      << result.error().text;
}

std::vector<std::string> endlessServers() {
  std::vector<std::string> urls;
  for (const auto &[behaviour, url] : setup.hostile)
    if (behaviour == "long")
      urls.push_back(url);
  return urls;
}

} // namespace

INSTANTIATE_TEST_SUITE_P(Servers, HostileRemote,
                         testing::ValuesIn(hostileServers()), behaviourName);
INSTANTIATE_TEST_SUITE_P(Servers, EndlessRemote,
                         testing::ValuesIn(endlessServers()));

int main(int argc, char **argv) { return runOverRemote(argc, argv); }

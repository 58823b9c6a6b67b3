// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text of a record: one for each value, read back as it was written, and
// what later versions add is kept.
#include "test/runtime/store/TestRecords.h"

#include <limits>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

static std::string faultOf(const std::string &line) {
  auto read = Record::parse(line);
  return read ? "" : read.error().text;
}

static std::string with(std::string line, const std::string &what,
                        const std::string &by) {
  const size_t at = line.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return line.replace(at, what.size(), by);
}

// docs/records.md shows this line: its digest is what another reader computes.
TEST(Record, HasTheTextOfTheDocument) {
  const std::string document =
      contentOf(std::string(ATTN_SOURCE_DIR) + "/docs/records.md");
  Record record = measured(8192, 1);
  record.isDefault = true;
  record.note = "first";
  EXPECT_NE(document.find(record.line()), std::string::npos) << record.line();
  EXPECT_NE(document.find(record.identity().hex()), std::string::npos)
      << record.identity().hex();
  EXPECT_NE(document.find(record.problemDigest().hex()), std::string::npos)
      << record.problemDigest().hex();
}

TEST(Record, IsReadAsItWasWritten) {
  Record record = measured(1, 1);
  record.isDefault = true;
  record.note = "caf\xc3\xa9 \x01\"\\";
  record.signature = formedSignature();
  for (const Record &each :
       {record, measured(2, 2), failed(3, 3, Outcome::Crashed),
        failed(3, 3, Outcome::Throttled), retraction(record)}) {
    const std::string line = each.line();
    EXPECT_EQ(line.find_first_of("\n\r"), std::string::npos);
    auto read = Record::parse(line);
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(read->line(), line);
    EXPECT_EQ(read->identity(), each.identity());
    EXPECT_EQ(read->problem, each.problem);
    EXPECT_EQ(read->device, each.device);
    EXPECT_EQ(read->note, each.note);
    EXPECT_EQ(read->medianNs, each.medianNs);
    EXPECT_EQ(read->retracts, each.retracts);
    EXPECT_EQ(read->signature, each.signature);
  }
}

TEST(Record, EachOutcomeHasItsName) {
  for (const auto &[outcome, text] :
       {std::pair(Outcome::Illegal, "illegal"),
        {Outcome::CompileFailed, "compile_failed"},
        {Outcome::LaunchFailed, "launch_failed"},
        {Outcome::Wrong, "wrong"},
        {Outcome::TimedOut, "timed_out"},
        {Outcome::Crashed, "crashed"},
        {Outcome::Throttled, "throttled"}}) {
    auto read = Record::parse(failed(1, 1, outcome).line());
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(read->outcome, outcome);
    EXPECT_EQ(name(outcome), text);
    EXPECT_EQ(isFailure(outcome), outcome != Outcome::Throttled);
  }
}

TEST(Record, IdentityIsThatOfAllButTheSignature) {
  Record record = measured(1, 1);
  const Digest identity = record.identity();
  record.signature = formedSignature();
  EXPECT_EQ(record.identity(), identity);
  EXPECT_EQ(record.line(),
            with(record.body() + "|", "}|",
                 ",\"signature\":{\"key\":\"0011223344556677\",\"ed25519\":\"" +
                     record.signature->base64 + "\"}}"));
  ++record.madNs;
  EXPECT_NE(record.identity(), identity);
}

// Bytes that are no text have one all the same.
TEST(Record, AnyBytesHaveAText) {
  Record record = measured(1, 1);
  record.note = "\xff tail";
  auto read = Record::parse(record.line());
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->note, "\xef\xbf\xbd tail");
  EXPECT_EQ(read->identity(), record.identity());
}

TEST(Record, ErrorsHaveFourDigits) {
  EXPECT_EQ(errorText(0.00123456), "1.235e-03");
  EXPECT_EQ(errorText(0), "0.000e+00");
  EXPECT_EQ(errorText(0.99996), "1.000e+00");
  EXPECT_EQ(errorText(1e300), "1.000e+300");
  EXPECT_EQ(errorText(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(errorText(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(errorValue("1.235e-03"), 1.235e-3);
  EXPECT_TRUE(errorValue("nan"));
  for (const char *other : {"", "1e-3", "1.2350e-03", "-1.235e-03", "1.235E-03",
                            " 1.235e-03", "1.235e-3", "infinity", "-nan"})
    EXPECT_FALSE(errorValue(other)) << other;
}

TEST(Record, FieldsOfLaterVersionsAreKept) {
  const std::string line =
      with(measured(1, 1).line(), "6778899aabbccddeeff\"",
           "6778899aabbccddeeff\",\"cold_ns\":-43000,\"power\":"
           "{\"watts\":[700,null,true],\"why\":\"caf\\u00e9\"}");
  auto read = Record::parse(line);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->line(), line);
  EXPECT_EQ(read->medianNs, 41801);
  ASSERT_EQ(read->later.size(), 2u);
  EXPECT_EQ(read->later[0].first, "cold_ns");
  EXPECT_EQ(read->later[0].second, "-43000");
  EXPECT_NE(read->identity(), measured(1, 1).identity());
}

// What two versions write, two writers must write alike.
TEST(Record, FieldsOfLaterVersionsHaveOneTextToo) {
  const std::string line = measured(1, 1).line();
  auto later = [&](const std::string &fields) {
    return faultOf(with(line, "}", "}").substr(0, line.size() - 1) + fields +
                   "}");
  };
  EXPECT_EQ(later(",\"a\":1,\"b\":[]"), "");
  EXPECT_EQ(later(",\"b\":1,\"a\":1"), "record: \"a\" is not in its place");
  EXPECT_EQ(later(",\"a\":1,\"a\":1"), "record: \"a\" is not in its place");
  EXPECT_EQ(later(",\"a\":1,\"note\":\"x\""),
            "record: \"note\" is not in its place");
  EXPECT_EQ(later(",\"format\":\"x\""),
            "record: \"format\" is not in its place");
  EXPECT_EQ(later(",\"A\":1"), "record: \"A\" is no name of a field");
  for (const char *value :
       {"1.5", "1e3", "-0", "01", "9007199254740992", "-9007199254740992",
        "18446744073709551616", "{\"x\":1,\"x\":2}", "[1, 2]", "\"\\u00E9\"",
        "\"\xc3\xa9\"", "tru", "", "\"", "[", "[\"", "{\"x\":0.5}"})
    EXPECT_EQ(later(std::string(",\"a\":") + value),
              "record: \"a\" has no canonical text")
        << value;
  EXPECT_EQ(later(",\"a\":" + std::string(33, '[') + std::string(33, ']')),
            "record: \"a\" has no canonical text");
}

TEST(Record, AnotherFormatIsRefused) {
  EXPECT_EQ(faultOf(with(measured(1, 1).line(), ".v1", ".v2")),
            "record: the line is no attn-jit.record.v1");
  EXPECT_EQ(faultOf(""), "record: the line is no attn-jit.record.v1");
}

TEST(Record, AnyOtherTextIsRefused) {
  const std::string line = measured(1, 1).line();
  const std::string one = "record: it is not the one text of what it says";
  EXPECT_EQ(faultOf(line + "\n"), "record: it does not end where it should");
  EXPECT_EQ(faultOf(line.substr(0, line.size() - 1)),
            "record: it does not end where it should");
  EXPECT_EQ(faultOf(with(line, ",\"device\"", ", \"device\"")),
            "record: a field has no name");
  EXPECT_EQ(faultOf(with(line, "\"outcome\":\"ok\",", "")), one);
  EXPECT_EQ(faultOf(with(line, "\"clock_mhz\":1980", "\"clock_mhz\":0")), one);
  EXPECT_EQ(faultOf(with(line, "\"outcome\":\"ok\"", "\"outcome\":\"wrong\"")),
            one);
  EXPECT_EQ(faultOf(with(retraction(measured(1, 1)).line(), ",\"at\"",
                         ",\"driver\":\"x\",\"at\"")),
            one);
  EXPECT_EQ(faultOf(with(with(line, "\"driver\":\"cuda 580.65.06\",", ""),
                         ",\"at\"", ",\"driver\":\"x\",\"at\"")),
            "record: \"driver\" is not in its place");
  EXPECT_EQ(faultOf(std::string(Record::most + 1, 'x')),
            "record: it is longer than 256 KiB");
}

TEST(Record, FieldsAreNamedThatCannotBe) {
  const std::string line = measured(1, 1).line();
  for (const auto &[what, by, field] :
       {std::array{"\"median_ns\":41801", "\"median_ns\":-1", "median_ns"},
        {"\"median_ns\":41801", "\"median_ns\":41801.0", "samples"},
        {"\"samples\":60", "\"samples\":060", "samples"},
        {"\"samples\":60", "\"samples\":9007199254740992", "samples"},
        {"\"1.234e-03\"", "\"1.2340e-03\"", "error"},
        {"\"1.234e-03\"", "0.001234", "error"},
        {"\"outcome\":\"ok\"", "\"outcome\":\"fine\"", "outcome"},
        {"\"cuda 580.65.06\"", "\"\"", "driver"},
        {"\"cuda 580.65.06\"", "\"\\u0063uda\"", "driver"},
        {"\"cuda 580.65.06\"", "\"c\tuda\"", "driver"},
        {"\"cuda 580.65.06\"", "\"\\ud800\"", "driver"},
        {"{\"name\"", "{\"Name\"", "device"},
        {"{\"name\"", "{\"arch\"", "device"},
        {"\"132\"}", "132}", "device"},
        {"\"error\":", "\"default\":false,\"error\":", "default"},
        {"2026-11-28T03", "2026-13-28T03", "at"},
        {"2026-11-28T03", "2026-11-28T24", "at"},
        {"03:41:19Z", "03:41:19.0Z", "at"}}) {
    const std::string fault = faultOf(with(line, what, by));
    EXPECT_TRUE(fault == "record: \"" + std::string(field) +
                             "\" is not what it may be" ||
                fault == "record: a field has no name" ||
                fault == "record: it does not end where it should")
        << by << ": " << fault;
  }
  EXPECT_EQ(faultOf(with(retraction(measured(1, 1)).line(), "\"retracts\":\"",
                         "\"retracts\":\"0")),
            "record: \"retracts\" is not what it may be");
}

TEST(Record, FieldsAreNeeded) {
  for (const auto &[change, field] :
       {std::pair<void (*)(Record &), const char *>(
            [](Record &record) { record.problem = {}; }, "problem"),
        {[](Record &record) { record.device = {}; }, "device"},
        {[](Record &record) { record.schedule.clear(); }, "schedule"},
        {[](Record &record) { record.compiler.clear(); }, "compiler"},
        {[](Record &record) { record.session.clear(); }, "session"},
        {[](Record &record) { record.at.clear(); }, "at"},
        {[](Record &record) { record.samples = 0; }, "samples"},
        {[](Record &record) { record.medianNs = 0; }, "median_ns"}}) {
    Record record = measured(1, 1);
    change(record);
    const std::string fault = faultOf(record.line());
    EXPECT_NE(fault.find("\"" + std::string(field) + "\" is"),
              std::string::npos)
        << fault;
  }
  EXPECT_EQ(faultOf("{\"format\":\"attn-jit.record.v1\"}"),
            "record: \"problem\" is missing");
  EXPECT_EQ(faultOf(with(measured(1, 1).line(), "\"samples\":60,", "")),
            "record: \"samples\" is missing");
}

TEST(Record, SignaturesHaveTheFormOfOne) {
  Record record = measured(1, 1);
  for (const Signature &signature :
       {Signature{"001122334455667", formedSignature().base64},
        {"001122334455667G", formedSignature().base64},
        {"0011223344556677", "c2ln"},
        {"0011223344556677", std::string(86, 'A')},
        {"0011223344556677", std::string(85, 'A') + "B=="},
        {"", ""}}) {
    record.signature = signature;
    EXPECT_EQ(faultOf(record.line()),
              "record: \"signature\" has not the form of one");
  }
}

TEST(Record, LinesOfAStrangerAreCountedWhereTheyAreNone) {
  const std::string lines = measured(1, 1).line() + "\n\nnonsense\n" +
                            measured(1, 2).line() + "\n{\"torn\":";
  const ReadRecords read =
      readRecords(lines, Voice::Foreign, "redis://cache:6379/0");
  ASSERT_EQ(read.records.size(), 2u);
  EXPECT_EQ(read.leftOut, 2);
  EXPECT_EQ(read.records[1].record.medianNs, 41802);
  EXPECT_EQ(read.records[1].voice, Voice::Foreign);
  EXPECT_EQ(read.records[1].origin, "redis://cache:6379/0");
}

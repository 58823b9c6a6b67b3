// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Records are a stranger's lines. The input is such a line, or the fields of
// one ("NAME=TEXT" or "NAME:JSON", each on its line), from which its canonical
// text is made, so that mutations reach what stands behind it. Invariant: what
// is read has one text, which reads as itself, is kept by a store, and is
// answered by the queries; all else ends in one line of error.
#include "runtime/store/records/CanonicalJson.h"
#include "runtime/store/records/RecordStore.h"
#include "test/fuzz/FuzzCheck.h"

using namespace attn_jit::store;
using namespace attn_jit::test;

static void check(const std::string &line) {
  auto read = Record::parse(line);
  if (!read) {
    const std::string &text = read.error().text;
    require(text.starts_with("record: "), "an error names what it is of");
    require(text.find('\n') == std::string::npos, "an error must be one line");
    ++counts.refused;
    return;
  }
  ++counts.accepted;
  require(read->line() == line, "a record has one text");
  const Digest identity = read->identity();
  Record bare = *read;
  bare.signature.reset();
  require(bare.identity() == identity, "a signature is no part of it");
  auto again = Record::parse(bare.line());
  require(again && again->identity() == identity, "it reads without one");
  const auto store = std::move(*openRecords({}));
  const StoredRecord stored[] = {{*read, Voice(line.size() % 3), "fuzz:"}};
  require(store->add(stored).ok(), "what is read can be kept");
  auto of = store->ofProblem(read->problemDigest());
  require(of.ok(), "a problem can be asked for");
  require(store->faults().lines == 0, "what is kept is intact");
  require(of->size() == (read->retracts ? 0 : 1), "and answered");
  (void)best(*of, {read->device, read->compiler, true, {}});
}

/// Fields in the order of the input; "=" quotes its text.
static std::string lineOf(std::string_view fields) {
  std::string line = "{\"format\":\"attn-jit.record.v1\"";
  while (!fields.empty()) {
    const std::string_view field = fields.substr(0, fields.find('\n'));
    fields.remove_prefix(std::min(fields.size(), field.size() + 1));
    const size_t end = field.find_first_of("=:");
    if (end == std::string_view::npos)
      continue;
    line += ',';
    appendQuoted(line, field.substr(0, end));
    line += ':';
    if (field[end] == '=')
      appendQuoted(line, field.substr(end + 1));
    else
      line += field.substr(end + 1);
  }
  return line + "}";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string text(reinterpret_cast<const char *>(data), size);
  check(text.starts_with('{') ? text : lineOf(text));
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  const std::string head = "problem:{\"description\":\"head_dim=128\\nx\","
                           "\"goal\":\"latency\"}\n",
                    device = "device:{\"name\":\"NVIDIA H200\"}\n"
                             "schedule=flash_fwd.v1<bm=128>\n"
                             "compiler=attn-jit 0.1.0\n",
                    end = "at=2026-11-28T03:41:19Z\nsession=0011\n",
                    signature = "signature:{\"key\":\"0011223344556677\","
                                "\"ed25519\":\"" +
                                std::string(86, 'A') + "==\"}\n",
                    measured = head + device +
                               "driver=cuda 580\noutcome=ok\nmedian_ns:41801\n"
                               "mad_ns:200\nsamples:60\nerror=1.234e-03\n"
                               "default:true\nclock_mhz:1980\n" +
                               end + "note=caf\xc3\xa9 \"\\\n";
  sink("measured", measured);
  sink("failed", head + device + "outcome=crashed\n" + end + "note=Xid 31\n");
  sink("retraction", head + "retracts=" + std::string(64, 'a') +
                         "\nat=2026-11-28T03:41:19Z\n");
  sink("later", measured +
                    "cold_ns:-43000\npower:{\"watts\":[700,null,"
                    "true],\"why\":\"x\"}\n" +
                    signature);
  sink("line", lineOf(measured + signature));
}

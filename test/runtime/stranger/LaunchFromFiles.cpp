// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A stranger's launcher: it knows docs/manifest.md, a JSON reader and the
// vendor's library, and nothing of attn-jit. It launches a manifest's
// image, which lies beside it, on generated tensors and compares with attention
// written out below.
//   LaunchFromFiles MANIFEST [batch q_heads kv_heads q_len kv_len]
// Exit code: 0 right, 1 wrong, 2 can not be launched, 77 no device for it.
#include "Check.h"
#include "Machine.h"

#include <algorithm>
#include <fstream>

int main(int argc, char **argv) try {
  if (argc != 2 && argc != 7)
    stop(2, "usage: LaunchFromFiles MANIFEST [batch q_heads kv_heads q_len "
            "kv_len]");
  const std::string path = argv[1];
  json manifest = json::parse(std::ifstream(path));
  if (manifest.at("format") != "attn-jit.manifest.v1")
    stop(2, "unknown format");
  const std::string file = path.substr(0, path.rfind('/') + 1) +
                           manifest["image"]["file"].get<std::string>();
  std::ifstream stream(file, std::ios::binary);
  Bytes image(std::istreambuf_iterator<char>(stream), {});
  image.push_back(0);
  const std::string kind = manifest["image"]["kind"];
  Machine machine =
      kind == "host"
          ? hostMachine(manifest, file[0] == '/' ? file : "./" + file)
          : gpuMachine(manifest, image, kind != "hsaco");

  std::map<std::string, double> values = {{"batch", 2},
                                          {"q_heads", 4},
                                          {"kv_heads", 2},
                                          {"q_len", 100},
                                          {"kv_len", 130}};
  const char *const names[] = {"batch", "q_heads", "kv_heads", "q_len",
                               "kv_len"};
  for (int i = 0; argc == 7 && i < 5; ++i)
    values[names[i]] = std::atoi(argv[i + 2]);
  const int B = int(values["batch"]), H = int(values["q_heads"]),
            G = int(values["kv_heads"]), M = int(values["q_len"]),
            N = int(values["kv_len"]);
  const int D = manifest["head_dim"], E = manifest["value_dim"];
  values["heads_per_kv"] = H / G;
  const double scale = 1 / std::sqrt(D);
  values["scale"] = scale;
  values["scale_log2e"] = scale * std::log2(std::exp(1.0));

  // Tensors: batch, head, row, dense; inputs are multiples of 1/16 (exact).
  const std::string dtype = manifest.value("dtype", "f32");
  const Format format = formatOf(dtype);
  std::map<std::string, Tensor> tensors = {{"q", {H, M, D, format.bytes}},
                                           {"k", {G, N, D, format.bytes}},
                                           {"v", {G, N, E, format.bytes}},
                                           {"o", {H, M, E, format.bytes}},
                                           {"lse", {H, M, 1, 4}}};
  uint32_t random = 1;
  for (auto &[name, t] : tensors) {
    const size_t count = size_t(B) * t.heads * t.rows * t.width;
    Bytes bytes(count * t.bytes, char(0xff)); // outputs start as NaN
    if (name != "o" && name != "lse")
      for (size_t i = 0; i < count; ++i) {
        random = random * 1664525 + 1013904223;
        t.data.push_back((int(random >> 16 & 63) - 32) / 16.0);
        encode(&bytes[i * t.bytes], format, t.data[i]);
      }
    t.address = machine.allocate(bytes.size());
    machine.toDevice(t.address, bytes.data(), bytes.size());
    values[name + ".stride.batch"] = double(t.heads) * t.rows * t.width;
    values[name + ".stride.head"] = double(t.rows) * t.width;
    values[name + ".stride.row"] = t.width;
  }
  const size_t workspaceBytes = manifest.value("workspace_bytes", size_t(0));
  const uint64_t workspace =
      workspaceBytes ? machine.allocate(workspaceBytes) : 0;
  const std::vector<char> zeros(workspaceBytes);
  if (workspace)
    machine.toDevice(workspace, zeros.data(), zeros.size());

  auto value = [&](const json &v) {
    return v.is_number()     ? v.get<double>()
           : values.count(v) ? values.at(v)
                             : std::stod(v.get<std::string>());
  };
  std::function<int(const json &)> extent = [&](const json &rule) {
    if (rule.contains("value"))
      return int(value(rule["value"]));
    if (rule.contains("ceil_div"))
      return int(std::ceil(value(rule["ceil_div"][0]) /
                           rule["ceil_div"][1].get<double>()));
    // Any whole clusters up to the rule's number will do; a few make each walk
    // over tiles.
    if (rule.contains("resident")) {
      const int cluster = manifest["cluster"][0];
      return std::min(extent(rule["resident"]) / cluster, 5) * cluster;
    }
    int product = 1;
    for (const json &each : rule.at("product"))
      product *= extent(each);
    return product;
  };
  const int grid[3] = {extent(manifest["grid"][0]), extent(manifest["grid"][1]),
                       extent(manifest["grid"][2])};
  values["workgroups"] = double(grid[0]) * grid[1] * grid[2];

  Bytes storage(8192), block;
  char *base = storage.data() + (64 - uintptr_t(storage.data()) % 64) % 64;
  size_t used = 0;
  std::vector<size_t> offsets;
  bool wantsLse = false;
  auto put = [&](const void *data, size_t size, size_t alignment) {
    used = (used + alignment - 1) / alignment * alignment;
    std::memcpy(base + used, data, size);
    offsets.push_back(used);
    used += size;
  };
  for (const json &argument : manifest["arguments"]) {
    const std::string what = argument["kind"],
                      name = argument.value("tensor", "");
    if (what == "pointer") {
      wantsLse |= name == "lse";
      const uint64_t address =
          name == "workspace" ? workspace : tensors.at(name).address;
      put(&address, 8, 8);
    } else if (what == "tensor_map") {
      const Tensor &t = tensors.at(name);
      const uint64_t dims[4] = {uint64_t(t.width), uint64_t(t.rows),
                                uint64_t(t.heads), uint64_t(B)};
      const uint64_t strides[3] = {t.width * t.bytes,
                                   t.rows * t.width * t.bytes,
                                   t.heads * t.rows * t.width * t.bytes};
      alignas(64) char map[128];
      machine.encodeMap(map, argument, t.address, dims, strides);
      put(map, 128, 64);
    } else if (what == "f32") {
      const float number = float(value(argument["value"]));
      put(&number, 4, 4);
    } else {
      const int64_t number = int64_t(value(argument["value"]));
      put(&number, what == "i32" ? 4 : 8, what == "i32" ? 4 : 8);
    }
  }
  block.assign(base, base + used);
  machine.launch(grid, block, offsets);

  Bytes out(size_t(B) * H * M * E * format.bytes), lse(size_t(B) * H * M * 4);
  machine.fromDevice(out.data(), tensors["o"].address, out.size());
  machine.fromDevice(lse.data(), tensors["lse"].address, lse.size());
  const Difference difference =
      compare(tensors["q"], tensors["k"], tensors["v"], out, format, lse, B,
              manifest.value("causal", false), scale);
  const double limit = dtype == "f16" ? 1e-3 : dtype == "bf16" ? 5e-3 : 2e-6;
  const double lseError = wantsLse ? difference.lse : 0;
  const bool right = difference.relative <= limit && lseError <= 1e-3;
  std::printf("%s: rel_error %.3g (limit %g), lse error %.3g: %s\n",
              manifest["kernel"].get<std::string>().c_str(),
              difference.relative, limit, lseError, right ? "right" : "WRONG");
  return right ? 0 : 1;
} catch (const std::exception &error) {
  stop(2, error.what());
}

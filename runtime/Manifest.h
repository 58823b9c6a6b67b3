// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The launch manifest (docs/manifest.md) as data. The parser takes untrusted
// bytes: whatever is malformed becomes one line naming field, given, allowed.
#ifndef ATTN_JIT_RUNTIME_MANIFEST_H
#define ATTN_JIT_RUNTIME_MANIFEST_H

#include "runtime/Driver.h"

namespace attn_jit::rt {

enum class Tensor : uint8_t { Q, K, V, O, Lse, Workspace };
std::string_view name(Tensor tensor);

/// A value name resolved once, so that a launch compares no strings.
struct Value {
  enum class Kind : uint8_t {
    Batch,
    QHeads,
    KvHeads,
    HeadsPerKv,
    QLen,
    KvLen,
    StrideBatch,
    StrideHead,
    StrideRow, ///< of `tensor`
    Scale,
    ScaleLog2e,
    Workgroups, ///< of the launch; stands in arguments alone
    Captured,   ///< capturedNames[literal]
    Literal,
  };
  Kind kind = Kind::Literal;
  Tensor tensor = Tensor::Q;
  int64_t literal = 0;
  double real = 0;      ///< of a literal
  bool isFloat = false; ///< may not stand in grid and requires
  std::string text;     ///< as written
};

/// A grid dimension: the product of ceil(value / divisor).
struct GridRule {
  /// The product is the most; best is what the device holds at once.
  bool resident = false;
  struct Factor {
    Value value;
    int64_t divisor = 1;
  };
  std::vector<Factor> factors;
};

struct Requirement {
  enum class Kind : uint8_t {
    Multiple,
    Aligned,
    AtMost,
    AtLeast,
    Equal,
    PointerAligned
  };
  Kind kind = Kind::Multiple;
  Value left;                ///< not of PointerAligned
  Value right;               ///< a literal but for Multiple
  Tensor tensor = Tensor::Q; ///< PointerAligned
  std::string text;          ///< as written, for the refusal
};

struct Argument {
  enum class Kind : uint8_t { TensorMap, Pointer, I32, I64, F32 };
  Kind kind = Kind::I32;
  Tensor tensor = Tensor::Q; ///< TensorMap, Pointer
  Value value;               ///< the numbers
  TensorMapRequest::Element element = TensorMapRequest::Element::F16;
  std::array<uint32_t, 4> box{};
  uint32_t swizzle = 0;
  uint32_t offset = 0; ///< in the block, natural C layout

  uint32_t size() const;
  uint32_t alignment() const;
};

struct Resources {
  std::optional<int64_t> registers, sharedBytes;
  /// NVIDIA: bytes a thread stores and loads; AMD: registers.
  std::optional<int64_t> spills;
  /// Of the driver, not of a manifest: a thread's local memory, spills and
  /// stack in one.
  std::optional<int64_t> localBytes;
  std::optional<double> occupancy; ///< resident threads / the unit's most
  std::string source;
};

struct Manifest {
  std::string key, target, kernel, description, schedule, scheduleSource, dtype,
      imageFile;
  ImageKind imageKind = ImageKind::Host;
  int64_t headDim = 0, valueDim = 0;
  bool causal = false;
  std::array<uint32_t, 3> block{1, 1, 1}, cluster{1, 1, 1};
  std::array<GridRule, 3> grid;
  uint32_t sharedBytes = 0;
  int64_t workspaceBytes = 0;
  std::vector<Requirement> requirements;
  std::vector<Argument> arguments;
  uint32_t argumentBytes = 0; ///< of the whole block
  std::vector<std::string> capturedNames;
  std::vector<std::string> features; ///< that the device must show
  Resources resources;

  int64_t threads() const { return int64_t(block[0]) * block[1] * block[2]; }
};

/// Limits that keep a launch free of allocation and a hostile manifest cheap.
inline constexpr uint32_t maxArguments = 64, maxArgumentBytes = 4096;

Result<Manifest> parseManifest(std::string_view json);

/// Reads a manifest and the image it names beside it.
struct KernelFiles {
  Manifest manifest;
  std::vector<std::byte> image;
  std::string imagePath;
};
Result<KernelFiles> readKernelFiles(const std::string &manifestPath);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_MANIFEST_H

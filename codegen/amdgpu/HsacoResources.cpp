// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The note is MessagePack under "amdhsa.kernels" (LLVM AMDGPU usage guide,
// "Code Object V5 Metadata"). The register files and granules are from the same
// guide.
#include "codegen/amdgpu/HsacoResources.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/BinaryFormat/MsgPackDocument.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/MathExtras.h"

using namespace attn_jit;
using llvm::Error;
using llvm::StringRef;

namespace {
/// One compute unit, or on gfx11 one workgroup processor (two compute units).
struct Processor {
  StringRef chips;
  int64_t simds, wavesPerSimd;
  int64_t vgprs, vgprGranule; ///< Per lane of a SIMD.
  int64_t ldsBytes, ldsGranule;
};
constexpr Processor kProcessors[] = {
    {"gfx9", 4, 8, 512, 8, 64 * 1024, 512},
    {"gfx11", 4, 16, 1536, 24, 128 * 1024, 1024},
};

Error failed(const llvm::Twine &what) {
  return llvm::createStringError("code object: " + what);
}

llvm::Expected<StringRef> metadataNote(StringRef object) {
  using File = llvm::object::ELF64LEFile;
  llvm::Expected<File> file = File::create(object);
  if (!file)
    return file.takeError();
  auto headers = file->program_headers();
  if (!headers)
    return headers.takeError();
  for (const auto &header : *headers) {
    if (header.p_type != llvm::ELF::PT_NOTE)
      continue;
    Error error = Error::success();
    StringRef found;
    for (const auto &note : file->notes(header, error))
      if (note.getName() == "AMDGPU" &&
          note.getType() == llvm::ELF::NT_AMDGPU_METADATA)
        found = note.getDescAsStringRef(header.p_align);
    if (error)
      return std::move(error);
    if (!found.empty())
      return found;
  }
  return failed("has no metadata note");
}

void setOccupancy(HsacoResources &r, StringRef chip) {
  for (const Processor &p : kProcessors) {
    if (!chip.starts_with(p.chips) || !r.threads || !r.wavefront)
      continue;
    int64_t waves = llvm::divideCeil(r.threads, r.wavefront);
    int64_t held = llvm::alignTo(std::max<int64_t>(r.vgprs, 1), p.vgprGranule);
    int64_t resident = p.simds * std::min(p.wavesPerSimd, p.vgprs / held);
    int64_t groups = resident / waves;
    if (int64_t lds = llvm::alignTo(r.ldsBytes, p.ldsGranule))
      groups = std::min(groups, p.ldsBytes / lds);
    r.occupancy = double(groups * waves) / double(p.simds * p.wavesPerSimd);
    return;
  }
}
} // namespace

llvm::Expected<HsacoResources> attn_jit::readHsacoResources(StringRef object,
                                                            StringRef kernel,
                                                            StringRef chip) {
  llvm::Expected<StringRef> note = metadataNote(object);
  if (!note)
    return note.takeError();
  llvm::msgpack::Document document;
  if (!document.readFromBlob(*note, /*Multi=*/false) ||
      !document.getRoot().isMap())
    return failed("its metadata is not a MessagePack map");
  llvm::msgpack::DocNode kernels =
      document.getRoot().getMap()["amdhsa.kernels"];
  if (!kernels.isArray())
    return failed("its metadata names no kernels");
  for (llvm::msgpack::DocNode &entry : kernels.getArray()) {
    if (!entry.isMap())
      continue;
    llvm::msgpack::MapDocNode fields = entry.getMap();
    llvm::msgpack::DocNode name = fields[".name"];
    if (!name.isString() || name.getString() != kernel)
      continue;
    auto number = [&](StringRef key) -> int64_t {
      auto found = fields.find(key);
      if (found == fields.end())
        return 0;
      if (found->second.getKind() == llvm::msgpack::Type::UInt)
        return found->second.getUInt();
      return found->second.getKind() == llvm::msgpack::Type::Int
                 ? found->second.getInt()
                 : 0;
    };
    HsacoResources r;
    r.vgprs = number(".vgpr_count");
    r.vgprSpills = number(".vgpr_spill_count");
    r.sgprSpills = number(".sgpr_spill_count");
    r.ldsBytes = number(".group_segment_fixed_size");
    r.wavefront = number(".wavefront_size");
    r.threads = number(".max_flat_workgroup_size");
    setOccupancy(r, chip);
    return r;
  }
  return failed("has no kernel '" + kernel + "'");
}

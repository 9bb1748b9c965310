// The kernel table as data, the entry points of both backends and the choice between them.
#ifndef NAUTILUS_CORE_KERNEL_TABLE_H_
#define NAUTILUS_CORE_KERNEL_TABLE_H_

#include <atomic>
#include <cstdint>
#include <span>

#include "core/indicator_call.h"
#include "core/kernel_args.h"
#include "core/metal_health.h"
#include "core/status.h"

namespace nautilus {

inline constexpr unsigned kMaskF32 = static_cast<unsigned>(Dtype::kF32);
inline constexpr unsigned kMaskF64 = static_cast<unsigned>(Dtype::kF64);

struct KernelRow {
  const char* id;
  const char* shape;
  unsigned dtypes;
  const char* cpu;
  bool has_metal;
  std::atomic<int64_t> metal_from;
  double tolerance_f64;
  double tolerance_f32;
};

// CPU entry points. Arguments have been checked by the caller.
namespace cpu {
#define NAUTILUS_KERNEL(Name, ...) Status Name(Name##Args& args);
#include "core/kernel_table.def"
}  // namespace cpu

// The Metal column: one slot per row, null where there is no Metal kernel. That of an indicator takes whole
// panels, from bar 0 on, and leaves the state alone.
struct MetalColumn {
  bool available;
  const char* reason;  // why it is absent; empty when available
  const char* device;  // name of the device; empty where there is none
#define NAUTILUS_KERNEL(Name, ...) Status (*Name)(Name##Args & args);
#define NAUTILUS_INDICATOR(Name, ...) Status (*Name)(const cpu::indicators::IndicatorCall& call);
#include "core/kernel_table.def"
};

// Defined by the Metal host, or by no_metal.cpp where there is none.
const MetalColumn& Metal();

enum class KernelId : int {
#define NAUTILUS_KERNEL(Name, ...) k##Name,
#define NAUTILUS_INDICATOR(Name, ...) k##Name,
#include "core/kernel_table.def"
};

// Returns all rows in table order, the indicators last; index with KernelId.
std::span<const KernelRow> KernelTable();

// Sets from which size of a call on `auto` takes Metal for the row at this place of the table; 0 means never.
// The size of a kernel's call is its operations by its definition, that of an indicator's the values that it
// writes. Any thread.
void SetMetalFrom(size_t place, int64_t elements);

// Returns the row of an element of IndicatorTable().
const KernelRow& RowOf(const cpu::indicators::IndicatorRow& indicator);

struct Choice {
  Status status;  // kOk, or kNoBackend when the asked backend cannot run this, or is switched off
  Backend backend;
};

// Chooses the backend: the asked one if it can, else an error; for `kAuto` Metal when the row has it, the
// dtype is f32, the call is large enough and the device is in use, else the CPU. f64 never goes to Metal,
// which has no double precision.
Choice Pick(const KernelRow& row, Dtype dtype, int64_t elements, Backend asked);

// Says that the CPU takes over what Metal could not do, and counts it.
void FallBack(Backend& backend);

// Returns how often that happened.
uint64_t Fallbacks();

// Runs a Metal slot, unless that is null or the device is taken out of use. Returns kNoBackend when the CPU
// has to do it: the slot answers that for what its kernel leaves out, and kDeviceFailed when the device
// failed; what is read and written is as it was then.
template <class Args>
Status TryMetal(Status (*slot)(Args&), Args& args) {
  if (slot == nullptr) return Status::kNoBackend;
  MetalHealth::Call visit(HealthOfMetal());
  if (!visit.entered()) return Status::kNoBackend;
  const Status status = slot(args);
  visit.Leave(status);
  return status == Status::kDeviceFailed ? Status::kNoBackend : status;
}

// Runs one kernel on the backend that Pick chose. The CPU takes over what Metal could not do, and `backend`
// says so.
#define NAUTILUS_KERNEL(Name, ...)                        \
  inline Status Run(Backend& backend, Name##Args& args) { \
    if (backend == Backend::kMetal) {                     \
      const Status status = TryMetal(Metal().Name, args); \
      if (status != Status::kNoBackend) return status;    \
      FallBack(backend);                                  \
    }                                                     \
    return cpu::Name(args);                               \
  }                                                       \
  constexpr KernelId IdOf(const Name##Args*) { return KernelId::k##Name; }
#include "core/kernel_table.def"

// The same for an element of IndicatorTable().
Status Run(Backend& backend, const cpu::indicators::IndicatorRow& indicator,
           const cpu::indicators::IndicatorCall& call);

}  // namespace nautilus

#endif  // NAUTILUS_CORE_KERNEL_TABLE_H_

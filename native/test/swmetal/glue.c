// Linked into every compiled library of kernels: hands the calls of kernels on to the device that opened it.
#include "abi.h"

static const struct swm_host* host;

// Kernels call the device through this table, not by symbols: it works wherever the device was loaded from,
// and nothing that a kernel calls may stay undefined when the library is linked.
__attribute__((visibility("default"))) void swm_attach(const struct swm_host* device) { host = device; }

void swm_barrier(unsigned int scope) { host->barrier(scope, __builtin_return_address(0)); }
void swm_simd_publish(unsigned int slot, unsigned int word) { host->simd_publish(slot, word); }
unsigned int swm_simd_meet(void) { return host->simd_meet(__builtin_return_address(0)); }
unsigned int swm_simd_peek(unsigned int slot, unsigned int lane) { return host->simd_peek(slot, lane); }
void swm_simd_gather(unsigned int slot, unsigned int* words) { host->simd_gather(slot, words); }
unsigned int swm_simd_lane(void) { return host->simd_lane(); }
unsigned int swm_atomic_point(void) { return host->atomic_point(); }

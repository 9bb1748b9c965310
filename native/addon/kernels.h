// Registers the kernels on the exports object: `<name>` runs at once, `<name>Async` off-thread with a
// promise.
#ifndef NAUTILUS_ADDON_KERNELS_H_
#define NAUTILUS_ADDON_KERNELS_H_

#include <napi.h>

namespace nautilus::addon {

void ExportKernels(Napi::Env env, Napi::Object exports);

}  // namespace nautilus::addon

#endif  // NAUTILUS_ADDON_KERNELS_H_

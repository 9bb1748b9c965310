// Runs kernels by their place in the table: `run` at once, `runAsync` off the JavaScript thread with a
// promise.
#ifndef NAUTILUS_ADDON_KERNELS_H_
#define NAUTILUS_ADDON_KERNELS_H_

#include <napi.h>

namespace nautilus::addon {

void ExportKernels(Napi::Env env, Napi::Object exports);

}  // namespace nautilus::addon

#endif  // NAUTILUS_ADDON_KERNELS_H_

// What the Metal device has done and how it is, and what turns it on, off or away, at run time.
#ifndef NAUTILUS_ADDON_METAL_H_
#define NAUTILUS_ADDON_METAL_H_

#include <napi.h>

namespace nautilus::addon {

void ExportMetal(Napi::Env env, Napi::Object exports);

}  // namespace nautilus::addon

#endif  // NAUTILUS_ADDON_METAL_H_

// Where the threads of the process run, as JavaScript values: `setUrgency`, `bindThreads`, `allowedCpus`.
#ifndef NAUTILUS_ADDON_PLACEMENT_H_
#define NAUTILUS_ADDON_PLACEMENT_H_

#include <napi.h>

namespace nautilus::addon {

void ExportPlacement(Napi::Env env, Napi::Object exports);

}  // namespace nautilus::addon

#endif  // NAUTILUS_ADDON_PLACEMENT_H_

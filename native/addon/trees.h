// Trees as JavaScript values: `treesOpen` begins a fit, `treesPredict` and `treesExplain` read a model.
#ifndef NAUTILUS_ADDON_TREES_H_
#define NAUTILUS_ADDON_TREES_H_

#include <napi.h>

namespace nautilus::addon {

void ExportTrees(Napi::Env env, Napi::Object exports);

}  // namespace nautilus::addon

#endif  // NAUTILUS_ADDON_TREES_H_

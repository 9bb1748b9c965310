// Runs indicators at the Node-API border: `indicatorRun` at once, `indicatorRunAsync` off the JavaScript
// thread.
#ifndef NAUTILUS_ADDON_INDICATORS_H_
#define NAUTILUS_ADDON_INDICATORS_H_

#include <napi.h>

namespace nautilus::addon {

void ExportIndicators(Napi::Env env, Napi::Object exports);

}  // namespace nautilus::addon

#endif  // NAUTILUS_ADDON_INDICATORS_H_

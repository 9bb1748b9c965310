// A model of trees between C++ and JavaScript: an object of typed arrays.
#ifndef NAUTILUS_ADDON_TREES_MODEL_H_
#define NAUTILUS_ADDON_TREES_MODEL_H_

#include <napi.h>

#include "core/trees.h"

namespace nautilus::addon {

Napi::Object ModelToObject(Napi::Env env, const trees::Model& model);

// Reads a model and checks that every walk through it stays inside and ends. Throws BorderError.
trees::Model ModelFromObject(const Napi::Value& value);

}  // namespace nautilus::addon

#endif  // NAUTILUS_ADDON_TREES_MODEL_H_

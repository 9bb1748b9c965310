// The arrays of a model, and what is checked of those that come from outside.
#include "addon/trees_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "addon/arguments.h"
#include "addon/indicator_work.h"

namespace nautilus::addon {
namespace {

using trees::Model;

constexpr int64_t kMostNodes = int64_t{1} << 26;

template <class Array, class T>
Array ArrayOf(Napi::Env env, const std::vector<T>& values) {
  Array array = Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(T));
  return array;
}

template <class Array, class T>
void Read(const Napi::Object& object, const char* name, napi_typedarray_type type, size_t length,
          std::vector<T>& to) {
  const Napi::Value value = object.Get(name);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    Refuse(Status::kInvalidOption, name, "the typed array of a model", "another value");
  }
  const auto array = value.As<Array>();
  if (length != SIZE_MAX && array.ElementLength() != length) {
    Refuse(Status::kShape, name, std::to_string(length) + " elements",
           std::to_string(array.ElementLength()) + " elements");
  }
  if (array.ElementLength() > static_cast<size_t>(kMostNodes)) {
    Refuse(Status::kShape, name, "at most 67108864 elements", "more");
  }
  to.assign(array.Data(), array.Data() + array.ElementLength());
}

void RequireWalks(const Model& model) {
  const auto nodes = static_cast<int32_t>(model.feature.size());
  const auto broken = [](const char* field) {
    Refuse(Status::kInvalidOption, field, "places of the model itself, children after their parents",
           "another number");
  };
  for (const int32_t root : model.roots) {
    if (root < 0 || root >= nodes) broken("roots");
  }
  for (int32_t node = 0; node < nodes; ++node) {
    if (model.feature[node] >= model.columns) broken("feature");
    if (model.feature[node] < 0) continue;
    const auto inside = [&](int32_t child) { return child > node && child < nodes; };
    if (!inside(model.left[node])) broken("left");
    if (!inside(model.right[node])) broken("right");
    const auto words = static_cast<int64_t>(model.sets.size());
    if (model.set[node] >= 0 && model.set[node] + trees::kSetWords > words) broken("set");
  }
}

}  // namespace

Napi::Object ModelToObject(Napi::Env env, const Model& model) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("columns", static_cast<double>(model.columns));
  object.Set("classes", static_cast<double>(model.classes));
  object.Set("base", ArrayOf<Napi::Float64Array>(env, model.base));
  object.Set("roots", ArrayOf<Napi::Int32Array>(env, model.roots));
  object.Set("feature", ArrayOf<Napi::Int32Array>(env, model.feature));
  object.Set("threshold", ArrayOf<Napi::Float32Array>(env, model.threshold));
  object.Set("left", ArrayOf<Napi::Int32Array>(env, model.left));
  object.Set("right", ArrayOf<Napi::Int32Array>(env, model.right));
  object.Set("missingLeft", ArrayOf<Napi::Uint8Array>(env, model.missing_left));
  object.Set("set", ArrayOf<Napi::Int32Array>(env, model.set));
  object.Set("sets", ArrayOf<Napi::Uint32Array>(env, model.sets));
  object.Set("value", ArrayOf<Napi::Float32Array>(env, model.value));
  object.Set("gain", ArrayOf<Napi::Float64Array>(env, model.gain));
  object.Set("cover", ArrayOf<Napi::Float64Array>(env, model.cover));
  return object;
}

Model ModelFromObject(const Napi::Value& value) {
  if (!value.IsObject()) Refuse(Status::kInvalidOption, "model", "a model of trees", "another value");
  const auto object = value.As<Napi::Object>();
  Model model;
  model.columns = ReadCount(object.Get("columns"), "columns", int64_t{1} << 20);
  model.classes = ReadCount(object.Get("classes"), "classes", trees::kMostClasses);
  if (model.columns < 1 || model.classes < 1) {
    Refuse(Status::kInvalidOption, "columns", "at least one column and class", "0");
  }
  Read<Napi::Float64Array>(object, "base", napi_float64_array, model.classes, model.base);
  Read<Napi::Int32Array>(object, "roots", napi_int32_array, SIZE_MAX, model.roots);
  Read<Napi::Int32Array>(object, "feature", napi_int32_array, SIZE_MAX, model.feature);
  const size_t nodes = model.feature.size();
  Read<Napi::Float32Array>(object, "threshold", napi_float32_array, nodes, model.threshold);
  Read<Napi::Int32Array>(object, "left", napi_int32_array, nodes, model.left);
  Read<Napi::Int32Array>(object, "right", napi_int32_array, nodes, model.right);
  Read<Napi::Uint8Array>(object, "missingLeft", napi_uint8_array, nodes, model.missing_left);
  Read<Napi::Int32Array>(object, "set", napi_int32_array, nodes, model.set);
  Read<Napi::Uint32Array>(object, "sets", napi_uint32_array, SIZE_MAX, model.sets);
  Read<Napi::Float32Array>(object, "value", napi_float32_array, nodes, model.value);
  Read<Napi::Float64Array>(object, "gain", napi_float64_array, nodes, model.gain);
  Read<Napi::Float64Array>(object, "cover", napi_float64_array, nodes, model.cover);
  RequireWalks(model);
  return model;
}

}  // namespace nautilus::addon

// The border of core/trees.h.
#include "addon/trees.h"

#include <cmath>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/border.h"
#include "addon/indicator_work.h"
#include "addon/trees_model.h"
#include "core/placement.h"
#include "core/trees.h"

namespace nautilus::addon {
namespace {

constexpr double kMost = 1e30;

double Number(const Napi::Object& object, const char* name, double min, double max, bool integer = false) {
  const Napi::Value value = object.Get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(number >= min && number <= max) || (integer && number != std::floor(number))) {
    Refuse(Status::kInvalidOption, name, integer ? "an integer in its range" : "a number in its range",
           value.IsNumber() ? "out of range" : "another type");
  }
  return number;
}

int64_t Integer(const Napi::Object& object, const char* name, int64_t min, int64_t max) {
  return static_cast<int64_t>(Number(object, name, static_cast<double>(min), static_cast<double>(max), true));
}

template <class Array, class T>
void Marks(const Napi::Object& object, const char* name, napi_typedarray_type type, int64_t columns,
           std::vector<T>& to) {
  const Napi::Value value = object.Get(name);
  if (value.IsUndefined()) return;
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type ||
      static_cast<int64_t>(value.As<Napi::TypedArray>().ElementLength()) != columns) {
    Refuse(Status::kShape, name, "a mark for each column", "another value");
  }
  const auto array = value.As<Array>();
  to.assign(array.Data(), array.Data() + columns);
}

trees::Options ReadOptions(const Napi::Value& value, int64_t columns) {
  if (!value.IsObject()) Refuse(Status::kInvalidOption, "options", "an object", "another type");
  const auto object = value.As<Napi::Object>();
  trees::Options options;
  options.growth = static_cast<trees::Growth>(Integer(object, "growth", 0, 2));
  options.objective = static_cast<trees::Objective>(Integer(object, "objective", 0, 5));
  options.forest = Integer(object, "forest", 0, 1) != 0;
  options.classes = Integer(object, "classes", 1, trees::kMostClasses);
  if ((options.objective == trees::Objective::kSoftmax) != (options.classes > 1)) {
    Refuse(Status::kInvalidOption, "classes", "2 or more for softmax and 1 elsewhere", "another number");
  }
  options.rounds = Integer(object, "rounds", 1, 1'000'000);
  options.learning_rate = Number(object, "learningRate", 0, kMost);
  options.max_depth = Integer(object, "maxDepth", 0, trees::kMostDepth);
  options.max_leaves = Integer(object, "maxLeaves", 1, trees::kMostLeaves);
  options.min_rows = Integer(object, "minRows", 1, trees::kMostRows);
  options.min_hessian = Number(object, "minHessian", 0, kMost);
  options.l1 = Number(object, "l1", 0, kMost);
  options.l2 = Number(object, "l2", 0, kMost);
  options.min_gain = Number(object, "minGain", 0, kMost);
  options.max_bins = Integer(object, "maxBins", 2, trees::kMostBins);
  options.row_share = Number(object, "rowShare", 0, 1);
  options.column_share = Number(object, "columnShare", 0, 1);
  options.split_share = Number(object, "splitShare", 0, 1);
  options.alpha = Number(object, "alpha", 0, kMost);
  options.patience = Integer(object, "patience", 0, 1'000'000);
  options.seed = static_cast<uint64_t>(Integer(object, "seed", 0, (int64_t{1} << 53) - 1));
  options.threads = static_cast<int>(Integer(object, "threads", 1, 1024));
  options.category_smooth = Number(object, "categorySmooth", 0, kMost);
  options.category_l2 = Number(object, "categoryL2", 0, kMost);
  options.category_most = Integer(object, "categoryMost", 1, trees::kMostBins);
  options.category_rows = Integer(object, "categoryRows", 1, trees::kMostRows);
  Marks<Napi::Uint8Array>(object, "categories", napi_uint8_array, columns, options.categories);
  Marks<Napi::Int8Array>(object, "monotone", napi_int8_array, columns, options.monotone);
  return options;
}

// A fit and the arrays that it reads.
struct Opened {
  std::vector<Napi::ObjectReference> arrays;
  std::unique_ptr<trees::Trainer> trainer;
  bool busy = false;
  bool failed = false;
};

const float* Keep(Opened& opened, const Napi::Value& value, const char* field, int64_t length) {
  const Floats floats = ReadFloats(value, field);
  RequireLike(floats, field, Dtype::kF32, length);
  opened.arrays.push_back(Napi::Persistent(value.As<Napi::Object>()));
  return static_cast<const float*>(floats.At(0));
}

// {inputs, targets, weights?} of `columns` columns.
trees::Rows ReadRows(Opened& opened, const Napi::Value& value, int64_t columns) {
  trees::Rows rows;
  rows.columns = columns;
  if (value.IsUndefined()) return rows;
  if (!value.IsObject()) Refuse(Status::kInvalidOption, "rows", "an object", "another type");
  const auto object = value.As<Napi::Object>();
  const Floats targets = ReadFloats(object.Get("targets"), "targets");
  rows.rows = targets.length;
  if (rows.rows < 1 || rows.rows > trees::kMostRows) {
    Refuse(Status::kShape, "targets", "1 to 67108864 rows", "another number");
  }
  rows.targets = Keep(opened, object.Get("targets"), "targets", rows.rows);
  rows.inputs = Keep(opened, object.Get("inputs"), "inputs", rows.rows * columns);
  const Napi::Value weights = object.Get("weights");
  if (!weights.IsUndefined()) rows.weights = Keep(opened, weights, "weights", rows.rows);
  return rows;
}

// Targets of softmax are places in arrays.
void RequireClasses(const trees::Rows& rows, const trees::Options& options) {
  double weight = 0;
  for (int64_t row = 0; row < rows.rows; ++row) {
    const float target = rows.targets[row];
    const bool is_class =
        options.objective != trees::Objective::kSoftmax ||
        (target >= 0 && target < static_cast<float>(options.classes) && target == std::floor(target));
    if (!std::isfinite(target) || !is_class) {
      Refuse(Status::kInvalidOption, "targets", is_class ? "finite numbers" : "the number of a class",
             "another value in row " + std::to_string(row));
    }
    const float one = rows.weights == nullptr ? 1 : rows.weights[row];
    if (!(one >= 0 && std::isfinite(one))) {
      Refuse(Status::kInvalidOption, "weights", "finite numbers of at least 0",
             "another value in row " + std::to_string(row));
    }
    weight += one;
  }
  if (rows.rows > 0 && !(weight > 0)) {
    Refuse(Status::kInvalidOption, "weights", "a number above 0", "none");
  }
}

// Runs work on a thread of the runtime's pool, then settles its promise.
class TreesWorker : public Napi::AsyncWorker {
 public:
  using Work = std::function<Status()>;
  using Done = std::function<Napi::Value(Napi::Env)>;
  using Failed = std::function<BorderError(Status)>;

  TreesWorker(Napi::Env env, Work work, Done done, Failed failed)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        done_(std::move(done)),
        failed_(std::move(failed)) {}

  // The arrays that the work reads.
  void Hold(const Napi::Value& value) {
    if (value.IsObject()) held_.push_back(Napi::Persistent(value.As<Napi::Object>()));
  }

  Napi::Promise Start() {
    const Napi::Promise promise = deferred_.Promise();
    Queue();
    return promise;
  }

 protected:
  void Execute() override {
    TakeUrgency();
    try {
      status_ = work_();
    } catch (const std::bad_alloc&) {
      status_ = Status::kShape;
    }
  }

  void OnOK() override {
    if (status_ == Status::kOk) return deferred_.Resolve(done_(Env()));
    deferred_.Reject(failed_(status_).ToError(Env()).Value());
  }

  void OnError(const Napi::Error& error) override {
    deferred_.Reject(BorderError(Status::kInvariant, error.Message()).ToError(Env()).Value());
  }

 private:
  Napi::Promise::Deferred deferred_;
  Work work_;
  Done done_;
  Failed failed_;
  std::vector<Napi::ObjectReference> held_;
  Status status_ = Status::kInvariant;
};

BorderError Failure(Status status) {
  if (status == Status::kCancelled) return {status, "Expected to finish the trees, was cancelled"};
  if (status == Status::kShape) return {status, "Expected sizes whose work fits in memory, was too large"};
  return {status, "loss", "a finite number", "NaN or infinity"};
}

BorderError FitFailure(Status status, const trees::Refusal& refusal) {
  if (status != Status::kInvalidOption) return Failure(status);
  return {status, "inputs", "codes from 0 to 254 in column " + std::to_string(refusal.column),
          "another value in row " + std::to_string(refusal.row)};
}

using Shared = std::shared_ptr<Opened>;

Opened& IdleOf(const Napi::CallbackInfo& info) {
  Opened& opened = **static_cast<Shared*>(info.Data());
  if (opened.busy) Refuse(Status::kInvalidOption, "fit", "one that has nothing under way", "busy");
  if (opened.failed) Refuse(Status::kInvalidOption, "fit", "one that has not failed", "failed");
  return opened;
}

Napi::Value ProgressOf(Napi::Env env, const trees::Progress& progress) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("rounds", static_cast<double>(progress.rounds));
  object.Set("loss", progress.loss);
  object.Set("validationLoss", progress.validation_loss);
  object.Set("bestRounds", static_cast<double>(progress.best_rounds));
  object.Set("done", progress.done);
  return object;
}

// Arguments: how many rounds, a cancel token.
Napi::Value Step(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    Opened& opened = IdleOf(info);
    const int64_t rounds = ReadCount(info[0], "rounds", 1'000'000);
    const CancelFlag cancel = ReadToken(info[1]);
    const Shared shared = *static_cast<Shared*>(info.Data());
    auto* worker = new TreesWorker(
        info.Env(), [shared, rounds, cancel] { return shared->trainer->Step(rounds, cancel); },
        [shared](Napi::Env env) {
          shared->busy = false;
          return ProgressOf(env, shared->trainer->progress());
        },
        [shared](Status status) {
          shared->busy = false;
          shared->failed = true;
          return FitFailure(status, shared->trainer->refusal());
        });
    worker->Hold(info[1]);
    opened.busy = true;
    return worker->Start();
  });
}

Napi::Value Take(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    Opened& opened = IdleOf(info);
    if (opened.trainer->progress().rounds == 0) {
      Refuse(Status::kInvalidOption, "fit", "one that has run a round", "none");
    }
    return ModelToObject(info.Env(), opened.trainer->Take());
  });
}

Napi::Function Method(Napi::Env env, Napi::Value (*method)(const Napi::CallbackInfo&), const char* name,
                      const Shared& shared) {
  auto* const data = new Shared(shared);
  Napi::Function function = Napi::Function::New(env, method, name, data);
  function.AddFinalizer([](Napi::Env, Shared* gone) { delete gone; }, data);
  return function;
}

// Arguments: options, columns, training rows, validation rows or undefined. Returns {step, take}.
Napi::Value TreesOpen(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    const int64_t columns = ReadCount(info[1], "columns", int64_t{1} << 20);
    if (columns < 1) Refuse(Status::kShape, "columns", "at least one column", "0");
    trees::Options options = ReadOptions(info[0], columns);
    const auto shared = std::make_shared<Opened>();
    const trees::Rows training = ReadRows(*shared, info[2], columns);
    const trees::Rows validation = ReadRows(*shared, info[3], columns);
    if (training.rows == 0) Refuse(Status::kShape, "targets", "at least one row", "0");
    RequireClasses(training, options);
    RequireClasses(validation, options);
    shared->trainer = trees::MakeTrainer(training, validation, std::move(options));
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("step", Method(info.Env(), Step, "step", shared));
    object.Set("take", Method(info.Env(), Take, "take", shared));
    return object;
  });
}

// What reads a model: the arrays of a call after all checks.
struct Reading {
  std::shared_ptr<trees::Model> model;
  std::span<const float> inputs;
  int threads;
  Floats outputs;
};

// Arguments: model, inputs [rows, columns], threads, outputs of `dtype` [rows, classes, columns + `more`] or,
// where `more` is below 0, [rows, classes].
Reading ReadReading(const Napi::CallbackInfo& info, Dtype dtype, int64_t more) {
  auto model = std::make_shared<trees::Model>(ModelFromObject(info[0]));
  const Floats inputs = ReadFloats(info[1], "inputs");
  const int64_t rows = inputs.length / model->columns;
  RequireLike(inputs, "inputs", Dtype::kF32, rows * model->columns);
  const auto threads = static_cast<int>(ReadCount(info[2], "threads", 1024));
  const Floats outputs = ReadFloats(info[3], "outputs");
  const int64_t width = more < 0 ? 1 : model->columns + more;
  RequireLike(outputs, "outputs", dtype, rows * model->classes * width);
  return {std::move(model),
          {static_cast<const float*>(inputs.At(0)), static_cast<size_t>(inputs.length)},
          threads,
          outputs};
}

Napi::Value Nothing(Napi::Env env) { return env.Undefined(); }

Napi::Value TreesPredict(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    const Reading call = ReadReading(info, Dtype::kF32, -1);
    auto* worker = new TreesWorker(
        info.Env(),
        [call] {
          return trees::Predict(*call.model, call.inputs, call.threads,
                                static_cast<float*>(call.outputs.At(0)));
        },
        Nothing, Failure);
    worker->Hold(info[1]);
    worker->Hold(info[3]);
    return worker->Start();
  });
}

// The same with a cancel token, and doubles.
Napi::Value TreesExplain(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    const Reading call = ReadReading(info, Dtype::kF64, 1);
    const CancelFlag cancel = ReadToken(info[4]);
    auto* worker = new TreesWorker(
        info.Env(),
        [call, cancel] {
          return trees::Explain(*call.model, call.inputs, call.threads, cancel,
                                static_cast<double*>(call.outputs.At(0)));
        },
        Nothing,
        [](Status status) {
          if (status != Status::kInvalidOption) return Failure(status);
          return BorderError(status, "model", "trees of at most 64 questions from root to leaf",
                             "a deeper one");
        });
    worker->Hold(info[1]);
    worker->Hold(info[3]);
    worker->Hold(info[4]);
    return worker->Start();
  });
}

}  // namespace

void ExportTrees(Napi::Env env, Napi::Object exports) {
  exports.Set("treesOpen", Napi::Function::New(env, TreesOpen, "treesOpen"));
  exports.Set("treesPredict", Napi::Function::New(env, TreesPredict, "treesPredict"));
  exports.Set("treesExplain", Napi::Function::New(env, TreesExplain, "treesExplain"));
}

}  // namespace nautilus::addon

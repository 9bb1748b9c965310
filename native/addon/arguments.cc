// Errors of the border as JavaScript errors.
#include "addon/arguments.h"

namespace nautilus::addon {

void Refuse(Status status, const char* field, const std::string& expected, const std::string& received) {
  throw BorderError(status, field, expected, received);
}

Napi::Error BorderError::ToError(Napi::Env env) const {
  Napi::Error error = Napi::Error::New(env, message_);
  error.Set("code", Napi::String::New(env, StatusName(status_)));
  if (!field_.empty()) {
    error.Set("field", Napi::String::New(env, field_));
    error.Set("expected", Napi::String::New(env, expected_));
    error.Set("received", Napi::String::New(env, received_));
  }
  return error;
}

}  // namespace nautilus::addon

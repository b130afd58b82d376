// What TensorFlow does with a context, and the addon does not pass on.
#include <dlfcn.h>

#include "context.h"

TFE_Context* context = nullptr;
void* library = nullptr;

std::string text(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  std::string made(length, '\0');
  napi_get_value_string_utf8(env, value, made.data(), length + 1, &length);
  return made;
}

int64_t integer(napi_env env, napi_value value) {
  int64_t made = 0;
  napi_get_value_int64(env, value, &made);
  return made;
}

Bytes bytes(napi_env env, napi_value value) {
  void* data;
  size_t length;
  napi_get_typedarray_info(env, value, nullptr, &length, &data, nullptr, nullptr);
  return {static_cast<const char*>(data), length};
}

napi_value checked(napi_env env, TF_Status* status) {
  if (TF_GetCode(status) != 0) napi_throw_error(env, std::to_string(TF_GetCode(status)).c_str(), TF_Message(status));
  TF_DeleteStatus(status);
  return nullptr;
}

namespace {

// attach(addonPath)
napi_value attach(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  library = dlopen(text(env, arguments.at[0]).c_str(), RTLD_NOW | RTLD_NOLOAD);
  auto place = library == nullptr ? nullptr : static_cast<TFE_Context**>(dlsym(library, "vau_rft_context"));
  if (place == nullptr) {
    napi_throw_error(env, nullptr, "the addon keeps no context");
    return nullptr;
  }
  context = *place;
  return nullptr;
}

napi_value start(napi_env env, napi_value exports) {
  struct {
    const char* name;
    napi_callback function;
  } all[] = {{"attach", attach},   {"join", join},   {"barrier", barrier},
             {"fail", fail},       {"watch", watch}, {"addFunction", addFunction}};
  for (auto& one : all) {
    napi_value function;
    napi_create_function(env, one.name, NAPI_AUTO_LENGTH, one.function, nullptr, &function);
    napi_set_named_property(env, exports, one.name, function);
  }
  return exports;
}

}  // namespace

NAPI_MODULE(vau_rft_context, start)

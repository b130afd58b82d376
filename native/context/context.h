// What the files here share: TensorFlow's context, and the arguments and errors of a call from JavaScript.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <string>

extern "C" {
typedef struct TF_Status TF_Status;
typedef struct TFE_Context TFE_Context;
TF_Status* TF_NewStatus();
void TF_DeleteStatus(TF_Status*);
int TF_GetCode(const TF_Status*);
const char* TF_Message(const TF_Status*);
}

// The context that the addon keeps (native/addon/context.cc); null before `attach`.
extern TFE_Context* context;
// The addon, as `dlopen` has it.
extern void* library;

std::string text(napi_env env, napi_value value);
int64_t integer(napi_env env, napi_value value);

// Bytes of a typed array.
struct Bytes {
  const char* data;
  size_t length;
};
Bytes bytes(napi_env env, napi_value value);

// Arguments of a call.
template <int N>
struct Arguments {
  napi_value at[N];
  Arguments(napi_env env, napi_callback_info info) {
    size_t count = N;
    napi_get_cb_info(env, info, &count, at, nullptr, nullptr);
  }
};

// Throws what TensorFlow says, with its code.
napi_value checked(napi_env env, TF_Status* status);

napi_value join(napi_env env, napi_callback_info info);
napi_value barrier(napi_env env, napi_callback_info info);
napi_value fail(napi_env env, napi_callback_info info);
napi_value watch(napi_env env, napi_callback_info info);
napi_value addFunction(napi_env env, napi_callback_info info);

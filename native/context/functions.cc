// Functions of TensorFlow's: several operations that are called by one name, and put to work by TensorFlow itself.
#include "context.h"

extern "C" {
void TFE_ContextAddFunctionDef(TFE_Context*, const char* serialized, size_t size, TF_Status*);
}

// addFunction(functionDef)
napi_value addFunction(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  Bytes definition = bytes(env, arguments.at[0]);
  TF_Status* status = TF_NewStatus();
  TFE_ContextAddFunctionDef(context, definition.data, definition.length, status);
  return checked(env, status);
}

// The Node addon: loading it makes the operations known to TensorFlow.
#include <node_api.h>

#include <string>

#include "op.h"

static void require(TF_Status* status, const char* what) {
  if (TF_GetCode(status) != TF_OK) throw std::runtime_error(std::string("TensorFlow does not take ") + what);
}

void define_op(const Signature& signature) {
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(signature.name);
  TF_OpDefinitionBuilderAddAttr(builder, "T: {float, bfloat16}");
  for (const char* attribute : signature.attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute);
  for (const char* input : signature.inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char* output : signature.outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  // Nothing builds graphs of these: every tensor is there when its shape is asked for.
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, [](TF_ShapeInferenceContext* context, TF_Status* status) {
    TF_ShapeInferenceContextSetUnknownShape(context, status);
  });
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(builder, status);
  require(status, signature.name);
  TF_DeleteStatus(status);
}

void add_kernel(const char* op, TF_DataType type, void (*compute)(void*, TF_OpKernelContext*)) {
  TF_KernelBuilder* builder = TF_NewKernelBuilder(op, "CPU", nullptr, compute, nullptr);
  TF_Status* status = TF_NewStatus();
  TF_KernelBuilder_TypeConstraint(builder, "T", type, status);
  require(status, op);
  TF_RegisterKernelBuilder(op, builder, status);
  require(status, op);
  TF_DeleteStatus(status);
}

static napi_value start(napi_env env, napi_value exports) {
  try {
    const char* isa = instruction_set().name;
    napi_value name;
    napi_create_string_utf8(env, isa, NAPI_AUTO_LENGTH, &name);
    napi_set_named_property(env, exports, "instructionSet", name);
    register_norm();
    register_activations();
    register_heads();
    register_attention();
    register_decode();
    register_product();
    register_matmul();
    register_attended();
    register_sample();
    register_decode_layer();
    register_optimizer();
  } catch (const std::invalid_argument& error) {
    napi_throw_error(env, "ISA_UNKNOWN", error.what());
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return exports;
}

NAPI_MODULE(vau_rft_kernels, start)

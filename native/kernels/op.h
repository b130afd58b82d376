// What an operation needs of TensorFlow: its inputs, its outputs, and to be known by name.
#pragma once
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

#include "tf_c_api.h"
#include "vec.h"

template <class T>
struct TypeCode;
template <>
struct TypeCode<float> {
  static constexpr TF_DataType value = TF_FLOAT;
};
template <>
struct TypeCode<bfloat16> {
  static constexpr TF_DataType value = TF_BFLOAT16;
};

template <>
struct TypeCode<int32_t> {
  static constexpr TF_DataType value = TF_INT32;
};

using Shape = std::vector<int64_t>;

inline int64_t size_of(const Shape& shape) {
  int64_t size = 1;
  for (int64_t dimension : shape) size *= dimension;
  return size;
}

// A tensor on the host. An optional input that is not given has no elements.
class Array {
 public:
  Array(TF_Tensor* tensor) : tensor_(tensor) {
    for (int i = 0; i < TF_NumDims(tensor); i++) shape.push_back(TF_Dim(tensor, i));
    size = size_of(shape);
  }
  Array(Array&& other) : shape(std::move(other.shape)), size(other.size), tensor_(other.tensor_) {
    other.tensor_ = nullptr;
  }
  Array(const Array&) = delete;
  ~Array() {
    if (tensor_ != nullptr) TF_DeleteTensor(tensor_);
  }

  // Null where there are no elements.
  template <class T>
  T* as() const {
    return size == 0 ? nullptr : static_cast<T*>(TF_TensorData(tensor_));
  }

  Shape shape;
  int64_t size;

 private:
  TF_Tensor* tensor_;
};

class Context {
 public:
  explicit Context(TF_OpKernelContext* raw) : raw_(raw), status_(TF_NewStatus()) {}
  ~Context() { TF_DeleteStatus(status_); }

  int inputs() const { return TF_NumInputs(raw_); }

  Array input(int index) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(raw_, index, &tensor, status_);
    check();
    return Array(tensor);
  }

  template <class T>
  Array output(int index, const Shape& shape) {
    TF_Tensor* tensor = TF_AllocateOutput(raw_, index, TypeCode<T>::value, shape.data(), static_cast<int>(shape.size()),
                                          size_of(shape) * sizeof(T), status_);
    check();
    return Array(tensor);
  }

  void fail(const char* message) {
    TF_SetStatus(status_, TF_INVALID_ARGUMENT, message);
    TF_OpKernelContext_Failure(raw_, status_);
  }

 private:
  void check() {
    if (TF_GetCode(status_) != TF_OK) throw std::runtime_error("TensorFlow gave no tensor");
  }

  TF_OpKernelContext* raw_;
  TF_Status* status_;
};

// Small integers that describe a job, from an int32 vector.
struct Numbers {
  explicit Numbers(const Array& array) : at(array.as<int32_t>()) {}
  int64_t next() { return *at++; }
  const int32_t* at;
};

using Body = void (*)(Context&);

// The signature of an operation, written as in TensorFlow's REGISTER_OP, such as "x: T"; T is float or bfloat16.
struct Signature {
  const char* name;
  std::vector<const char*> attributes, inputs, outputs;
};

void define_op(const Signature& signature);
void add_kernel(const char* op, TF_DataType type, void (*compute)(void*, TF_OpKernelContext*));

template <Body body>
void compute(void*, TF_OpKernelContext* raw) {
  Context context(raw);
  try {
    body(context);
  } catch (const std::exception& error) {
    context.fail(error.what());
  }
}

// Makes an operation with its two CPU kernels known to TensorFlow.
template <Body for_float, Body for_bfloat16>
void register_op(const Signature& signature) {
  define_op(signature);
  add_kernel(signature.name, TF_FLOAT, compute<for_float>);
  add_kernel(signature.name, TF_BFLOAT16, compute<for_bfloat16>);
}

void register_norm();
void register_activations();
void register_heads();
void register_attention();
void register_decode();
void register_product();
void register_sample();
void register_decode_layer();
void register_optimizer();

// What an operation needs of TensorFlow: its inputs, its outputs, and to be known by name.
#pragma once
#include <deque>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

#include "tf_c_api.h"
#include "work.h"

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

// Throws unless `ok`: the operation then fails with this message, after its own name.
inline void check(bool ok, const char* message) {
  if (!ok) throw std::invalid_argument(message);
}

using Shape = std::vector<int64_t>;

// a · b · c …, which throws where it is too large for a size.
inline int64_t times(const int64_t* factors, size_t count) {
  int64_t product = 1;
  for (size_t i = 0; i < count; i++)
    check(!__builtin_mul_overflow(product, factors[i], &product), "sizes that are too large");
  return product;
}
inline int64_t times(std::initializer_list<int64_t> factors) { return times(factors.begin(), factors.size()); }

// What the shape of an input has to be; a dimension may be free. For the length of a call.
constexpr int64_t ANY = -1, SOME = -2;  // SOME: not 0
struct Wanted {
  Wanted(std::initializer_list<int64_t> list) : dimensions(list.begin()), rank(list.size()) {}
  Wanted(const Shape& shape) : dimensions(shape.data()), rank(shape.size()) {}
  bool fits(const Shape& shape) const;

  const int64_t* dimensions;
  size_t rank;
};

// A tensor on the host. An optional input that is not given has no elements.
class Array {
 public:
  Array(TF_Tensor* tensor) : tensor_(tensor) {
    for (int i = 0; i < TF_NumDims(tensor); i++) shape.push_back(TF_Dim(tensor, i));
    size = times(shape.data(), shape.size());
  }
  Array(const Array&) = delete;
  ~Array() { TF_DeleteTensor(tensor_); }

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

// Small integers that describe a job, from an int32 vector, each checked against the least and the most it may be.
class Numbers {
 public:
  explicit Numbers(const Array& array) : at_(array.as<int32_t>()), left_(array.size) {}
  int64_t next(int64_t least = 0, int64_t most = INT32_MAX) {
    check(left_-- > 0, "options has too few numbers");
    const int64_t value = *at_++;
    check(value >= least && value <= most, "options has a number out of range");
    return value;
  }
  bool flag() { return next(0, 1) != 0; }
  void end() const { check(left_ == 0, "options has too many numbers"); }

 private:
  const int32_t* at_;
  int64_t left_;
};

// The signature of an operation, written as in TensorFlow's REGISTER_OP, such as "x: T"; T is float or bfloat16.
struct Signature {
  const char* name;
  std::vector<const char*> attributes, inputs, outputs;
};

// A call of an operation. No input can be had without its shape being checked; types are checked by TensorFlow, by the
// signature. What it gives lives as long as the call.
class Context {
 public:
  Context(const Signature& signature, TF_OpKernelContext* raw)
      : signature_(signature), raw_(raw), status_(TF_NewStatus()) {}
  ~Context() { TF_DeleteStatus(status_); }

  int inputs() const { return TF_NumInputs(raw_); }

  const Array& input(int index, const Wanted& wanted) {
    const Array& array = any(index);
    if (!wanted.fits(array.shape)) refuse(index, array.shape, wanted);
    return array;
  }

  // May be left out, which is said by the shape [0].
  const Array& optional(int index, const Wanted& wanted) {
    const Array& array = any(index);
    if (!Wanted({0}).fits(array.shape) && !wanted.fits(array.shape)) refuse(index, array.shape, wanted);
    return array;
  }

  // Of any shape.
  const Array& any(int index);

  // So many integers, each from 0 to `most`.
  const int32_t* integers(int index, int64_t count, int64_t most, const char* message) {
    const int32_t* all = input(index, {count}).as<int32_t>();
    for (int64_t i = 0; i < count; i++) check(all[i] >= 0 && all[i] <= most, message);
    return all;
  }

  float scalar(int index) { return *input(index, Shape{}).as<float>(); }
  Numbers numbers(int index) { return Numbers(input(index, {ANY})); }

  template <class T>
  const Array& output(int index, const Shape& shape) {
    return allocate(index, TypeCode<T>::value, sizeof(T), shape);
  }

  // Runs `body` and tells TensorFlow when it failed.
  void run(void (*body)(Context&));

 private:
  const Array& allocate(int index, TF_DataType type, size_t bytes, const Shape& shape);
  [[noreturn]] void refuse(int index, const Shape& found, const Wanted& wanted) const;
  void fail(TF_Code code, const std::string& message);
  void check_status() const;

  const Signature& signature_;
  TF_OpKernelContext* raw_;
  TF_Status* status_;
  std::deque<Array> arrays_;
};

using Body = void (*)(Context&);

void define_op(const Signature& signature);
void add_kernel(const char* op, TF_DataType type, void (*compute)(void*, TF_OpKernelContext*));

template <Body body>
Signature signature_of;

template <Body body>
void compute(void*, TF_OpKernelContext* raw) {
  Context(signature_of<body>, raw).run(body);
}

// Makes an operation with its two CPU kernels known to TensorFlow.
template <Body for_float, Body for_bfloat16>
void register_op(const Signature& signature) {
  signature_of<for_float> = signature_of<for_bfloat16> = signature;
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
void register_matmul();
void register_attended();
void register_sample();
void register_decode_layer();
void register_optimizer();

// The pieces that a decoder layer is made of when it runs on a few rows; each is an operation of its own too. The first
// argument of a function says the type of the `void` arrays.
#pragma once
#include <vector>

#include "vec.h"

// norm.cc
struct Norm {
  const float *x, *bias, *weight, *shift;
  const void* delta;
  float* sum;
  void* y;
  float* stats;
  int64_t width;
  float epsilon;
  bool centered;
};
void norm_rows_of(float, const Norm&, int64_t begin, int64_t end);
void norm_rows_of(bfloat16, const Norm&, int64_t begin, int64_t end);

// product.cc: x · Wᵀ with each of several W, as one job, so that threads are woken once.
struct WeightedOutput {
  const void* w;  // [out, in]
  void* y;        // [M, out]
  int64_t out;
};
void few_rows_products(float, const void* x, int64_t M, int64_t in, const std::vector<WeightedOutput>&);
void few_rows_products(bfloat16, const void* x, int64_t M, int64_t in, const std::vector<WeightedOutput>&);

// decode.cc
struct Decode {
  const void *q, *k, *v;
  const float *q_bias, *k_bias, *v_bias, *cos, *sin;
  const void *prompt_k, *prompt_v;  // [B · KV, D, P], [B · KV, P, D]
  void *own_k, *own_v;              // [B · KV · G, capacity, D]
  const int32_t* lengths;
  void* y;
  float* queries;  // [B · KV, G · R, D], rotated and scaled
  float scale;
  int64_t M, KV, R, G, D, P, capacity, t;
};
class Context;
// What the inputs from `biases`, `rotary` and `scale` on say about M more tokens; all but queries, keys and values.
Decode decode_of(Context&, int64_t M, int biases, int rotary, int scale);
void run_decode_attention(float, const Decode&);
void run_decode_attention(bfloat16, const Decode&);

// activations.cc
void swiglu_of(float, const void* gate, const void* up, void* y, int64_t begin, int64_t end);
void swiglu_of(bfloat16, const void* gate, const void* up, void* y, int64_t begin, int64_t end);
struct Addition {
  const float *x, *bias;
  const void* delta;
  float* y;
  int64_t width;
};
void add_of(float, const Addition&, int64_t begin, int64_t end);
void add_of(bfloat16, const Addition&, int64_t begin, int64_t end);

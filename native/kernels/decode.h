// The pieces of a decoder layer on a few rows that are operations of their own too. The first argument of a function
// says the type of the `void` arrays.
#pragma once
#include <vector>

#include "work.h"

// product.cc: x · Wᵀ with each of several W, as one job, so that threads are woken once.
struct WeightedOutput {
  const void* w;  // [out, in]
  void* y;        // [M, out]
  int64_t out;
};
void few_rows_products(float, const void* x, int64_t M, int64_t in, const std::vector<WeightedOutput>&);
void few_rows_products(bfloat16, const void* x, int64_t M, int64_t in, const std::vector<WeightedOutput>&);

// decode.cc
class Context;
// What the inputs from `biases`, `rotary` and `scale` on say about M more tokens; all but queries, keys and values.
Decode decode_of(Context&, int64_t M, int biases, int rotary, int scale);
void run_decode_attention(float, const Decode&);
void run_decode_attention(bfloat16, const Decode&);

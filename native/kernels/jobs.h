// The work that operations hand out: what a function that runs on vectors needs to know, without TensorFlow. The type T
// of `void` arrays is that of the set of functions.
#pragma once
#include <cstdint>

struct bfloat16 {
  uint16_t bits;
};

// Longer heads than any model's.
constexpr int64_t MAX_HEAD = 1024;

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

struct NormGradient {
  const void* const* dys;
  int64_t count;
  const float *x, *stats, *weight, *residual;
  float* dx;
  void* dx_cast;
  float *d_weight, *d_shift;
  int64_t rows, width;
  bool centered;
};

// Rows of `width`. Without `d` forward, with it the gradient too.
struct Swiglu {
  const void *gate, *up;
  const float *gate_bias, *up_bias;
  const void* d;
  void *d_gate, *d_up, *y;
  int64_t width;
};

// z σ(a (z + c z³)) with z = x + bias: with c = 0 the quick GELU, else the one by tanh. As above.
struct Gelu {
  const void* x;
  const float* bias;
  const void* d;
  void *dx, *y;
  int64_t width;
  bool by_tanh;
};

struct Addition {
  const float *x, *bias;
  const void* delta;
  float* y;
  int64_t width;
};

struct ColumnSum {
  const void* x;
  float* y;
  int64_t rows, width;
};

struct ToHeads {
  const void* x;
  const float *bias, *cos, *sin;
  void* y;
  float scale;
  int64_t width, start, column, T, KV, R, D;
};

// A matrix `[B · KV, length · R, D]` of a segment of rows: tokens offset … offset + length of each of its B sequences.
struct Part {
  const void* x;
  int64_t offset, length, column, KV, R;
};

// From row `start` on: sequences of T tokens.
struct Segment {
  const Part *parts, *end;
  int64_t start, T;
};

struct FromHeads {
  const Segment* segments;
  int64_t count;
  const float *cos, *sin;
  void* y;
  float scale;
  int64_t width, D, rotated, scaled;
};

// Rows are queries: H heads of n rows each. Row i of a head belongs to token (i / R) mod C of its sequence, which sees
// as many of its own keys as `starts` has for its sequence, that, and one more where attention is causal, and all of
// its prompt's.
struct Attention {
  const void *prompt, *own;
  const int32_t *lengths, *starts;
  int64_t n, P, K, KV, R, C;
  bool causal;
};

struct Weights {
  void *prompt, *own;
};

struct WeightGradient {
  const void *d_prompt, *d_own;
  Weights weights, scores;
};

// Queries that are attended together at most.
constexpr int64_t MANY_QUERIES = 64;

struct Decode {
  const void *q, *k, *v;
  const float *q_bias, *k_bias, *v_bias, *cos, *sin;
  const float *q_norm, *k_norm;  // [D], of an RMS norm of each head, or none
  const void *prompt_k, *prompt_v;  // [B · KV, D, P], [B · KV, P, D]
  void *own_k, *own_v;              // [B · KV · G, capacity, D]
  const int32_t* lengths;
  void* y;
  float* queries;  // [B · KV, G · R, D], rotated and scaled
  float scale, epsilon;
  int64_t M, KV, R, G, D, P, capacity, t;
};

struct Product {
  void* x;        // arranged
  const void* w;  // [out, in]
  void* y;        // [M, out]
  int64_t M, in, out;
};

// y = a · b; a is [M, K] or, transposed, [K, M], b is [K, N] or [N, K].
struct Matmul {
  const void *a, *b;
  void* y;  // [M, N]
  int64_t M, N, K;
  bool a_transposed, b_transposed;
};

// A part of y.
struct MatmulPiece {
  int64_t row, rows, column, columns;
};

// What a piece had best be a multiple of.
struct MatmulTile {
  int64_t rows, columns;
};

// What queries attend to: keys and values as panels (`pack_panels`), of each head those of its prompt, of which as many
// are seen as `lengths` says, and of each of its sequences, of C tokens of R rows each, its own K; a token sees its own
// predecessors, as many keys before them as `starts` says, and itself; all of them where there are no `starts`.
struct Attended {
  const void* q;  // [heads, n, D]
  const float *prompt_k, *prompt_v, *own_k, *own_v;
  const int32_t *lengths, *starts;
  void* y;  // [heads, n, D]
  int64_t n, D, P, K, KV, R, C;
};

// The gradient of the same: keys and values turned (`k`, `v`: [panels][D][columns]), and keys as values are
// (`straight_k`).
struct AttendedGradient {
  Attended of;
  const void* dy;
  const float *prompt_straight_k, *own_straight_k;
  void* dq;
};

struct Draw {
  const void* logits;
  const float* uniforms;
  const int32_t* forbidden;
  int64_t count, V;  // of forbidden tokens, of the vocabulary
  float scale;
  int32_t* tokens;
  float* logprobs;
};

struct AdamW {
  float *value, *m, *v;
  const void* gradient;
  float beta1, beta2, step_size, epsilon, decay, gradient_scale;
};

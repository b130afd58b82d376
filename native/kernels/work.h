// The functions that run on vectors. They are compiled once for each instruction set (`work/work.cc`), and one set of
// them is chosen when the library is loaded.
#pragma once
#include "jobs.h"

// Most of them work on rows, columns or elements begin … end.
struct Work {
  void (*norm)(const Norm&, int64_t begin, int64_t end);
  void (*norm_gradient)(const NormGradient&, int64_t begin, int64_t end);
  void (*norm_gradient_columns)(const NormGradient&, int64_t begin, int64_t end);
  void (*swiglu)(const Swiglu&, int64_t begin, int64_t end);
  void (*gelu)(const Gelu&, int64_t begin, int64_t end);
  void (*add)(const Addition&, int64_t begin, int64_t end);
  void (*sum_columns)(const ColumnSum&, int64_t begin, int64_t end);
  void (*to_heads)(const ToHeads&, int64_t begin, int64_t end);
  // `sums` has room for a row.
  void (*from_heads)(const FromHeads&, int64_t begin, int64_t end, float* sums);
  // `buffer` has room for a row: P + K floats.
  void (*attention_weights)(const Attention&, const Weights&, int64_t begin, int64_t end, float* buffer);
  void (*attention_gradient)(const Attention&, const WeightGradient&, int64_t begin, int64_t end, float* buffer);
  // Queries into `queries`, keys and values into place t of the caches.
  void (*enter)(const Decode&);
  // Queries first … first + count of a head; `buffer` has room for `attend_room` floats.
  void (*attend)(const Decode&, int64_t head, int64_t first, int64_t count, float* buffer);
  int64_t (*attend_room)(const Decode&, int64_t count);
  // Bytes of x as a product wants it, and its arrangement.
  int64_t (*product_room)(int64_t M, int64_t in);
  void (*arrange)(const void* x, const Product&);
  void (*outputs)(const Product&, int64_t begin, int64_t end);
  MatmulTile tile;
  // `buffer` has room for `multiply_room` floats.
  int64_t (*multiply_room)(const MatmulPiece&);
  void (*multiply)(const Matmul&, const MatmulPiece&, float* buffer);
  // Columns of b, [first, first + columns), as [panels][K][tile.columns].
  void (*pack_panels)(const Matmul&, const MatmulPiece&, float* packed);
  // Rows row … row + rows of a sequence of a head, as many as `attended_rows` at most; `buffer` has room for
  // `attended_room` floats.
  int64_t attended_rows;
  int64_t (*attended_room)(const Attended&);
  void (*attend_rows)(const Attended&, int64_t head, int64_t sequence, int64_t row, int64_t rows, float* buffer);
  // The gradient of such rows, which adds that of keys and then of values to `d_prompt` [2, P, D] and `d_own` [2, K,
  // D].
  int64_t (*attended_gradient_room)(const Attended&);
  void (*attend_rows_gradient)(const AttendedGradient&, int64_t head, int64_t sequence, int64_t row, int64_t rows,
                               float* d_prompt, float* d_own, float* buffer);
  // Elements begin … end of the sum of `count` arrays of `size`.
  void (*sum_arrays)(const float* arrays, int64_t count, int64_t size, void* y, int64_t begin, int64_t end);
  // `buffer` has room for a row.
  void (*draw)(const Draw&, int64_t row, float* buffer);
  double (*squares)(const void* x, int64_t count);
  void (*adamw)(const AdamW&, int64_t begin, int64_t end);
};

struct InstructionSet {
  const char* name;
  Work for_float, for_bfloat16;
};

// The one of the environment variable VAU_RFT_ISA, or the best that the processor has; throws std::invalid_argument.
const InstructionSet& instruction_set();

template <class T>
const Work& work() {
  return sizeof(T) == sizeof(float) ? instruction_set().for_float : instruction_set().for_bfloat16;
}

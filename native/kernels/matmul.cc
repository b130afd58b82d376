// Products of large matrices, one or a batch of them.
#include <algorithm>

#include "floats.h"
#include "op.h"
#include "parallel.h"

namespace {

// Of a piece, at most: panels as wide as this stay in the second cache while its rows pass.
constexpr int64_t COLUMNS = 256, ROWS = 1024;

// `count` in `parts` even ones, rounded up to multiples of `unit`.
int64_t part_of(int64_t count, int64_t parts, int64_t unit) {
  return std::max<int64_t>(1, (count + parts * unit - 1) / (parts * unit)) * unit;
}

// Pieces of M rows where there are so many beside each other: enough for all threads to end together. Sums do not
// depend on how y is cut.
int64_t pieces_down(int64_t M, int64_t across) {
  int64_t pieces = std::max((M + ROWS - 1) / ROWS, (3 * threads() + across - 1) / across);
  while (pieces * across < 8 * threads() && pieces * across % threads() != 0) pieces++;
  return pieces;
}

template <class T>
void run(const Matmul& all, int64_t batch) {
  const MatmulTile& tile = work<T>().tile;
  const int64_t columns = part_of(all.N, (all.N + COLUMNS - 1) / COLUMNS, tile.columns);
  const int64_t across = (all.N + columns - 1) / columns;
  const int64_t rows = part_of(all.M, pieces_down(all.M, batch * across), tile.rows);
  const int64_t down = (all.M + rows - 1) / rows;
  parallel_for(batch * down * across, 1, [&](int64_t piece, int64_t) {
    const int64_t i = piece / (down * across), row = piece / across % down * rows, column = piece % across * columns;
    Matmul m = all;
    m.a = static_cast<const T*>(all.a) + i * all.M * all.K;
    m.b = static_cast<const T*>(all.b) + i * all.K * all.N;
    m.y = static_cast<T*>(all.y) + i * all.M * all.N;
    const MatmulPiece p = {row, std::min(rows, all.M - row), column, std::min(columns, all.N - column)};
    work<T>().multiply(m, p, floats(work<T>().multiply_room(p)).get());
  });
}

template <class T>
void matmul(Context& context) {
  Numbers options = context.numbers(2);
  Matmul m = {};
  m.a_transposed = options.flag();
  m.b_transposed = options.flag();
  options.end();
  const size_t rank = context.any(0).shape.size();
  check(rank == 2 || rank == 3, "a is neither a matrix nor a batch of matrices");
  const Array& a = rank == 2 ? context.input(0, {ANY, ANY}) : context.input(0, {ANY, ANY, ANY});
  const int64_t batch = rank == 2 ? 1 : a.shape[0];
  m.M = a.shape[rank - (m.a_transposed ? 1 : 2)];
  m.K = a.shape[rank - (m.a_transposed ? 2 : 1)];
  Shape of_b = a.shape, of_y = a.shape;
  of_b[rank - 2] = m.b_transposed ? ANY : m.K;
  of_b[rank - 1] = m.b_transposed ? m.K : ANY;
  const Array& b = context.input(1, of_b);
  m.N = b.shape[rank - (m.b_transposed ? 2 : 1)];
  of_y[rank - 2] = m.M;
  of_y[rank - 1] = m.N;
  m.a = a.as<void>();
  m.b = b.as<void>();
  m.y = context.output<T>(0, of_y).template as<void>();
  if (batch * m.M * m.N > 0) run<T>(m, batch);
}

}  // namespace

void register_matmul() {
  register_op<matmul<float>, matmul<bfloat16>>({"VauMatMul", {}, {"a: T", "b: T", "options: int32"}, {"y: T"}});
}

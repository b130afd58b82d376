// Products of large matrices in float32, as Goto and van de Geijn arrange them (Anatomy of High-Performance Matrix
// Multiplication, 2008): b is packed into panels that stay in the caches, rows of a pass along them, and a tile of sums
// stays in registers. Elements of bfloat16 are widened as they are packed.
#pragma once
#include "shuffle.h"

namespace {

constexpr int TILE_COLUMNS = 2 * LANES;
// What the registers hold beside a row of the panel and one factor.
#if defined(__AVX512F__)
constexpr int TILE_ROWS = 12;
#elif defined(__aarch64__)
constexpr int TILE_ROWS = 8;
#else
constexpr int TILE_ROWS = 6;
#endif
// Elements of a row at a time: a panel of b as deep as this stays in the first cache, all panels of a piece and the
// packed rows in the second.
constexpr int64_t DEPTH = 320;
constexpr int64_t BLOCK_ROWS = 12 * TILE_ROWS;

constexpr MatmulTile TILE = {TILE_ROWS, TILE_COLUMNS};

INLINE int64_t padded(int64_t columns) { return (columns + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS; }

// Rows of b that are packed at a time: each is another page.
constexpr int64_t TOGETHER = 16;

// LANES × LANES numbers, from rows `stride` apart, of which `rows` and `columns` are there, into columns.
template <class T>
INLINE void turn_block(const T* from, int64_t stride, int64_t rows, int64_t columns, float* to) {
  Vec x[LANES];
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++) x[i] = i < rows ? load(from + i * stride, columns) : Vec{};
  turn(x);
  for (int64_t i = 0; i < smaller(LANES, columns); i++) store(to + i * TILE_COLUMNS, x[i]);
}

// Rows from … from + depth of b, as [panels][depth][TILE_COLUMNS], padded with zeros.
template <class T>
INLINE void pack_panels(const Matmul& m, const MatmulPiece& p, int64_t from, int64_t depth, float* packed) {
  const T* b = static_cast<const T*>(m.b);
  for (int64_t first = 0; first < depth; first += TOGETHER)
    for (int64_t column = 0; column < p.columns; column += TILE_COLUMNS) {
      const int64_t count = p.columns - column, rows = smaller(TOGETHER, depth - first);
      float* to = packed + column * depth + first * TILE_COLUMNS;
      for (int64_t k = 0; k < rows; k += m.b_transposed ? LANES : 1)
        for (int64_t j = 0; j < TILE_COLUMNS; j += LANES) {
          const int64_t row = from + first + k, at = p.column + column + j, left = larger(0, count - j);
          if (m.b_transposed) {
            turn_block(b + at * m.K + row, m.K, left, rows - k, to + k * TILE_COLUMNS + j);
          } else {
            store(to + k * TILE_COLUMNS + j, load(b + row * m.N + at, left));
          }
        }
    }
}

template <class T>
void pack_all(const Matmul& m, const MatmulPiece& p, float* packed) {
  pack_panels<T>(m, p, 0, m.K, packed);
}

// Rows row … of a, elements from … from + depth, as [tiles][depth][TILE_ROWS], padded with zeros.
template <class T>
INLINE void pack_rows(const Matmul& m, int64_t row, int64_t rows, int64_t from, int64_t depth, float* to) {
  const int64_t size = depth * TILE_ROWS, last = rows / TILE_ROWS * TILE_ROWS;
  if (last < rows) fill(to + last * depth, to + last * depth + size, 0.0f);
  if (!m.a_transposed) {
    const T* a = static_cast<const T*>(m.a) + row * m.K + from;
    for (int64_t r = 0; r < rows; r++, a += m.K) {
      float* at = to + r / TILE_ROWS * size + r % TILE_ROWS;
      for (int64_t k = 0; k < depth; k++) at[k * TILE_ROWS] = wide(a[k]);
    }
    return;
  }
  const T* a = static_cast<const T*>(m.a) + from * m.M + row;
  // Vectors hold more than a row of a tile: the next one covers what is too much.
  constexpr int64_t WHOLE = (TILE_ROWS + LANES - 1) / LANES * LANES;
  for (int64_t k = 0; k < depth; k++, a += m.M, to += TILE_ROWS) {
    int64_t r = 0;
    for (int64_t ahead = 0; ahead < rows; ahead += 64 / sizeof(T)) __builtin_prefetch(a + 16 * m.M + ahead);
    if (k + 1 < depth)
      for (; r + WHOLE <= rows; r += TILE_ROWS)
        for (int64_t i = 0; i < WHOLE; i += LANES) store(to + r * depth + i, load(a + r + i));
    for (; r < rows; r++) to[r / TILE_ROWS * size + r % TILE_ROWS] = wide(a[r]);
  }
}

// y (+)= a · b for a tile, of which so many rows and columns are there. Element k of row i of a is a[i · row + k ·
// step].
INLINE void multiply_tile(const float* a, int64_t row, int64_t step, const float* b, int64_t depth, bool adds, float* y,
                          int64_t stride, int64_t rows, int64_t columns) {
  Vec total[TILE_ROWS][2] = {};
#pragma GCC unroll 4
  for (int64_t k = 0; k < depth; k++, a += step, b += TILE_COLUMNS) {
    Vec low = load(b), high = load(b + LANES);
    IN_REGISTERS(low, high);
    for (int i = 0; i < TILE_ROWS; i++) {
      total[i][0] += a[i * row] * low;
      total[i][1] += a[i * row] * high;
    }
  }
  if (rows >= TILE_ROWS && columns >= TILE_COLUMNS) {
    // All of it, from the registers.
#pragma GCC unroll 16
    for (int i = 0; i < TILE_ROWS; i++, y += stride) {
      store(y, adds ? total[i][0] + load(y) : total[i][0]);
      store(y + LANES, adds ? total[i][1] + load(y + LANES) : total[i][1]);
    }
    return;
  }
  float some[TILE_ROWS][TILE_COLUMNS];
#pragma GCC unroll 16
  for (int i = 0; i < TILE_ROWS; i++) {
    store(some[i], total[i][0]);
    store(some[i] + LANES, total[i][1]);
  }
  for (int64_t i = 0; i < smaller(rows, TILE_ROWS); i++, y += stride)
    for (int64_t j = 0; j < smaller(columns, TILE_COLUMNS); j++) y[j] = adds ? y[j] + some[i][j] : some[i][j];
}

// Sums of bfloat16 stand beside y until they are whole.
template <class T>
constexpr bool IN_PLACE = sizeof(T) == sizeof(float);

template <class T>
int64_t multiply_room(const MatmulPiece& p) {
  return DEPTH * (padded(p.columns) + BLOCK_ROWS) + (IN_PLACE<T> ? 0 : p.rows * p.columns);
}

template <class T>
void multiply(const Matmul& m, const MatmulPiece& p, float* panels) {
  float *const packed = panels + DEPTH * padded(p.columns), *const sums = packed + DEPTH * BLOCK_ROWS;
  T* const y = static_cast<T*>(m.y) + p.row * m.N + p.column;
  float* const to = IN_PLACE<T> ? reinterpret_cast<float*>(y) : sums;
  const int64_t stride = IN_PLACE<T> ? m.N : p.columns;
  // Once at least: the sums of nothing are zeros.
  const int64_t parts = larger(1, (m.K + DEPTH - 1) / DEPTH), even = (m.K + parts - 1) / parts;
  for (int64_t part = 0, from = 0; part < parts; part++, from += even) {
    const int64_t depth = smaller(even, m.K - from);
    pack_panels<T>(m, p, from, depth, panels);
    for (int64_t row = 0; row < p.rows; row += BLOCK_ROWS) {
      const int64_t rows = smaller(BLOCK_ROWS, p.rows - row);
      // What lies in memory as it is wanted is not packed; a tile that has too few rows is.
      const int64_t whole = IN_PLACE<T> && !m.a_transposed ? rows / TILE_ROWS * TILE_ROWS : 0;
      const float* a = static_cast<const float*>(m.a) + (p.row + row) * m.K + from;
      if (whole < rows) pack_rows<T>(m, p.row + row + whole, rows - whole, from, depth, packed);
      for (int64_t column = 0; column < p.columns; column += TILE_COLUMNS) {
        const auto tile = [&](int64_t r, const float* a, int64_t a_row, int64_t step) __attribute__((always_inline)) {
          multiply_tile(a, a_row, step, panels + column * depth, depth, from > 0, to + (row + r) * stride + column,
                        stride, rows - r, p.columns - column);
        };
        for (int64_t r = 0; r < whole; r += TILE_ROWS) tile(r, a + r * m.K, m.K, 1);
        for (int64_t r = whole; r < rows; r += TILE_ROWS) tile(r, packed + (r - whole) * depth, 1, TILE_ROWS);
      }
    }
  }
  if (IN_PLACE<T>) return;
  for (int64_t r = 0; r < p.rows; r++)
    for (int64_t j = 0; j < p.columns; j += LANES)
      store(y + r * m.N + j, load(sums + r * p.columns + j, p.columns - j), p.columns - j);
}

}  // namespace

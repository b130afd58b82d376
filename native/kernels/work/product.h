// x · Wᵀ for a few rows x: decoding reads every weight for each token, so the time is that of reading W once.
#pragma once
#include "shuffle.h"

namespace {

constexpr int OUTPUTS = 2;  // rows of W that are multiplied at a time with ROWS rows of x
constexpr int CHUNK = 2 * LANES;
constexpr int PREFETCH = 8192;  // bytes of W that are asked for early: hardware does not look past a page
constexpr int LEVEL = 2;        // into the second cache, which has more requests under way at a time than the first

// x is arranged as [M / ROWS][chunks][ROWS][CHUNK], padded with zeros: as float32 in the order in which a chunk of W is
// loaded, or as it is for the instruction that multiplies pairs of bfloat16.
#if defined(__AVX512BF16__)
template <class T>
constexpr bool DOTS = sizeof(T) == sizeof(bfloat16);
#else
template <class T>
constexpr bool DOTS = false;
#endif

template <class T>
int64_t product_room(int64_t M, int64_t in) {
  const int64_t chunks = (in + CHUNK - 1) / CHUNK, tiles = (M + ROWS - 1) / ROWS;
  return tiles * ROWS * chunks * CHUNK * (DOTS<T> ? sizeof(T) : sizeof(float));
}

template <class T>
void arrange(const void* from, const Product& p) {
  const T* x = static_cast<const T*>(from);
  char* to = static_cast<char*>(p.x);
  for (int64_t first = 0; first < p.M; first += ROWS)
    for (int64_t j = 0; j < p.in; j += CHUNK)
      for (int64_t r = first; r < first + ROWS; r++) {
        T some[CHUNK] = {};
        if (r < p.M)
          for (int64_t i = 0; i < smaller(CHUNK, p.in - j); i++) some[i] = x[r * p.in + j + i];
        if (DOTS<T>) {
          std::memcpy(to, some, sizeof some);
          to += sizeof some;
        } else {
          Vec a, b;
          load_pair(some, a, b);
          store(reinterpret_cast<float*>(to), a);
          store(reinterpret_cast<float*>(to) + LANES, b);
          to += CHUNK * sizeof(float);
        }
      }
}

// Sums of outputs o and o + 1, in the order of `total`, for rows first … of y.
template <class T>
INLINE void put_outputs(const Product& p, int64_t first, int64_t o, const Vec* total) {
  T result[OUTPUTS * ROWS];
  for (int i = 0; i < OUTPUTS * ROWS; i += LANES) store(result + i, sums(total + i));
  T* y = static_cast<T*>(p.y) + first * p.out + o;
  for (int64_t r = 0; r < smaller(ROWS, p.M - first); r++) {
    y[r * p.out] = result[r];
    if (o + 1 < p.out) y[r * p.out + 1] = result[ROWS + r];
  }
}

// A chunk of two rows of W in registers, and how it is added to the sums.
template <class T, bool dots>
struct Factors;

template <class T>
struct Factors<T, false> {
  using X = float;
  Vec a0, b0, a1, b1;
  INLINE Factors(const T* w0, const T* w1, int64_t left) {
    load_pair(w0, left, a0, b0);
    load_pair(w1, left, a1, b1);
  }
  INLINE void add(const float* x, Vec& total0, Vec& total1) const {
    Vec xa = load(x), xb = load(x + LANES);
    IN_REGISTERS(xa, xb);
    total0 += xa * a0;
    total1 += xa * a1;
    total0 += xb * b0;
    total1 += xb * b1;
  }
};

#if defined(__AVX512BF16__)
template <>
struct Factors<bfloat16, true> {
  using X = bfloat16;
  __m512bh w0, w1;
  INLINE Factors(const bfloat16* from0, const bfloat16* from1, int64_t left) {
    const __mmask32 within = left >= CHUNK ? ~__mmask32(0) : (__mmask32(1) << left) - 1;
    w0 = (__m512bh)_mm512_maskz_loadu_epi16(within, from0);
    w1 = (__m512bh)_mm512_maskz_loadu_epi16(within, from1);
  }
  INLINE void add(const bfloat16* x, Vec& total0, Vec& total1) const {
    const __m512bh row = (__m512bh)_mm512_loadu_si512(x);
    total0 = (Vec)_mm512_dpbf16_ps((__m512)total0, row, w0);
    total1 = (Vec)_mm512_dpbf16_ps((__m512)total1, row, w1);
  }
};
#endif

// Outputs o and o + 1 of rows first … of x, of which there are at most `rows`: those that only pad a tile are left out.
template <class T, int rows>
INLINE void tile(const Product& p, int64_t first, int64_t o) {
  using F = Factors<T, DOTS<T>>;
  const T* w0 = static_cast<const T*>(p.w) + o * p.in;
  const T* w1 = o + 1 < p.out ? w0 + p.in : w0;
  const int64_t chunks = (p.in + CHUNK - 1) / CHUNK;
  const typename F::X* x = static_cast<const typename F::X*>(p.x) + first * chunks * CHUNK;
  Vec total[OUTPUTS * ROWS] = {};
  for (int64_t j = 0; j < p.in; j += CHUNK, x += ROWS * CHUNK) {
    __builtin_prefetch(reinterpret_cast<const char*>(w0 + j) + PREFETCH, 0, LEVEL);
    __builtin_prefetch(reinterpret_cast<const char*>(w1 + j) + PREFETCH, 0, LEVEL);
    const F w(w0 + j, w1 + j, p.in - j);
    for (int r = 0; r < rows; r++) w.add(x + r * CHUNK, total[r], total[ROWS + r]);
  }
  put_outputs<T>(p, first, o, total);
}

template <class T>
void outputs(const Product& p, int64_t begin, int64_t end) {
  for (int64_t o = begin; o < end; o += OUTPUTS)
    for (int64_t first = 0; first < p.M; first += ROWS)
      if (p.M - first > ROWS / 2)
        tile<T, ROWS>(p, first, o);
      else
        tile<T, ROWS / 2>(p, first, o);
}

}  // namespace

// Sixteen floats at a time, in GCC's and Clang's vector extension: one AVX-512 register, two of AVX2, four of SSE or
// NEON. Sums are made in these lanes on every machine, so that results do not depend on the instruction set's width.
#pragma once
#include <cstdint>
#include <cstring>

#define INLINE inline __attribute__((always_inline))

// A work function is compiled once for each of these and chosen when the library is loaded.
#if defined(__x86_64__) && defined(__gnu_linux__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

struct bfloat16 {
  uint16_t bits;
};

constexpr int LANES = 16;
typedef float Vec __attribute__((vector_size(64)));
typedef int32_t IntVec __attribute__((vector_size(64)));
typedef uint32_t BitVec __attribute__((vector_size(64)));
typedef uint16_t HalfVec __attribute__((vector_size(32)));

// In memory they stand at any address.
typedef float LooseVec __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t LooseHalf __attribute__((vector_size(32), aligned(2), may_alias));

INLINE Vec splat(float x) { return x - Vec{}; }

// As a loop, which becomes one instruction where there is one.
INLINE Vec widen(HalfVec bits) {
  uint16_t from[LANES];
  uint32_t to[LANES];
  Vec wide;
  std::memcpy(from, &bits, sizeof from);
  for (int i = 0; i < LANES; i++) to[i] = static_cast<uint32_t>(from[i]) << 16;
  std::memcpy(&wide, to, sizeof wide);
  return wide;
}

// To nearest, ties to even; NaN stays NaN.
INLINE HalfVec narrow(Vec x) {
  BitVec u = (BitVec)x;
  BitVec rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  IntVec is_nan = x != x;
  return __builtin_convertvector(((BitVec)is_nan & 0x7fc0u) | (~(BitVec)is_nan & rounded), HalfVec);
}

INLINE Vec load(const float* p) { return *(const LooseVec*)p; }
INLINE Vec load(const bfloat16* p) { return widen(*(const LooseHalf*)p); }
INLINE void store(float* p, Vec x) { *(LooseVec*)p = x; }
INLINE void store(bfloat16* p, Vec x) { *(LooseHalf*)p = narrow(x); }

// The first n ≤ 16 elements; the others are zero, and stay untouched in memory.
template <class T>
INLINE Vec load(const T* p, int64_t n) {
  if (__builtin_expect(n >= LANES, 1)) return load(p);
  T some[LANES] = {};
  for (int64_t i = 0; i < n; i++) some[i] = p[i];
  return load(some);
}

template <class T>
INLINE void store(T* p, Vec x, int64_t n) {
  if (__builtin_expect(n >= LANES, 1)) return store(p, x);
  T some[LANES];
  store(some, x);
  for (int64_t i = 0; i < n; i++) p[i] = some[i];
}

INLINE float sum(Vec x) {
  x += __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  x += __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  x += __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  return x[0] + x[1];
}

// The sums of sixteen vectors, in order: 15 additions instead of 16 times 4.
INLINE Vec sums(const Vec x[LANES]) {
  Vec a[8], b[4], c[2];
  for (int i = 0; i < 8; i++)
    a[i] = __builtin_shufflevector(x[i], x[i + 8], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
           __builtin_shufflevector(x[i], x[i + 8], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  for (int i = 0; i < 4; i++)
    b[i] = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
           __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
  for (int i = 0; i < 2; i++)
    c[i] = __builtin_shufflevector(b[i], b[i + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
           __builtin_shufflevector(b[i], b[i + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  return __builtin_shufflevector(c[0], c[1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
         __builtin_shufflevector(c[0], c[1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
}

// 32 elements as two vectors, in the order that takes least: halves of float, even and odd elements of bfloat16.
INLINE void load_pair(const float* p, Vec& a, Vec& b) {
  a = load(p);
  b = load(p + LANES);
}
INLINE void load_pair(const bfloat16* p, Vec& a, Vec& b) {
  typedef uint32_t LooseBits __attribute__((vector_size(64), aligned(2), may_alias));
  const BitVec both = *(const LooseBits*)p;
  a = (Vec)(both << 16);
  b = (Vec)(both & 0xffff0000u);
}

// 32 elements, or what is left of a row, padded with zeros.
template <class T>
INLINE void load_pair(const T* p, int64_t left, Vec& a, Vec& b) {
  if (__builtin_expect(left >= 2 * LANES, 1)) return load_pair(p, a, b);
  T some[2 * LANES] = {};
  for (int64_t i = 0; i < left; i++) some[i] = p[i];
  load_pair(some, a, b);
}

// Back from the order of `load_pair` to that of memory.
INLINE void unpair(const float*, Vec&, Vec&) {}
INLINE void unpair(const bfloat16*, Vec& a, Vec& b) {
  const Vec low = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  b = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  a = low;
}

INLINE Vec select(IntVec mask, Vec a, Vec b) { return mask ? a : b; }
INLINE Vec maximum(Vec a, Vec b) { return select(a > b, a, b); }

INLINE float largest(Vec x) {
  float best = x[0];
  for (int i = 1; i < LANES; i++) best = x[i] > best ? x[i] : best;
  return best;
}

// eˣ to about 1 ulp (Cephes): x = n ln 2 + r, eʳ by a polynomial. Beyond ±87 it is e^±87; NaN stays NaN.
INLINE Vec exp(Vec x) {
  x = maximum(splat(-87.0f), x);
  x = select(x > 87.0f, splat(87.0f), x);
  Vec n = x * 1.44269504088896341f + 12582912.0f;  // 1.5 · 2²³: rounds to the nearest integer
  const Vec power = (Vec)(((IntVec)n << 23) + 0x3f800000);
  n -= 12582912.0f;
  Vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * power;
}

INLINE Vec sigmoid(Vec x) { return 1.0f / (1.0f + exp(-x)); }

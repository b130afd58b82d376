// Vectors of floats as wide as the machine's registers, in GCC's and Clang's vector extension. Whatever stands in this
// folder is compiled once an instruction set, so nothing of it may be shared: it has internal linkage, and uses no
// inline function of a library, of which the linker would keep one copy for all.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

#include "../jobs.h"

#define INLINE inline __attribute__((always_inline))

// Where each is used more than once: as an operand in memory it would be loaded each time, and loads are what a tile of
// sums waits for.
#if defined(__x86_64__)
#define IN_REGISTERS(a, b) asm("" : "+v"(a), "+v"(b))
#else
#define IN_REGISTERS(a, b)
#endif

namespace {

#if defined(__AVX512F__)
constexpr int BYTES = 64;
#elif defined(__AVX2__)
constexpr int BYTES = 32;
#else
constexpr int BYTES = 16;
#endif
constexpr int LANES = BYTES / 4;

// Rows of a tile of sums, each with two vectors: what the registers hold beside its factors.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int ROWS = 8;
#else
constexpr int ROWS = 4;
#endif

typedef float Vec __attribute__((vector_size(BYTES)));
typedef int32_t IntVec __attribute__((vector_size(BYTES)));
typedef uint32_t BitVec __attribute__((vector_size(BYTES)));
typedef uint16_t HalfVec __attribute__((vector_size(BYTES / 2)));

// In memory they stand at any address.
typedef float LooseVec __attribute__((vector_size(BYTES), aligned(4), may_alias));
typedef uint16_t LooseHalf __attribute__((vector_size(BYTES / 2), aligned(2), may_alias));

INLINE int64_t smaller(int64_t a, int64_t b) { return b < a ? b : a; }
INLINE int64_t larger(int64_t a, int64_t b) { return a < b ? b : a; }
INLINE float larger(float a, float b) { return a < b ? b : a; }

template <class T>
INLINE void fill(T* begin, T* end, T value) {
  for (; begin < end; begin++) *begin = value;
}

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

INLINE float wide(float x) { return x; }
INLINE float wide(bfloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float y;
  std::memcpy(&y, &bits, sizeof y);
  return y;
}

// The first n elements of a vector; the others are zero, and stay untouched in memory.
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

// Two vectors of elements, in the order that takes least: halves of float, even and odd elements of bfloat16.
INLINE void load_pair(const float* p, Vec& a, Vec& b) {
  a = load(p);
  b = load(p + LANES);
}
INLINE void load_pair(const bfloat16* p, Vec& a, Vec& b) {
  typedef uint32_t LooseBits __attribute__((vector_size(BYTES), aligned(2), may_alias));
  const BitVec both = *(const LooseBits*)p;
  a = (Vec)(both << 16);
  b = (Vec)(both & 0xffff0000u);
}

// The same, or what is left of a row, padded with zeros.
template <class T>
INLINE void load_pair(const T* p, int64_t left, Vec& a, Vec& b) {
  if (__builtin_expect(left >= 2 * LANES, 1)) return load_pair(p, a, b);
  T some[2 * LANES] = {};
  for (int64_t i = 0; i < left; i++) some[i] = p[i];
  load_pair(some, a, b);
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

// As a loop, which becomes one instruction.
INLINE Vec square_root(Vec x) {
  float all[LANES];
  std::memcpy(all, &x, sizeof all);
  for (int i = 0; i < LANES; i++) all[i] = __builtin_sqrtf(all[i]);
  std::memcpy(&x, all, sizeof all);
  return x;
}

}  // namespace

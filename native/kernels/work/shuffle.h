// What moves numbers between the lanes of vectors, written out for each width.
#pragma once
#include "vec.h"

#define SHUFFLE __builtin_shufflevector

namespace {

#if defined(__AVX512F__)

INLINE float sum(Vec x) {
  x += SHUFFLE(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  x += SHUFFLE(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  x += SHUFFLE(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  return x[0] + x[1];
}

// The sums of as many vectors as there are lanes, in order: 15 additions instead of 16 times 4.
INLINE Vec sums(const Vec x[LANES]) {
  Vec a[8], b[4], c[2];
  for (int i = 0; i < 8; i++)
    a[i] = SHUFFLE(x[i], x[i + 8], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
           SHUFFLE(x[i], x[i + 8], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  for (int i = 0; i < 4; i++)
    b[i] = SHUFFLE(a[i], a[i + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
           SHUFFLE(a[i], a[i + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
  for (int i = 0; i < 2; i++)
    c[i] = SHUFFLE(b[i], b[i + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
           SHUFFLE(b[i], b[i + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  return SHUFFLE(c[0], c[1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
         SHUFFLE(c[0], c[1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
}

INLINE Vec interleaved_low(Vec a, Vec b) {
  return SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
INLINE Vec interleaved_high(Vec a, Vec b) {
  return SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

#elif defined(__AVX2__)

INLINE float sum(Vec x) {
  x += SHUFFLE(x, x, 4, 5, 6, 7, 0, 1, 2, 3);
  x += SHUFFLE(x, x, 2, 3, 0, 1, 6, 7, 4, 5);
  return x[0] + x[1];
}

INLINE Vec sums(const Vec x[LANES]) {
  Vec a[4], b[2];
  for (int i = 0; i < 4; i++)
    a[i] = SHUFFLE(x[i], x[i + 4], 0, 1, 2, 3, 8, 9, 10, 11) + SHUFFLE(x[i], x[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  for (int i = 0; i < 2; i++)
    b[i] = SHUFFLE(a[i], a[i + 2], 0, 1, 8, 9, 4, 5, 12, 13) + SHUFFLE(a[i], a[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
  return SHUFFLE(b[0], b[1], 0, 8, 2, 10, 4, 12, 6, 14) + SHUFFLE(b[0], b[1], 1, 9, 3, 11, 5, 13, 7, 15);
}

INLINE Vec interleaved_low(Vec a, Vec b) { return SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
INLINE Vec interleaved_high(Vec a, Vec b) { return SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }

#else

INLINE float sum(Vec x) {
  x += SHUFFLE(x, x, 2, 3, 0, 1);
  return x[0] + x[1];
}

INLINE Vec sums(const Vec x[LANES]) {
  const Vec a = SHUFFLE(x[0], x[2], 0, 1, 4, 5) + SHUFFLE(x[0], x[2], 2, 3, 6, 7);
  const Vec b = SHUFFLE(x[1], x[3], 0, 1, 4, 5) + SHUFFLE(x[1], x[3], 2, 3, 6, 7);
  return SHUFFLE(a, b, 0, 4, 2, 6) + SHUFFLE(a, b, 1, 5, 3, 7);
}

INLINE Vec interleaved_low(Vec a, Vec b) { return SHUFFLE(a, b, 0, 4, 1, 5); }
INLINE Vec interleaved_high(Vec a, Vec b) { return SHUFFLE(a, b, 2, 6, 3, 7); }

#endif

// Rows into columns: each stage interleaves the two halves.
INLINE void turn(Vec x[LANES]) {
  Vec y[LANES];
#pragma GCC unroll 4
  for (int stage = 1; stage < LANES; stage *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < LANES / 2; i++) {
      y[2 * i] = interleaved_low(x[i], x[i + LANES / 2]);
      y[2 * i + 1] = interleaved_high(x[i], x[i + LANES / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) x[i] = y[i];
  }
}

// Back from the order of `load_pair` to that of memory.
INLINE void unpair(const float*, Vec&, Vec&) {}
INLINE void unpair(const bfloat16*, Vec& a, Vec& b) {
  const Vec low = interleaved_low(a, b);
  b = interleaved_high(a, b);
  a = low;
}

}  // namespace

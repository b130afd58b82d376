#include "plain.h"

template <class T>
void check_product(int64_t M, int64_t in, int64_t out) {
  const std::vector<T> x = numbers<T>(M * in), w = numbers<T>(out * in);
  std::vector<T> y = room<T>(M * out);
  std::vector<char> arranged(work<T>().product_room(M, in));
  const Product job = {arranged.data(), w.data(), y.data(), M, in, out};
  work<T>().arrange(x.data(), job);
  in_pieces(out, 2, [&](int64_t begin, int64_t end) { work<T>().outputs(job, begin, end); });
  std::vector<double> expected(M * out);
  for (int64_t m = 0; m < M; m++)
    for (int64_t o = 0; o < out; o++)
      for (int64_t i = 0; i < in; i++) expected[m * out + o] += value(x[m * in + i]) * value(w[o * in + i]);
  compare("product " + std::to_string(M) + " × " + std::to_string(in) + " × " + std::to_string(out), y, expected);
}

template <class T>
void check_products() {
  for (const int64_t M : {1, 4, 9, 16})
    for (const int64_t in : {3, 32, 100})
      for (const int64_t out : {1, 6, 35}) check_product<T>(M, in, out);
}

template void check_products<float>();
template void check_products<bfloat16>();

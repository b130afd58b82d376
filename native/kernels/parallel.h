#pragma once
#include <cstdint>
#include <functional>

// Calls work(begin, end) on pieces of 0 … count, on all threads. Pieces have `grain` elements (the last one may have
// fewer) wherever they run, so that results do not depend on the number of threads.
void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& work);

// The next operation is one of ours too: threads stay awake for it longer than they otherwise would.
void expect_more_soon();

int threads();

// What a process of several has of TensorFlow's: joining the others, meeting them, telling them of its end.
#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

#include "context.h"

extern "C" {
void TFE_EnableCollectiveOps(TFE_Context*, const void*, size_t, TF_Status*);
void TFE_ReportErrorToCluster(TFE_Context*, int, const char*, TF_Status*);
void TFE_WaitAtBarrier(TFE_Context*, const char*, int64_t timeout_in_ms, TF_Status*);
}

namespace {

struct Joining {
  napi_async_work work;
  napi_deferred deferred;
  std::vector<char> server;
  int code;
  std::string message;
};

// Abseil prints notes until it is initialised, whatever TF_CPP_MIN_LOG_LEVEL says; its name carries its release.
void hush() {
  for (const char* release : {"20230125", "20250127", "20250814"}) {
    std::string name = std::string("_ZN4absl12lts_") + release + "14SetMinLogLevelENS0_18LogSeverityAtLeastE";
    for (void* from : {RTLD_DEFAULT, library})
      if (auto set = reinterpret_cast<void (*)(int)>(dlsym(from, name.c_str()))) set(1000);
  }
}

}  // namespace

// join(serverDef): waits for the others on a thread of its own, so that JavaScript can say so, and stop.
napi_value join(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  hush();
  Bytes server = bytes(env, arguments.at[0]);
  auto* joining = new Joining{nullptr, nullptr, {server.data, server.data + server.length}, 0, {}};
  napi_value promise, name;
  napi_create_promise(env, &joining->deferred, &promise);
  napi_create_string_utf8(env, "join", NAPI_AUTO_LENGTH, &name);
  napi_create_async_work(
      env, nullptr, name,
      [](napi_env, void* given) {
        auto* joining = static_cast<Joining*>(given);
        // The coordination service puts a handler of its own in Node's place.
        struct sigaction before;
        sigaction(SIGTERM, nullptr, &before);
        TF_Status* status = TF_NewStatus();
        TFE_EnableCollectiveOps(context, joining->server.data(), joining->server.size(), status);
        sigaction(SIGTERM, &before, nullptr);
        joining->code = TF_GetCode(status);
        joining->message = TF_Message(status);
        TF_DeleteStatus(status);
      },
      [](napi_env env, napi_status, void* given) {
        auto* joining = static_cast<Joining*>(given);
        napi_value result, code, message;
        if (joining->code == 0) {
          napi_get_undefined(env, &result);
          napi_resolve_deferred(env, joining->deferred, result);
        } else {
          napi_create_string_utf8(env, std::to_string(joining->code).c_str(), NAPI_AUTO_LENGTH, &code);
          napi_create_string_utf8(env, joining->message.c_str(), NAPI_AUTO_LENGTH, &message);
          napi_create_error(env, code, message, &result);
          napi_reject_deferred(env, joining->deferred, result);
        }
        napi_delete_async_work(env, joining->work);
        delete joining;
      },
      joining, &joining->work);
  napi_queue_async_work(env, joining->work);
  return promise;
}

// barrier(name, milliseconds)
napi_value barrier(napi_env env, napi_callback_info info) {
  Arguments<2> arguments(env, info);
  TF_Status* status = TF_NewStatus();
  TFE_WaitAtBarrier(context, text(env, arguments.at[0]).c_str(), integer(env, arguments.at[1]), status);
  return checked(env, status);
}

// fail(code, message): the others hear of it at once.
napi_value fail(napi_env env, napi_callback_info info) {
  Arguments<2> arguments(env, info);
  TF_Status* status = TF_NewStatus();
  TFE_ReportErrorToCluster(context, integer(env, arguments.at[0]), text(env, arguments.at[1]).c_str(), status);
  return checked(env, status);
}

namespace {

// A thread that ends the process at a time, unless that is put off before: JavaScript that is stuck cannot.
struct Watch {
  using Clock = std::chrono::steady_clock;
  std::mutex mutex;
  std::condition_variable changed;
  Clock::time_point end = Clock::time_point::max();
  std::string message;

  void run() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      if (end == Clock::time_point::max()) {
        changed.wait(lock);
      } else if (changed.wait_until(lock, end) == std::cv_status::timeout && Clock::now() >= end) {
        std::fprintf(stderr, "%s\n", message.c_str());
        _exit(1);
      }
    }
  }
};

}  // namespace

// watch(milliseconds, message): this process ends with the message when so much time has passed without another call; 0: never.
napi_value watch(napi_env env, napi_callback_info info) {
  Arguments<2> arguments(env, info);
  static Watch* all = [] {
    auto* made = new Watch;
    std::thread([made] { made->run(); }).detach();
    return made;
  }();
  int64_t milliseconds = integer(env, arguments.at[0]);
  std::string message = text(env, arguments.at[1]);
  std::lock_guard<std::mutex> lock(all->mutex);
  all->end = milliseconds == 0 ? Watch::Clock::time_point::max()
                               : Watch::Clock::now() + std::chrono::milliseconds(milliseconds);
  all->message = message;
  all->changed.notify_one();
  return nullptr;
}

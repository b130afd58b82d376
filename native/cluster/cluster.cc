// TensorFlow's cluster functions, on the context that the addon keeps (native/addon/context.cc). Only processes that join
// others load this.
#include <dlfcn.h>
#include <node_api.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

extern "C" {
typedef struct TF_Status TF_Status;
typedef struct TFE_Context TFE_Context;
TF_Status* TF_NewStatus();
void TF_DeleteStatus(TF_Status*);
int TF_GetCode(const TF_Status*);
const char* TF_Message(const TF_Status*);
void TFE_EnableCollectiveOps(TFE_Context*, const void*, size_t, TF_Status*);
void TFE_ReportErrorToCluster(TFE_Context*, int, const char*, TF_Status*);
void TFE_WaitAtBarrier(TFE_Context*, const char*, int64_t timeout_in_ms, TF_Status*);
}

namespace {

TFE_Context* context = nullptr;

std::string text(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  std::string made(length, '\0');
  napi_get_value_string_utf8(env, value, made.data(), length + 1, &length);
  return made;
}

int64_t integer(napi_env env, napi_value value) {
  int64_t made = 0;
  napi_get_value_int64(env, value, &made);
  return made;
}

// Arguments of a call.
template <int N>
struct Arguments {
  napi_value at[N];
  Arguments(napi_env env, napi_callback_info info) {
    size_t count = N;
    napi_get_cb_info(env, info, &count, at, nullptr, nullptr);
  }
};

// Throws what TensorFlow says, with its code.
napi_value checked(napi_env env, TF_Status* status) {
  if (TF_GetCode(status) != 0) napi_throw_error(env, std::to_string(TF_GetCode(status)).c_str(), TF_Message(status));
  TF_DeleteStatus(status);
  return nullptr;
}

// attach(addonPath)
napi_value attach(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  void* library = dlopen(text(env, arguments.at[0]).c_str(), RTLD_NOW | RTLD_NOLOAD);
  auto place = library == nullptr ? nullptr : static_cast<TFE_Context**>(dlsym(library, "vau_rft_context"));
  if (place == nullptr) {
    napi_throw_error(env, nullptr, "the addon keeps no context");
    return nullptr;
  }
  context = *place;
  // Abseil prints notes until it is initialised, whatever TF_CPP_MIN_LOG_LEVEL says; its name carries its release.
  for (const char* release : {"20230125", "20250127", "20250814"}) {
    std::string name = std::string("_ZN4absl12lts_") + release + "14SetMinLogLevelENS0_18LogSeverityAtLeastE";
    if (auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, name.c_str()))) set(1000);
    if (auto set = reinterpret_cast<void (*)(int)>(dlsym(library, name.c_str()))) set(1000);
  }
  return nullptr;
}

struct Joining {
  napi_async_work work;
  napi_deferred deferred;
  std::vector<char> server;
  int code;
  std::string message;
};

// join(serverDef): waits for the others on a thread of its own, so that JavaScript can say so, and stop.
napi_value join(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  void* data;
  size_t length;
  napi_get_typedarray_info(env, arguments.at[0], nullptr, &length, &data, nullptr, nullptr);
  auto bytes = static_cast<char*>(data);
  auto* joining = new Joining{nullptr, nullptr, {bytes, bytes + length}, 0, {}};
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

napi_value start(napi_env env, napi_value exports) {
  struct {
    const char* name;
    napi_callback function;
  } all[] = {{"attach", attach}, {"join", join}, {"barrier", barrier}, {"fail", fail}, {"watch", watch}};
  for (auto& one : all) {
    napi_value function;
    napi_create_function(env, one.name, NAPI_AUTO_LENGTH, one.function, nullptr, &function);
    napi_set_named_property(env, exports, one.name, function);
  }
  return exports;
}

}  // namespace

NAPI_MODULE(vau_rft_cluster, start)

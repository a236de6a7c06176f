// What docs/onnx.md uses of ONNX Runtime's C++ interface, declared as its documentation does: for checking the syntax
// of the example where ONNX Runtime's own headers are not installed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

enum OrtAllocatorType { OrtArenaAllocator = 1 };
enum OrtMemType { OrtMemTypeDefault = 0 };
struct OrtAllocator;
struct OrtMemoryInfo;

namespace Ort {
using AllocatedStringPtr = std::unique_ptr<char, std::function<void(void*)>>;
struct Env { Env(); };
struct SessionOptions { SessionOptions(); };
struct RunOptions { explicit RunOptions(std::nullptr_t); };
struct AllocatorWithDefaultOptions { AllocatorWithDefaultOptions(); operator OrtAllocator*(); };
struct MemoryInfo {
  static MemoryInfo CreateCpu(OrtAllocatorType type, OrtMemType mem_type);
  operator OrtMemoryInfo*();
};
struct ModelMetadata { AllocatedStringPtr LookupCustomMetadataMapAllocated(const char* key, OrtAllocator* allocator) const; };
struct Value {
  Value(const Value&) = delete;
  Value(Value&&) = default;
  template <typename T>
  static Value CreateTensor(const OrtMemoryInfo* info, T* data, size_t count, const int64_t* shape, size_t rank);
  template <typename T>
  const T* GetTensorData() const;
};
struct Session {
  Session(Env& env, const char* model_path, const SessionOptions& options);
  ModelMetadata GetModelMetadata() const;
  std::vector<Value> Run(const RunOptions& options, const char* const* input_names, const Value* inputs, size_t input_count,
                         const char* const* output_names, size_t output_count);
};
}  // namespace Ort

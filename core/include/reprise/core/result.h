#pragma once
// A value or an Error, for the places where failing is normal: records of a file, lines of a config, the search
// for the latest complete checkpoint. Names follow std::expected, which g++ 12 does not have in C++20.

#include <utility>
#include <variant>

#include "reprise/core/error.h"

namespace reprise {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  const T& value() const& { return std::get<0>(state_); }
  T& value() & { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  const Error& error() const { return std::get<1>(state_); }

  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }

  /// Returns the value or throws the error: the only bridge to exceptions.
  T value_or_throw() && {
    if (!has_value()) throw error();
    return std::get<0>(std::move(state_));
  }

 private:
  std::variant<T, Error> state_;
};

}  // namespace reprise

// Reading what an average is made of.

#include "read_file.h"

namespace reprise::checkpoints {

/// Reads a table of rows of `width` values; 0 stands for a plain list.
template <typename Value>
std::vector<Value> FileReader::read_table(const char* name, hid_t type, hid_t memory_type, std::int64_t width) {
  const Handle dataset = open_dataset(name, type);
  const std::vector<std::int64_t> shape = shape_of(dataset, name);
  const bool fits = width == 0 ? shape.size() == 1 : shape.size() == 2 && shape[1] == width;
  if (!fits) corrupt(fmt::format("{} has another shape", name));
  std::vector<Value> values(static_cast<std::size_t>(shape[0]));
  calls_.check(H5Dread(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "read", name);
  return values;
}

void FileReader::read_sources() {
  AverageRecipe recipe;
  const Handle group = open_group("sources");
  recipe.kind = read_text_attribute(group.get(), "kind");
  const auto roots = read_table<Digest>("sources/roots", H5T_STD_U8LE, H5T_NATIVE_UINT8, sizeof(Digest));
  const auto steps = read_table<std::uint64_t>("sources/steps", H5T_STD_U64LE, H5T_NATIVE_UINT64, 0);
  const auto weights = read_table<double>("sources/weights", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 0);
  const auto places = read_table<char>("sources/places", H5T_STD_U8LE, H5T_NATIVE_UINT8, 0);
  if (steps.size() != roots.size() || weights.size() != roots.size()) corrupt("the tables of sources differ in length");
  std::string_view rest(places.data(), places.size());
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) corrupt(fmt::format("source {} has no place", i));
    recipe.sources.push_back({roots[i], steps[i], weights[i], std::string(rest.substr(0, end))});
    rest.remove_prefix(end + 1);
  }
  average_ = std::move(recipe);
}

}  // namespace reprise::checkpoints

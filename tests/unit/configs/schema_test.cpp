#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "reprise/configs/config.h"
#include "reprise/configs/filter_names.h"
#include "reprise/configs/pre_tokenizer_names.h"

namespace reprise::configs {
namespace {

using ::testing::HasSubstr;

TEST(SchemaReference, ShowsTypeDefaultAndCommentOfAField) {
  const std::string page = schema_reference();
  EXPECT_THAT(page, HasSubstr("## TrainRecipe"));
  EXPECT_THAT(page, HasSubstr("| `sequence_length` | uint32 | `256` | Tokens per sequence. |"));
  EXPECT_THAT(page, HasSubstr("| `file` | list of [CorpusFile](#corpusfile) | empty |"));
}

TEST(SchemaReference, BarsDoNotBreakTheTable) { EXPECT_THAT(schema_reference(), HasSubstr("`\"<\\|endoftext\\|>\"`")); }

TEST(SchemaReference, NamesEveryFilterAndEveryPreTokeniser) {
  const std::string page = schema_reference();
  for (const std::string& name : filter_names()) EXPECT_THAT(page, HasSubstr("\"" + name + "\""));
  for (const std::string_view name : kPreTokenizerNames) EXPECT_THAT(page, HasSubstr("\"" + std::string(name) + "\""));
}

void collect(const google::protobuf::Descriptor& type, std::vector<const google::protobuf::Descriptor*>& types) {
  types.push_back(&type);
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->message_type() != nullptr) collect(*type.field(i)->message_type(), types);
  }
}

TEST(SchemaReference, EveryMessageAndEveryFieldHasAComment) {
  const std::string page = schema_reference();
  std::vector<const google::protobuf::Descriptor*> types;
  collect(*RunConfig::descriptor(), types);
  for (const google::protobuf::Descriptor* type : types) {
    const std::size_t start = page.find("\n## " + type->name() + "\n\n");
    ASSERT_NE(start, std::string::npos) << type->name();
    const std::string section = page.substr(start, page.find("\n## ", start + 1) - start);
    EXPECT_NE(section.find("\n\n|"), section.find("\n\n")) << type->name() << " has no comment";
    for (int i = 0; i < type->field_count(); ++i) {
      const std::size_t row = section.find("\n| `" + type->field(i)->name() + "` |");
      ASSERT_NE(row, std::string::npos) << type->field(i)->full_name();
      const std::string line = section.substr(row + 1, section.find('\n', row + 1) - row - 1);
      EXPECT_FALSE(line.ends_with("|  |")) << type->field(i)->full_name() << " has no comment";
    }
  }
}

}  // namespace
}  // namespace reprise::configs

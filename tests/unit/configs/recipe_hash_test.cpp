#include <google/protobuf/dynamic_message.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "config_text.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"

namespace reprise::configs {
namespace {

// Made by tests/unit/configs/recipe_hash.py (Python 3.11, protobuf's own text parser, hashlib) from kGoodConfig.
constexpr char kGoodRecipeHash[] = "b9090a7b36af933b9dc2ca5b2a4c921b517a5e8313ff1f904006aa07194c928e";
// With a group of "*norm.weight", and with its weight_decay: 0.
constexpr char kHashWithoutDecay[] = "9cb5cdaf61c173923f98343c4ff9d6f10b03ca1fd2c6fa2a5ff93c9f781f2266";
constexpr char kHashWithDecayOfZero[] = "31af4e965cc89be1c9b4aee58e30d4f8e4fd485a3b00669d4d748127b224df56";

Recipe good_recipe() { return parse_config(kGoodConfig, "x").recipe(); }

TEST(RecipeHash, KnownAnswer) { EXPECT_EQ(recipe_hash(good_recipe()).hex(), kGoodRecipeHash); }

TEST(RecipeHash, DefaultsWrittenOrLeftOutAreTheSame) {
  const RunConfig config = parse_config(kGoodConfig, "x");
  EXPECT_EQ(recipe_hash(resolve(config).recipe()), recipe_hash(config.recipe()));
  Recipe recipe = good_recipe();
  recipe.mutable_train()->mutable_adamw()->set_beta1(0.9);
  EXPECT_EQ(recipe_hash(recipe), recipe_hash(good_recipe()));
}

TEST(RecipeHash, TellsADecayOfZeroFromNoneInAGroup) {
  Recipe recipe = good_recipe();
  ParameterGroup& group = *recipe.mutable_train()->mutable_adamw()->add_group();
  group.add_tensor("*norm.weight");
  // Hashed as before zero had an entry of its own: recipes that do not say zero keep their hash.
  EXPECT_EQ(recipe_hash(recipe).hex(), kHashWithoutDecay);
  group.set_weight_decay(0);
  EXPECT_EQ(recipe_hash(recipe).hex(), kHashWithDecayOfZero);
  RunConfig config;
  *config.mutable_recipe() = recipe;
  EXPECT_EQ(recipe_hash(resolve(config).recipe()).hex(), kHashWithDecayOfZero);
}

TEST(RecipeHash, TellsATextThatWasChangedBehindItsHash) {
  const Recipe recipe = good_recipe();
  EXPECT_EQ(recipe_hash(parse_hashed_recipe(kGoodConfig, "x", recipe_hash(recipe))), recipe_hash(recipe));
  RunConfig changed = parse_config(kGoodConfig, "x");
  changed.mutable_recipe()->mutable_model()->set_rope_theta(10000);
  try {
    parse_hashed_recipe(to_text(changed), "step-000024.h5: recipe_text", recipe_hash(recipe));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCorrupt);
    EXPECT_NE(std::string(error.what()).find("step-000024.h5: recipe_text is the text of another recipe"),
              std::string::npos)
        << error.what();
  }
}

TEST(RecipeHash, RuntimeAndFieldOrderDoNotMatter) {
  const std::string reordered = "runtime { num_ranks: 3 }\n" + kGoodConfig;
  EXPECT_EQ(recipe_hash(parse_config(reordered, "x").recipe()), recipe_hash(good_recipe()));
}

/// Changes every scalar of the recipe in turn.
void for_each_change(google::protobuf::Message& message, const std::function<void(const std::string&)>& visit) {
  using google::protobuf::FieldDescriptor;
  const google::protobuf::Reflection& r = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (field.is_repeated()) {
      if (field.message_type() == nullptr) {
        if (field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
          r.AddUInt32(&message, &field, 7);
        } else {
          r.AddString(&message, &field, "another");
        }
        visit(field.full_name());
        r.RemoveLast(&message, &field);
      }
      for (int j = 0; field.message_type() != nullptr && j < r.FieldSize(message, &field); ++j) {
        for_each_change(*r.MutableRepeatedMessage(&message, &field, j), visit);
      }
    } else if (field.message_type() != nullptr) {
      const bool was_there = r.HasField(message, &field);
      for_each_change(*r.MutableMessage(&message, &field), visit);
      if (!was_there) r.ClearField(&message, &field);
    } else {
      std::unique_ptr<google::protobuf::Message> before(message.New());
      before->CopyFrom(message);
      switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_UINT32:
          r.SetUInt32(&message, &field, r.GetUInt32(message, &field) + 1);
          break;
        case FieldDescriptor::CPPTYPE_UINT64:
          r.SetUInt64(&message, &field, r.GetUInt64(message, &field) + 1);
          break;
        case FieldDescriptor::CPPTYPE_DOUBLE:
          r.SetDouble(&message, &field, r.GetDouble(message, &field) + 1);
          break;
        case FieldDescriptor::CPPTYPE_BOOL:
          r.SetBool(&message, &field, !r.GetBool(message, &field));
          break;
        default:
          r.SetString(&message, &field, r.GetString(message, &field) + "x");
      }
      visit(field.full_name());
      message.CopyFrom(*before);
    }
  }
}

TEST(RecipeHash, EveryFieldMatters) {
  Recipe recipe = good_recipe();
  std::map<std::string, std::string> seen{{recipe_hash(recipe).hex(), "unchanged"}};
  int changes = 0;
  for_each_change(recipe, [&](const std::string& field) {
    ++changes;
    const auto [where, is_new] = seen.emplace(recipe_hash(recipe).hex(), field);
    EXPECT_TRUE(is_new) << field << " gives the hash of " << where->second;
  });
  EXPECT_GT(changes, 40);
  EXPECT_EQ(recipe_hash(recipe).hex(), kGoodRecipeHash);
}

TEST(RecipeHash, ListsAreNotConfusedWithTheirNeighbours) {
  Recipe a = good_recipe();
  Recipe b = good_recipe();
  a.mutable_data()->mutable_filter(0)->add_kind(std::string("x"));
  b.mutable_data()->mutable_filter(0)->add_language(std::string("x"));
  EXPECT_NE(recipe_hash(a), recipe_hash(b));
}

TEST(MessageHash, NamesItsMessage) {
  EXPECT_NE(message_hash(ModelRecipe()), message_hash(TokenizerRecipe()));
  EXPECT_EQ(message_hash(good_recipe()), recipe_hash(good_recipe()));
}

/// A schema like ours in two versions: the second has a scalar, a list and a message more, marked added_later.
class LaterFields : public ::testing::Test {
 protected:
  LaterFields() : pool_(google::protobuf::DescriptorPool::generated_pool()) {}

  std::unique_ptr<google::protobuf::Message> make(const std::string& file_name, bool with_later_fields) {
    google::protobuf::FileDescriptorProto file;
    file.set_name(file_name);
    file.set_package(file_name);
    google::protobuf::DescriptorProto& extra = *file.add_message_type();
    extra.set_name("Extra");
    add(extra, "depth", 1, google::protobuf::FieldDescriptorProto::TYPE_UINT32, "2");
    google::protobuf::DescriptorProto& type = *file.add_message_type();
    type.set_name("Thing");
    add(type, "size", 1, google::protobuf::FieldDescriptorProto::TYPE_UINT32, "5");
    if (with_later_fields) {
      mark(add(type, "rate", 2, google::protobuf::FieldDescriptorProto::TYPE_DOUBLE, "0.5"));
      mark(add(type, "tag", 3, google::protobuf::FieldDescriptorProto::TYPE_STRING, ""))
          .set_label(google::protobuf::FieldDescriptorProto::LABEL_REPEATED);
      mark(add(type, "extra", 4, google::protobuf::FieldDescriptorProto::TYPE_MESSAGE, ""))
          .set_type_name("." + file_name + ".Extra");
    }
    const google::protobuf::FileDescriptor* built = pool_.BuildFile(file);
    EXPECT_NE(built, nullptr);
    return std::unique_ptr<google::protobuf::Message>(
        factory_.GetPrototype(built->FindMessageTypeByName("Thing"))->New());
  }

 private:
  static google::protobuf::FieldDescriptorProto& add(google::protobuf::DescriptorProto& type, const char* name,
                                                     int number, google::protobuf::FieldDescriptorProto::Type kind,
                                                     const char* default_value) {
    google::protobuf::FieldDescriptorProto& field = *type.add_field();
    field.set_name(name);
    field.set_number(number);
    field.set_type(kind);
    field.set_label(google::protobuf::FieldDescriptorProto::LABEL_OPTIONAL);
    if (*default_value != '\0') field.set_default_value(default_value);
    return field;
  }
  static google::protobuf::FieldDescriptorProto& mark(google::protobuf::FieldDescriptorProto& field) {
    field.mutable_options()->SetExtension(added_later, true);
    return field;
  }

  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_{&pool_};
};

/// Hash as it is, but as if both versions had the same full name.
TEST_F(LaterFields, DoNotChangeOlderHashes) {
  const auto message = make("later", true);
  const auto& r = *message->GetReflection();
  const auto* type = message->GetDescriptor();
  // The canonical encoding of the schema without the later fields.
  const Digest old_hash = CanonicalHasher("later.Thing.v1").u64("size", 5).finish();
  EXPECT_EQ(message_hash(*message), old_hash);
  r.SetDouble(message.get(), type->FindFieldByName("rate"), 0.5);
  EXPECT_EQ(message_hash(*message), old_hash);
}

TEST_F(LaterFields, EnterTheHashWhereTheySaySomething) {
  const auto message = make("later", true);
  const auto& r = *message->GetReflection();
  const auto* type = message->GetDescriptor();
  r.SetDouble(message.get(), type->FindFieldByName("rate"), 0.25);
  EXPECT_EQ(message_hash(*message), CanonicalHasher("later.Thing.v1").u64("size", 5).f64("rate", 0.25).finish());
  r.ClearField(message.get(), type->FindFieldByName("rate"));
  r.AddString(message.get(), type->FindFieldByName("tag"), "x");
  EXPECT_EQ(message_hash(*message),
            CanonicalHasher("later.Thing.v1").u64("size", 5).u64("tag", 1).string("tag[0]", "x").finish());
  r.ClearField(message.get(), type->FindFieldByName("tag"));
  r.MutableMessage(message.get(), type->FindFieldByName("extra"));
  EXPECT_EQ(message_hash(*message),
            CanonicalHasher("later.Thing.v1").u64("size", 5).boolean("extra", true).u64("extra.depth", 2).finish());
}

TEST(RecipeHash, AgreesWithAnIndependentProgram) {
  const char* python = std::getenv("REPRISE_PEERS_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "REPRISE_PEERS_PYTHON is not set";
  const std::string source = REPRISE_SOURCE_DIR;
  const std::string config = source + "/configs/runs/tiny.pbtxt";
  const std::string command = std::string(python) + " " + source + "/tests/unit/configs/recipe_hash.py " + source +
                              "/configs/proto/config.proto " + config;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::array<char, 256> buffer{};
  const std::string printed = std::fgets(buffer.data(), buffer.size(), pipe) != nullptr ? buffer.data() : "";
  ASSERT_EQ(::pclose(pipe), 0);
  EXPECT_EQ(printed.substr(0, 64), recipe_hash(load_config(config).recipe()).hex());
}

}  // namespace
}  // namespace reprise::configs

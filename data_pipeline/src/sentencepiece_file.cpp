// The wire format of a .model file: fields of ModelProto that change ids or text (sentencepiece_model.proto).

#include <fmt/core.h>

#include <cstring>
#include <functional>

#include "reprise/core/error.h"
#include "sentencepiece_parts.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

/// One field: a number, or bytes.
struct Field {
  std::uint32_t number = 0;
  std::uint64_t value = 0;
  std::string_view bytes;
};

class WireReader {
 public:
  WireReader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kData, fmt::format("tokenizer {}: not a SentencePiece model: {}", name_, what),
                "give the .model file of a SentencePiece tokenizer; it may be cut short");
  }

  /// Calls visit for every field of `bytes`.
  void read(const std::function<void(const Field&)>& visit) {
    while (position_ < bytes_.size()) {
      const std::uint64_t tag = variable();
      Field field;
      field.number = static_cast<std::uint32_t>(tag >> 3);
      switch (tag & 7) {
        case 0:
          field.value = variable();
          break;
        case 1:
          field.bytes = take(8);
          break;
        case 2:
          field.bytes = take(variable());
          break;
        case 5:
          field.bytes = take(4);
          break;
        default:
          fail(fmt::format("field {} has wire type {} at byte {} of its message", field.number, tag & 7, position_));
      }
      visit(field);
    }
  }

 private:
  std::uint64_t variable() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (position_ == bytes_.size()) fail("a number is cut short");
      const auto byte = static_cast<std::uint8_t>(bytes_[position_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail(fmt::format("a number is too long at byte {} of its message", position_));
  }

  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size() - position_)
      fail(fmt::format("{} bytes are promised, {} are there", size, bytes_.size() - position_));
    position_ += size;
    return bytes_.substr(position_ - size, size);
  }

  std::string_view bytes_;
  const std::string& name_;
  std::size_t position_ = 0;
};

ScoredPiece read_piece(std::string_view bytes, const std::string& name) {
  ScoredPiece piece;
  WireReader reader(bytes, name);
  reader.read([&](const Field& field) {
    if (field.number == 1) piece.text = field.bytes;
    if (field.number == 2 && field.bytes.size() == 4) std::memcpy(&piece.score, field.bytes.data(), 4);
    if (field.number == 3) {
      if (field.value < 1 || field.value > 6) reader.fail(fmt::format("a piece has type {}", field.value));
      piece.type = static_cast<PieceType>(field.value);
    }
  });
  std::string storage;
  if (piece.text.empty()) reader.fail("a piece is empty");
  if (well_formed_utf8(piece.text, storage).data() != piece.text.data()) reader.fail("a piece is not UTF-8");
  return piece;
}

void read_trainer(std::string_view bytes, const std::string& name, SentencePieceParts& parts) {
  WireReader reader(bytes, name);
  reader.read([&](const Field& field) {
    if (field.number == 3) {
      if (field.value != 1 && field.value != 2) {
        reader.fail(fmt::format("model type {} is not supported, unigram (1) and BPE (2) are", field.value));
      }
      parts.is_bpe = field.value == 2;
    }
    if (field.number == 24) parts.space_is_suffix = field.value != 0;
    if (field.number == 35) parts.byte_fallback = field.value != 0;
    if (field.number == 44) parts.unknown_surface = field.bytes;
  });
}

void read_normaliser(std::string_view bytes, const std::string& name, SentencePieceParts& parts) {
  WireReader(bytes, name).read([&](const Field& field) {
    if (field.number == 2) parts.character_map = field.bytes;
    if (field.number == 3) parts.add_dummy_prefix = field.value != 0;
    if (field.number == 4) parts.remove_extra_spaces = field.value != 0;
    if (field.number == 5) parts.escape_spaces = field.value != 0;
  });
}

/// A denormaliser that changes text is not supported; no published model has one.
void check_denormaliser(std::string_view bytes, const std::string& name) {
  WireReader reader(bytes, name);
  reader.read([&](const Field& field) {
    if (field.number == 2 && !field.bytes.empty()) reader.fail("a denormaliser is not supported");
  });
}

}  // namespace

SentencePieceParts read_sentencepiece(std::string_view file, const std::string& name) {
  SentencePieceParts parts;
  WireReader reader(file, name);
  reader.read([&](const Field& field) {
    if (field.number == 1) parts.pieces.push_back(read_piece(field.bytes, name));
    if (field.number == 2) read_trainer(field.bytes, name, parts);
    if (field.number == 3) read_normaliser(field.bytes, name, parts);
    if (field.number == 5) check_denormaliser(field.bytes, name);
  });
  std::size_t num_unknown = 0;
  std::size_t num_bytes = 0;
  for (const ScoredPiece& piece : parts.pieces) {
    num_unknown += piece.type == PieceType::kUnknown;
    num_bytes += piece.type == PieceType::kByte;
  }
  if (num_unknown != 1) reader.fail(fmt::format("{} pieces are the unknown one", num_unknown));
  if (parts.byte_fallback && num_bytes != 256) reader.fail(fmt::format("{} pieces are bytes, not 256", num_bytes));
  return parts;
}

}  // namespace reprise::data

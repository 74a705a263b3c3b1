"""Prints the recipe hash of a config, computed without Reprise's code.

    recipe_hash.py configs/proto/config.proto configs/runs/tiny.pbtxt

Parses with protobuf's own text parser and follows docs/formats/canonical_encoding.md. Needs protoc and the Python
package protobuf.
"""
import hashlib
import os
import struct
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format


def load_schema(proto):
    """Returns the message class reprise.configs.RunConfig."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "schema.desc")
        subprocess.run(["protoc", "-I" + os.path.dirname(proto), "-I/usr/include", "--include_imports",
                        "--descriptor_set_out=" + target, os.path.basename(proto)], check=True)
        with open(target, "rb") as file:
            files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for one in files.file:
        pool.Add(one)
    message = pool.FindMessageTypeByName("reprise.configs.RunConfig")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(message)
    return message_factory.MessageFactory(pool).GetPrototype(message)  # protobuf before 4.22


class Hasher:
    def __init__(self, domain):
        self.sha = hashlib.sha256(struct.pack("<Q", len(domain)) + domain.encode())

    def field(self, tag, name, payload):
        encoded = name.encode()
        self.sha.update(tag + struct.pack("<I", len(encoded)) + encoded + payload)

    def scalar(self, kind, name, value):
        if kind in ("uint32", "uint64"):
            self.field(b"u", name, struct.pack("<Q", value))
        elif kind == "double":
            self.field(b"d", name, struct.pack("<d", value))
        elif kind == "bool":
            self.field(b"b", name, struct.pack("<Q", int(value)))
        else:
            encoded = value.encode()
            self.field(b"s", name, struct.pack("<Q", len(encoded)) + encoded)


KINDS = {13: "uint32", 4: "uint64", 1: "double", 8: "bool", 9: "string"}


ADDED_LATER, ZERO_IS_A_VALUE = 50001, 50002


def has_option(field, number):
    """An option (a varint of 1) as bytes: the option's own type is not needed."""
    key = number << 3
    encoded = bytes([key & 0x7F | 0x80, key >> 7 & 0x7F | 0x80, key >> 14, 1])
    return encoded in field.GetOptions().SerializeToString()


def says_nothing_new(message, field, value):
    if field.label == field.LABEL_REPEATED:
        return len(value) == 0
    if field.message_type is not None:
        return not message.HasField(field.name)
    return value == field.default_value


def hash_message(hasher, message, prefix):
    for field in sorted(message.DESCRIPTOR.fields, key=lambda f: f.number):
        value = getattr(message, field.name)
        repeated = field.label == field.LABEL_REPEATED
        name = prefix + field.name
        later = has_option(field, ADDED_LATER)
        if later and says_nothing_new(message, field, value):
            continue
        if later and not repeated and field.message_type is not None:
            hasher.scalar("bool", name, True)
        if has_option(field, ZERO_IS_A_VALUE) and message.HasField(field.name) and value == 0:
            hasher.scalar("bool", name, True)
        if repeated:
            hasher.scalar("uint64", name, len(value))
        for i, one in enumerate(value if repeated else [value]):
            element = "%s[%d]" % (name, i) if repeated else name
            if field.message_type is not None:
                hash_message(hasher, one, element + ".")
            else:
                hasher.scalar(KINDS[field.type], element, one)


def main():
    config = load_schema(sys.argv[1])()
    with open(sys.argv[2]) as file:
        text_format.Parse(file.read(), config)
    hasher = Hasher("reprise.configs.Recipe.v1")
    hash_message(hasher, config.recipe, "")
    print(hasher.sha.hexdigest())


main()

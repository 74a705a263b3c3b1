# Writes a descriptor set as a C++ array: cmake -DINPUT=config.desc -DOUTPUT=schema_bytes.cpp -P embed_schema.cmake
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n"
       bytes "${bytes}")
file(WRITE ${OUTPUT} "// made from the schema at build time\n#include <cstddef>\n"
     "namespace reprise::configs {\nextern const unsigned char kSchemaBytes[];\nextern const std::size_t kSchemaSize;\n"
     "const unsigned char kSchemaBytes[] = {\n${bytes}};\n"
     "const std::size_t kSchemaSize = sizeof kSchemaBytes;\n}  // namespace reprise::configs\n")

// The functions of the GPU's driver that say which GPU it is.

#include <cstdio>

extern "C" {

int cuInit(unsigned) { return 0; }

int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal + 10;  // a handle is not an ordinal
  return ordinal < 2 ? 0 : 101;
}

int cuDeviceGetName(char* name, int size, int device) {
  std::snprintf(name, static_cast<std::size_t>(size), "Double %d", device - 10);
  return 0;
}

int cuDeviceGetAttribute(int* value, int attribute, int device) {
  if (attribute != 16) return 1;  // multiprocessors
  *value = device;
  return 0;
}
}

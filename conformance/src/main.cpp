#include "program.h"

int main(int argc, char** argv) {
  using namespace reprise::conformance;
  return run_program(argc, argv, usual_device(), device_of_name, native_device_of_name);
}

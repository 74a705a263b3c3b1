#!/usr/bin/env python3
"""check_objects.py must report each violation that is made here, in real machine code where it looks at code."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_objects  # noqa: E402

COMPILER = os.environ.get("CXX", "c++")
SOURCE = pathlib.PurePath("/project")


def commands(options, file="/project/numerics/kernels/src/gemm.cpp"):
    return [{"file": file, "command": f"c++ {options} -o x.o -c {file}", "directory": "/build"}]


def violations_of_code(text, *options):
    """Compiles `text` and looks at the object."""
    with tempfile.TemporaryDirectory() as folder:
        source, compiled = pathlib.Path(folder) / "planted.cpp", pathlib.Path(folder) / "planted.o"
        source.write_text(text, encoding="utf-8")
        subprocess.run([COMPILER, "-O2", *options, "-c", str(source), "-o", str(compiled)], check=True)
        return check_objects.code_violations("planted.o", check_objects.disassemble(compiled))


class Options(unittest.TestCase):
    def test_contraction_off_at_the_end_is_accepted(self):
        self.assertEqual(check_objects.option_violations(commands("-ffp-contract=fast -O3 -ffp-contract=off"), SOURCE), [])

    def test_a_later_contraction_is_reported(self):
        self.assertTrue(check_objects.option_violations(commands("-ffp-contract=off -ffp-contract=fast"), SOURCE))

    def test_missing_contraction_is_reported(self):
        self.assertTrue(check_objects.option_violations(commands("-O3"), SOURCE))

    def test_every_value_changing_option_is_reported(self):
        for option in ("-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-fassociative-math", "-freciprocal-math",
                       "-mfpmath=387", "-mfpmath=sse+387", "-ffp-model=fast", "-mrecip", "-fopenmp", "-ffinite-math-only"):
            found = check_objects.option_violations(commands(f"-ffp-contract=off {option}"), SOURCE)
            self.assertEqual(len(found), 1, option)

    def test_sources_elsewhere_are_left_alone(self):
        both = commands("-ffast-math", "/project/eval/src/tasks.cpp") + commands("-ffp-contract=off")
        self.assertEqual(check_objects.option_violations(both, SOURCE), [])

    def test_a_build_without_the_numeric_path_is_reported(self):
        self.assertTrue(check_objects.option_violations(commands("-O3", "/project/eval/src/tasks.cpp"), SOURCE))


class Sources(unittest.TestCase):
    def test_every_unordered_sum_is_reported(self):
        for line in ("#pragma omp parallel for reduction(+ : sum)", "std::atomic<float> sum;", "std::atomic_ref<double> sum(x);",
                     "return std::reduce(x.begin(), x.end());", "std::transform_reduce(a, b, c, 0.0f);",
                     "std::for_each(std::execution::par, a, b, f);", "#pragma STDC FP_CONTRACT ON",
                     '#pragma GCC optimize("fast-math")'):
            self.assertEqual(len(check_objects.source_violations("a.cpp", f"int x;\n{line}\n")), 1, line)

    def test_comments_and_integers_are_left_alone(self):
        text = "// std::atomic<float> would add in any order\n/* std::reduce\n */\nstd::atomic<std::int64_t> count;\n"
        self.assertEqual(check_objects.source_violations("a.cpp", text), [])


class Code(unittest.TestCase):
    def test_separate_multiplication_and_addition_are_accepted(self):
        self.assertEqual(violations_of_code("float f(float a, float b, float c) { return a * b + c; }", "-ffp-contract=off"), [])

    def test_a_contracted_product_is_reported(self):
        found = violations_of_code("float f(float a, float b, float c) { return a * b + c; }", "-mfma", "-ffp-contract=fast")
        self.assertIn("outside the AVX2 and AVX-512 kernels", found[0])

    def test_a_fused_instruction_in_the_portable_variant_is_reported(self):
        text = "namespace N_SCALAR { float f(float a, float b, float c) { return __builtin_fmaf(a, b, c); } }"
        self.assertTrue(violations_of_code(text, "-mfma", "-ffp-contract=off"))

    def test_a_fused_instruction_in_a_variant_that_has_one_is_accepted(self):
        text = "namespace N_AVX2 { float f(float a, float b, float c) { return __builtin_fmaf(a, b, c); } }"
        self.assertEqual(violations_of_code(text, "-mfma", "-ffp-contract=off"), [])

    def test_an_approximate_reciprocal_is_reported(self):
        text = "#include <immintrin.h>\n__m128 f(__m128 x) { return _mm_rcp_ps(x); }\n__m128 g(__m128 x) { return _mm_rsqrt_ps(x); }"
        self.assertEqual(len(violations_of_code(text)), 2)

    def test_an_approximate_reciprocal_of_avx512_is_reported(self):
        text = "#include <immintrin.h>\n__m512 f(__m512 x) { return _mm512_rsqrt14_ps(_mm512_rcp14_ps(x)); }"
        self.assertEqual(len(violations_of_code(text, "-mavx512f")), 2)

    def test_x87_is_reported(self):
        self.assertTrue(violations_of_code("long double f(long double a, long double b) { return a * b; }"))

    def test_an_empty_object_is_reported(self):
        self.assertTrue(violations_of_code("extern int nothing;"))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Tests of issue_table.py with machine code written by hand, in nvdisasm's form."""
import sys
import unittest

sys.dont_write_bytecode = True
import issue_table


def kernel(*lines):
    text = ["\t.section\t.text.k,\"ax\",@progbits"]
    for place, line in enumerate(lines):
        text.append(line if line.endswith(":") else f"        /*{16 * place:04x}*/   {line} ;")
    return issue_table.kernels_of("\n".join(text))["k"]


def reads(*lines):
    return list(issue_table.registers_read(kernel(*lines).instructions))


class RegistersRead(unittest.TestCase):
    def test_are_counted_by_bank_even_before_odd(self):
        self.assertEqual(reads("FFMA R0, R2, R4, R1", "FADD R5, R7, -R9"), [(2, 1), (0, 2)])

    def test_leave_out_constants_zero_and_what_is_read_twice(self):
        self.assertEqual(reads("FFMA R0, R2, c[0x0][0x28], RZ", "FFMA R0, R6, R6, R6", "FMUL R0, R3, 2"),
                         [(1, 0), (1, 0), (0, 1)])

    def test_leave_out_a_register_kept_for_the_same_operand(self):
        self.assertEqual(reads("FFMA R0, R2.reuse, R4, R1", "FFMA R6, R2, R8, R3", "FFMA R6, R2, R8, R3"),
                         [(2, 1), (1, 1), (2, 1)])

    def test_find_nothing_kept_for_another_operand(self):
        self.assertEqual(reads("FFMA R1, R2.reuse, R3, R5", "FFMA R1, R3, R2, R5"), [(1, 2), (1, 2)])

    def test_find_one_register_of_each_bank_kept(self):
        self.assertEqual(reads("FFMA R0, R2.reuse, R4, R6", "FFMA R1, R3.reuse, R4, R6", "FFMA R0, R2, R4, R6",
                               "FFMA R1, R3, R4, R6"), [(3, 0), (2, 1), (2, 0), (2, 0)])

    def test_are_none_of_other_instructions(self):
        self.assertEqual(reads("LDS.128 R4, [R2+0x10]", "IADD3 R2, R4, R6, RZ"), [(0, 0), (0, 0)])


class Cycles(unittest.TestCase):
    def test_are_one_for_an_instruction_that_reads_one_register_of_each_bank(self):
        self.assertEqual(issue_table.cycles([(1, 1)] * 100), 100)

    def test_are_one_where_two_of_a_bank_alternate(self):
        self.assertEqual(issue_table.cycles([(2, 0), (0, 2)] * 50), 100)

    def test_are_as_many_as_one_bank_has_to_give_but_for_the_last_reads(self):
        self.assertEqual(issue_table.cycles([(2, 0)] * 100), 198)
        self.assertEqual(issue_table.cycles([(0, 3)] * 100), 298)

    def test_of_instructions_that_read_nothing_let_others_catch_up(self):
        self.assertEqual(issue_table.cycles([(2, 0), (0, 0)] * 50), 100)


class Turns(unittest.TestCase):
    def turn(self, *lines):
        code = kernel(*lines)
        blocks = code.blocks()
        heart = next(first for first, behind in blocks.items()
                     if issue_table.count(code.instructions[first:behind], "FFMA"))
        found = code.turn(heart, blocks)
        return found and [instruction.name for instruction in found]

    def test_of_a_loop_of_its_own_is_its_block(self):
        self.assertEqual(self.turn("MOV R0, R1", ".L_x_0:", "FFMA R0, R2, R4, R1", "@P0 BRA `(.L_x_0)", "EXIT"),
                         ["FFMA", "BRA"])

    def test_goes_by_the_copies_and_not_by_those_at_an_edge_nor_by_a_segments_end(self):
        self.assertEqual(self.turn(".L_x_0:", "@P1 BRA `(.L_x_2)",
                                   "@P2 BRA `(.L_x_1)", "LDGSTS.E [R4], [R6]", "LDGSTS.E [R4], [R6]", "BRA `(.L_x_2)",
                                   ".L_x_1:", "@P3 LDGSTS.E [R4], [R6]", "@P3 LDGSTS.E [R4], [R6]", "@P3 LDGSTS.E [R4], [R6]",
                                   ".L_x_2:", "FFMA R0, R2, R4, R1", "@P0 BRA `(.L_x_0)", "STG.E [R2], R0", "BRA `(.L_x_0)"),
                         ["FFMA", "BRA", "BRA", "BRA", "LDGSTS", "LDGSTS", "BRA"])

    def test_of_code_that_does_not_come_back_is_none(self):
        self.assertIsNone(self.turn("FFMA R0, R2, R4, R1", "EXIT"))


if __name__ == "__main__":
    unittest.main()

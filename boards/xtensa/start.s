# SPDX-License-Identifier: Apache-2.0
# The entry: one windowed call, from which nothing returns.
	.section .literal,"ax",@progbits
	.p2align 2
.Lrun:	.long run
	.text
	.global _start
	.p2align 2
_start:
	l32r a5, .Lrun
	callx4 a5
	ill

# SPDX-License-Identifier: Apache-2.0
# What windowed registers ask for: all frames' registers on the stack, and jumps out of frames.
# Where a frame's registers go is the window overflow handlers' convention (Xtensa ISA reference
# manual, "Windowed Procedure-Call Protocol"): a0-a3 to 16 bytes below its callee's stack pointer,
# a4-a7 to 32 bytes below its caller's. All compiled code calls with call8.

# void *spill_windows(int depth): depth 7 is for 64 registers. Gives the lowest address it wrote to.
	.text
	.global spill_windows
	.p2align 2
spill_windows:
.Lspill: # A local name: the linker does not know windowed calls.
	entry a1, 32
	beqz a2, .Ldeep_enough
	addi a10, a2, -1
	call8 .Lspill
.Ldeep_enough:
	addi a2, a1, -16
	retw

# int setjmp(jmp_buf): keeps the caller's a0-a7, then its own a0 and a1.
	.global setjmp
	.p2align 2
setjmp:
	entry a1, 32
	s32i a0, a2, 32
	s32i a1, a2, 36
	movi a10, 7
	call8 .Lspill
	addi a3, a1, -16
	l32i a4, a3, 0
	l32i a5, a3, 4
	l32i a6, a3, 8
	l32i a7, a3, 12
	s32i a4, a2, 0
	s32i a5, a2, 4
	s32i a6, a2, 8
	s32i a7, a2, 12
	addi a3, a5, -12
	l32i a3, a3, 0 # The stack pointer of the caller's caller.
	addi a3, a3, -32
	l32i a4, a3, 0
	l32i a5, a3, 4
	l32i a6, a3, 8
	l32i a7, a3, 12
	s32i a4, a2, 16
	s32i a5, a2, 20
	s32i a6, a2, 24
	s32i a7, a2, 28
	movi a2, 0
	retw

# void longjmp(jmp_buf, int): as no other window is live, returning fetches what is put there.
	.global longjmp
	.p2align 2
longjmp:
	entry a1, 32
	movi a10, 7
	call8 .Lspill
	l32i a0, a2, 32
	l32i a1, a2, 36
	addi a8, a1, -16
	l32i a4, a2, 0
	l32i a5, a2, 4
	l32i a6, a2, 8
	l32i a7, a2, 12
	s32i a4, a8, 0
	s32i a5, a8, 4
	s32i a6, a8, 8
	s32i a7, a8, 12
	addi a8, a5, -12
	l32i a8, a8, 0
	addi a8, a8, -32
	l32i a4, a2, 16
	l32i a5, a2, 20
	l32i a6, a2, 24
	l32i a7, a2, 28
	s32i a4, a8, 0
	s32i a5, a8, 4
	s32i a6, a8, 8
	s32i a7, a8, 12
	mov a2, a3
	retw

# Where a signal's handler returns to.
	.global linux_return_from_signal
	.type linux_return_from_signal, @function
	.p2align 2
linux_return_from_signal:
	movi a2, 225
	syscall
	.size linux_return_from_signal, . - linux_return_from_signal

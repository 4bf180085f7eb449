#!/usr/bin/env python3
"""The stubs of one library that is opened at the first call; see lazy.h.

    lazy_stubs.py CPU LIBRARY FUNCTIONS OUT.S OUT.c      FUNCTIONS: a file with a name a line; CC is heeded

A stub jumps to the address in its place of the table. While that is empty it keeps every register that may hold an
argument (also of a variadic function), has the library loaded, and begins anew. The table has pages of its own,
because it is made read-only once it is full; 16 KiB and 64 KiB pages are thought of.
"""
import os
import re
import shlex
import subprocess
import sys

PAGE = 65536

X86_64_STUB = """
	.globl {name}
	.hidden {name}
	.type {name}, @function
{name}:
	endbr64
	movq {id}_table+{offset}(%rip), %r11
	testq %r11, %r11
	je 1f
	jmp *%r11
1:	call {id}_fill
	jmp *{id}_table+{offset}(%rip)
	.size {name}, .-{name}
"""

# At its start the stack is a multiple of 16: two return addresses are on it.
X86_64_FILL = """
	.type {id}_fill, @function
{id}_fill:
	endbr64
	pushq %rbp
	movq %rsp, %rbp
	andq $-16, %rsp
	pushq %rax
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %r8
	pushq %r9
	pushq %r10
	subq $128, %rsp
	movdqu %xmm0, (%rsp)
	movdqu %xmm1, 16(%rsp)
	movdqu %xmm2, 32(%rsp)
	movdqu %xmm3, 48(%rsp)
	movdqu %xmm4, 64(%rsp)
	movdqu %xmm5, 80(%rsp)
	movdqu %xmm6, 96(%rsp)
	movdqu %xmm7, 112(%rsp)
	leaq {id}_library(%rip), %rdi
	call lazy_load
	movdqu (%rsp), %xmm0
	movdqu 16(%rsp), %xmm1
	movdqu 32(%rsp), %xmm2
	movdqu 48(%rsp), %xmm3
	movdqu 64(%rsp), %xmm4
	movdqu 80(%rsp), %xmm5
	movdqu 96(%rsp), %xmm6
	movdqu 112(%rsp), %xmm7
	addq $128, %rsp
	popq %r10
	popq %r9
	popq %r8
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
	popq %rax
	leave
	ret
	.size {id}_fill, .-{id}_fill
"""

AARCH64_STUB = """
	.globl {name}
	.hidden {name}
	.type {name}, %function
{name}:
	hint #34
	adrp x16, {id}_table+{offset}
	ldr x16, [x16, #:lo12:{id}_table+{offset}]
	cbz x16, 1f
	br x16
1:	stp x29, x30, [sp, #-16]!
	bl {id}_fill
	ldp x29, x30, [sp], #16
	b {name}
	.size {name}, .-{name}
"""

AARCH64_FILL = """
	.type {id}_fill, %function
{id}_fill:
	stp x29, x30, [sp, #-224]!
	mov x29, sp
	stp x0, x1, [sp, #16]
	stp x2, x3, [sp, #32]
	stp x4, x5, [sp, #48]
	stp x6, x7, [sp, #64]
	str x8, [sp, #80]
	stp q0, q1, [sp, #96]
	stp q2, q3, [sp, #128]
	stp q4, q5, [sp, #160]
	stp q6, q7, [sp, #192]
	adrp x0, {id}_library
	add x0, x0, #:lo12:{id}_library
	bl lazy_load
	ldp q6, q7, [sp, #192]
	ldp q4, q5, [sp, #160]
	ldp q2, q3, [sp, #128]
	ldp q0, q1, [sp, #96]
	ldr x8, [sp, #80]
	ldp x6, x7, [sp, #64]
	ldp x4, x5, [sp, #48]
	ldp x2, x3, [sp, #32]
	ldp x0, x1, [sp, #16]
	ldp x29, x30, [sp], #224
	ret
	.size {id}_fill, .-{id}_fill
"""

X86_64_NOTE = """
	.section .note.gnu.property, "a"
	.balign 8
	.long 4, 16, 5
	.asciz "GNU"
	.long 0xc0000002, 4, 3, 0
"""

C = """/* Made by base/lazy_stubs.py. */
#include "base/lazy.h"

static const char *const names[] = {{ {names} }};
extern void *{id}_table[] __attribute__((visibility("hidden")));
static pthread_once_t once = PTHREAD_ONCE_INIT;
extern const struct lazy_library {id}_library;
const struct lazy_library {id}_library __attribute__((visibility("hidden"))) = {{
	.once = &once, .file = "{file}", .names = names, .table = {id}_table, .n = {n},
}};
"""


def assembler(cpu, name, functions):
    stub, fill = (X86_64_STUB, X86_64_FILL) if cpu == "x86_64" else (AARCH64_STUB, AARCH64_FILL)
    size = -(-8 * len(functions) // PAGE) * PAGE
    lines = ["/* Made by base/lazy_stubs.py. */", "\t.text", fill.format(id=name)]
    lines += [stub.format(id=name, name=f, offset=8 * i) for i, f in enumerate(functions)]
    lines += [f"\t.hidden {name}_library", f"\t.hidden {name}_table", "\t.bss", f"\t.balign {PAGE}",
              f"\t.globl {name}_table", f"{name}_table:", f"\t.zero {size}"]
    if cpu == "x86_64":
        lines.append(X86_64_NOTE)
    lines.append('\t.section .note.GNU-stack,"",%progbits\n')
    return "\n".join(lines)


def soname(library):
    """What the linker would have written down for -lLIBRARY."""
    cc = shlex.split(os.environ.get("CC", "cc"))
    path = subprocess.run([*cc, f"-print-file-name=lib{library}.so"], capture_output=True, text=True, check=True)
    dynamic = subprocess.run(["readelf", "-dW", path.stdout.strip()], capture_output=True, text=True, check=True)
    return re.search(r"SONAME.*\[(.+)\]", dynamic.stdout).group(1)


def main():
    cpu, name, functions, out_s, out_c = sys.argv[1:]
    with open(functions, encoding="ascii") as f:
        functions = f.read().split()
    with open(out_s, "w", encoding="ascii") as f:
        f.write(assembler(cpu, name, functions))
    with open(out_c, "w", encoding="ascii") as f:
        f.write(C.format(id=name, names=", ".join(f'"{x}"' for x in functions), file=soname(name), n=len(functions)))


main()

# Multiboot ELF32: a kernel that a Multiboot 1 loader loads by its program headers.

.section .multiboot, "a"
    .balign 4
    .long 0x1BADB002, 3, -(0x1BADB002 + 3)

.set SECTIONS, 7
.include "multiboot.inc"

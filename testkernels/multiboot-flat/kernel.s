# Multiboot flat: no ELF at all. The header says where the file goes, and stands behind something that is loaded before it.

.section .multiboot, "a"
    .ascii "what comes before the header is loaded, too"
    .balign 64
header:
    .long 0x1BADB002, 0x10003, -(0x1BADB002 + 0x10003)
    .long header, load_start, load_end, image_end, multiboot_entry

.set SECTIONS, 0
.include "multiboot.inc"

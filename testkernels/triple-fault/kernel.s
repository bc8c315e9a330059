# ELF32: a deliberate crash: an exception that cannot be delivered, whose #DF cannot be delivered either.

.include "kernel.inc"

.section .data
no_table:
    .word 0
    .long 0
.section .text
code32
main:
    println "the interrupt table is empty; now UD2: #UD, then #GP, then #DF, then the end"
    lidt [no_table]
    ud2
    println "FAIL the processor went on"
    finish

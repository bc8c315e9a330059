# ELF32: two-level paging with 4 KiB and 4 MiB pages.

.include "kernel.inc"
.set PAE, 0
.macro extra_cases
    println "4 MiB pages"
    mov dword ptr [LARGE_ENTRY], 0x400000 + P + W + PS + (1 << 21)
    invlpg [LARGE]
    faults "address bits that must be 0", V_PF, 9, mov eax, [LARGE]
    mov dword ptr [0x00800000], 0x13572468
    mov dword ptr [LARGE_ENTRY], 0x00800000 + P + W + PS
    invlpg [LARGE]
    check "another frame", [LARGE], 0x13572468
    check "its end", [LARGE+0x3FFFFC], [0x00BFFFFC]
.endm
.include "paging32.inc"

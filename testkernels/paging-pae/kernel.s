# ELF32: three-level paging (PAE) with 4 KiB and 2 MiB pages and no-execute pages.

.include "kernel.inc"
.set PAE, 1
.macro extra_cases
    println "no execution"
    page P+W+U, 0x80000000
    kernel_reads "bit 63 without NXE: kernel read", 9
    user_writes "user write", 0xF
    mov ecx, EFER
    rdmsr
    or eax, 0x800
    wrmsr
    page P+W+U, 0x80000000
    kernel_reads "with NXE: kernel read", NOCODE
    kernel_runs "kernel fetch", 0x11
    user_runs "user fetch", 0x15
    pte 0
    kernel_runs "fetch from an absent page", 0x10
    user_runs "user fetch from an absent page", 0x14

    println "reserved bits"
    page P+W+U, 0x80000
    kernel_reads "address bit 51: kernel read", 9
    user_reads "user read", 0xD
    mov dword ptr [LARGE_ENTRY], 0x400000 + P + W + PS + (1 << 20)
    invlpg [LARGE]
    faults "2 MiB page, address bit 20", V_PF, 9, mov eax, [LARGE]
    mov dword ptr [LARGE_ENTRY], 0x400000 + P + W + PS
    # The four pointers are read when CR3 is loaded, and checked then.
    mov eax, cr3
    mov dword ptr [pdpt + 24], OFFSET directory + 0x3000 + P + W
    faults "MOV CR3, reserved bit in a pointer", V_GP, 0, mov cr3, eax
    mov dword ptr [pdpt + 24], 0
    passes "MOV CR3, a pointer absent", mov cr3, eax
    faults "the address space it covered", V_PF, 0, mov ecx, [0xC0000000]
    mov dword ptr [pdpt + 24], OFFSET directory + 0x3000 + P
    mov cr3, eax
    passes "present again after loading CR3", mov ecx, [0xC0000000]
.endm
.include "paging32.inc"

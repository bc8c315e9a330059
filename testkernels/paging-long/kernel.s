# ELF64: 4-level paging. Every bit of the page-fault error code, in each combination of page permissions, access and
# privilege that can raise it; CR0.WP, EFER.NXE, CR4.SMEP, SMAP, PGE and PCIDE; accessed and dirty bits; CR2.
#
#   error code   bit 4      3       2       1        0
#                fetch   reserved  user   write   present

.set IDENTITY_FLAGS, 0x83                       # the kernel itself is supervisor memory
.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"

.set P, 1
.set W, 2
.set U, 4
.set A, 0x20
.set D, 0x40
.set G, 0x100
.set PAGE, WINDOW + 0x5000                      # the page under test
.set USER_CODE, WINDOW + 0x100000               # where ring 3 sees user_code
.set LARGE, WINDOW + 0x200000                   # a 2 MiB page

.section .bss
    .balign 4096
frame_a:        .space 4096
frame_b:        .space 4096
ldt_frame:      .space 4096
pdpt_extra:     .space 4096

.section .text
code64
    .balign 4096, 0x90
user_code:
user_read:
    mov eax, [rdi]
    int3
user_read_end:
user_write:
    mov [rdi], eax
    int3
user_write_end:
user_jump:
    jmp rdi
user_load_fs:
    mov fs, edi
    int3
user_load_fs_end:
    .balign 4096, 0x90

# pte VALUE: the entry of PAGE, with its translation forgotten. High bits in HIGH.
.macro pte value, high=0
    mov dword ptr [window_table + 5 * 8], \value
    mov dword ptr [window_table + 5 * 8 + 4], \high
    invlpg [PAGE]
.endm
# page FLAGS: PAGE is frame_a with these flags.
.macro page flags, high=0
    pte "OFFSET frame_a+\flags", \high
.endm
# CR2 is checked with every page fault, and mentioned only where it is wrong.
.macro cr2_is address
    push rax
    mov eax, \address
    cmp rax, [fault_cr2]
    je .Lsame\@
    check "   CR2", [fault_cr2], rax
.Lsame\@:
    pop rax
.endm
.macro kernel_reads name, error
    .if \error == NOCODE
    passes "\name", mov eax, [PAGE]
    .else
    faults "\name", V_PF, \error, mov eax, [PAGE]
    cr2_is PAGE
    .endif
.endm
.macro kernel_writes name, error
    .if \error == NOCODE
    passes "\name", mov [PAGE + 64], eax
    .else
    faults "\name", V_PF, \error, mov [PAGE + 64], eax
    cr2_is PAGE+64
    .endif
.endm
.macro kernel_runs name, error
    arm .Lran\@
    mov eax, PAGE
    jmp rax
.Lran\@:
    .if \error == NOCODE
    fault_was "\name", V_BP, NOCODE, PAGE+1
    .else
    fault_was "\name", V_PF, \error, PAGE
    cr2_is PAGE
    .endif
.endm
.macro user snippet, address
    mov edi, \address
    push UDATA
    push 0
    push 2
    push UCODE64
    push USER_CODE + (\snippet - user_code)
    iretq
.endm
.macro user_reads name, error
    arm .Lran\@
    user user_read, PAGE
.Lran\@:
    .if \error == NOCODE
    fault_was "\name", V_BP, NOCODE, USER_CODE+(user_read_end-user_code)
    .else
    fault_was "\name", V_PF, \error, USER_CODE+(user_read-user_code)
    cr2_is PAGE
    .endif
.endm
.macro user_writes name, error
    arm .Lran\@
    user user_write, PAGE+64
.Lran\@:
    .if \error == NOCODE
    fault_was "\name", V_BP, NOCODE, USER_CODE+(user_write_end-user_code)
    .else
    fault_was "\name", V_PF, \error, USER_CODE+(user_write-user_code)
    cr2_is PAGE+64
    .endif
.endm
.macro user_runs name, error
    arm .Lran\@
    user user_jump, PAGE
.Lran\@:
    .if \error == NOCODE
    fault_was "\name", V_BP, NOCODE, PAGE+1
    .else
    fault_was "\name", V_PF, \error, PAGE
    cr2_is PAGE
    .endif
.endm
.macro wp_on
    mov rax, cr0
    or eax, 0x10000
    mov cr0, rax
.endm
.macro wp_off
    mov rax, cr0
    and eax, ~0x10000
    mov cr0, rax
.endm
.macro nxe_on
    mov ecx, EFER
    rdmsr
    or eax, 0x800
    wrmsr
.endm
.macro nxe_off
    mov ecx, EFER
    rdmsr
    and eax, ~0x800
    wrmsr
.endm
.macro cr4_set bits
    mov rax, cr4
    or eax, \bits
    mov cr4, rax
.endm
.macro cr4_clear bits
    mov rax, cr4
    and eax, ~(\bits)
    mov cr4, rax
.endm

code32
main:
    enter_long_mode mode64
code64
mode64:
    start64
    mov eax, OFFSET user_code + P + U
    mov [window_table + 256 * 8], rax
    mov ecx, 4096
    mov edi, OFFSET frame_a
    mov al, 0xCC                                # INT3 wherever a frame is run
    rep stosb
    mov ecx, 4096
    mov al, 0x5A
    rep stosb

    println "absent page"
    nxe_off
    pte 0
    kernel_reads "kernel read", 0
    kernel_writes "kernel write", 2
    kernel_runs "kernel fetch", 0
    user_reads "user read", 4
    user_writes "user write", 6
    user_runs "user fetch", 4
    faults "read-modify-write counts as a write", V_PF, 2, add dword ptr [PAGE], 1
    faults "so does CMPXCHG that will not store", V_PF, 2, cmpxchg [PAGE], ecx
    faults "and XCHG", V_PF, 2, xchg [PAGE], eax
    faults "CMP is a read", V_PF, 0, cmp dword ptr [PAGE], 1
    faults "BT is a read", V_PF, 0, bt dword ptr [PAGE], 1
    faults "BTS is a write", V_PF, 2, bts dword ptr [PAGE], 1
    faults "FST is a write", V_PF, 2, fst dword ptr [PAGE]
    pte 0xFFFFFFFE, 0xFFFFFFFF
    kernel_reads "absent with all other bits set: RSVD stays clear", 0
    nxe_on
    kernel_runs "kernel fetch with NXE", 0x10
    user_runs "user fetch with NXE", 0x14
    # An absent entry is never remembered.
    pte 0
    kernel_reads "absent", 0
    mov eax, OFFSET frame_a + P + W
    mov [window_table + 5 * 8], rax
    kernel_reads "made present without INVLPG", NOCODE

    println "supervisor page, read-only"
    page P
    wp_off
    kernel_reads "kernel read", NOCODE
    kernel_writes "kernel write, WP clear", NOCODE
    kernel_runs "kernel fetch", NOCODE
    wp_on
    kernel_writes "kernel write, WP set", 3
    user_reads "user read", 5
    user_writes "user write", 7
    user_runs "user fetch", 0x15
    nxe_off
    user_runs "user fetch without NXE", 5
    nxe_on

    println "supervisor page, writable"
    page P+W
    kernel_writes "kernel write", NOCODE
    user_reads "user read", 5
    user_writes "user write", 7

    println "user page, read-only"
    page P+U
    kernel_reads "kernel read", NOCODE
    kernel_writes "kernel write", 3
    user_reads "user read", NOCODE
    user_writes "user write", 7
    user_runs "user fetch", NOCODE
    wp_off
    kernel_writes "kernel write, WP clear", NOCODE
    user_writes "user write, WP clear", 7
    wp_on

    println "user page, writable"
    page P+W+U
    kernel_writes "kernel write", NOCODE
    kernel_runs "kernel fetch", NOCODE
    user_reads "user read", NOCODE
    user_writes "user write", NOCODE
    user_runs "user fetch", NOCODE

    println "no execution"
    page P+W+U, 0x80000000
    kernel_reads "kernel read", NOCODE
    kernel_runs "kernel fetch", 0x11
    user_reads "user read", NOCODE
    user_runs "user fetch", 0x15
    nxe_off
    page P+W+U, 0x80000000
    kernel_reads "the bit is reserved without NXE: kernel read", 9
    kernel_writes "kernel write", 0xB
    kernel_runs "kernel fetch", 9
    user_reads "user read", 0xD
    user_writes "user write", 0xF
    nxe_on
    page P+W+U
    or byte ptr [page_directories + 4096 + 7], 0x80
    invlpg [PAGE]
    kernel_runs "set in the directory alone: kernel fetch", 0x11
    kernel_reads "kernel read", NOCODE
    and byte ptr [page_directories + 4096 + 7], 0x7F

    println "reserved bits"
    page P+W+U, 0x80000                         # bit 51
    kernel_reads "address bit 51: kernel read", 9
    user_writes "user write", 0xF
    kernel_runs "kernel fetch", 0x19
    mov dword ptr [page_directories + 4096 + 8], 0x2000 + 0x80 + P + W
    faults "2 MiB page, bit 13", V_PF, 9, mov eax, [LARGE]
    cr2_is LARGE
    mov dword ptr [page_directories + 4096 + 8], 0x200000 + 0x80 + P + W
    mov dword ptr [pml4 + 8], OFFSET pdpt_extra + 0x80 + P + W
    mov rbx, 0x8000000000
    faults "PML4 entry, bit 7", V_PF, 9, mov eax, [rbx]
    mov dword ptr [pml4 + 8], OFFSET pdpt_extra + P + W
    faults "without it: absent below", V_PF, 0, mov eax, [rbx]
    check "CR2 above 4 GiB", [fault_cr2], rbx

    println "permissions of the upper levels"
    page P+W+U
    and byte ptr [page_directories + 4096], ~U
    invlpg [PAGE]
    invlpg [USER_CODE]
    kernel_reads "supervisor directory: kernel read", NOCODE
    arm .Lno_user
    user user_read, PAGE
.Lno_user:
    fault_was "supervisor directory: user fetch", V_PF, 0x15, USER_CODE
    or byte ptr [page_directories + 4096], U
    and byte ptr [page_directories + 4096], ~W
    invlpg [PAGE]
    invlpg [USER_CODE]
    kernel_writes "read-only directory: kernel write", 3
    user_writes "read-only directory: user write", 7
    user_reads "read-only directory: user read", NOCODE
    or byte ptr [page_directories + 4096], W
    invlpg [PAGE]

    println "accessed and dirty"
    page P+W+U
    and byte ptr [page_directories + 4096], ~A
    mov eax, [PAGE]
    movzx eax, word ptr [window_table + 5 * 8]
    and eax, 0xFFF
    check "read: accessed", rax, P+W+U+A
    movzx eax, byte ptr [page_directories + 4096]
    check "so is the directory entry", rax, P+W+U+A
    mov [PAGE], eax
    movzx eax, word ptr [window_table + 5 * 8]
    and eax, 0xFFF
    check "write: dirty", rax, P+W+U+A+D
    page P+W+U
    mov [PAGE], eax
    movzx eax, word ptr [window_table + 5 * 8]
    and eax, 0xFFF
    check "write at first: both", rax, P+W+U+A+D
    page P+U
    kernel_writes "refused write", 3
    movzx eax, word ptr [window_table + 5 * 8]
    and eax, D
    check "refused write: not dirty", rax, 0
    mov dword ptr [page_directories + 4096 + 8], 0x200000 + 0x80 + P + W
    invlpg [LARGE]
    mov eax, [LARGE + 0x1000]
    movzx eax, byte ptr [page_directories + 4096 + 8]
    check "2 MiB page, read", rax, 0x80+P+W+A
    mov [LARGE + 0x1000], eax
    movzx eax, byte ptr [page_directories + 4096 + 8]
    check "2 MiB page, write", rax, 0x80+P+W+A+D

    println "across a page boundary"
    page P+W
    mov dword ptr [window_table + 6 * 8], 0
    mov dword ptr [window_table + 6 * 8 + 4], 0
    invlpg [PAGE + 0x1000]
    mov dword ptr [frame_a + 0xFFC], 0x11223344
    mov eax, 0x55667788
    faults "store into an absent second page", V_PF, 2, mov [PAGE + 0xFFE], eax
    cr2_is PAGE+0x1000
    mov eax, [frame_a + 0xFFC]
    check "the first page is untouched", rax, 0x11223344
    faults "load from an absent second page", V_PF, 0, mov eax, [PAGE + 0xFFD]
    cr2_is PAGE+0x1000
    mov byte ptr [frame_a + 0xFFE], 0xB8        # MOV EAX, imm32; INT3
    mov byte ptr [frame_a + 0xFFF], 0x01
    mov dword ptr [frame_b], 0xCC040302
    arm .Lfetch_absent
    mov ebx, PAGE + 0xFFE
    jmp rbx
.Lfetch_absent:
    fault_was "fetch into an absent second page", V_PF, 0x10, PAGE+0xFFE
    cr2_is PAGE+0x1000
    mov eax, OFFSET frame_b + P + W
    mov [window_table + 6 * 8], rax
    arm .Lfetch_present
    jmp rbx
.Lfetch_present:
    fault_was "the same, present", V_BP, NOCODE, PAGE+0x1004
    check "an instruction in two frames", rax, 0x04030201
    mov eax, 0x55667788
    mov [PAGE + 0xFFE], eax
    mov eax, [frame_a + 0xFFC]
    check "store in two frames: first", rax, 0x77883344
    movzx eax, word ptr [frame_b]
    check "second", rax, 0x5566
    mov byte ptr [frame_a], 0xCC

    println "forgetting translations"
    page P+W
    mov dword ptr [frame_a + 128], 0xAAAA
    mov dword ptr [frame_b + 128], 0xBBBB
    mov eax, [PAGE + 128]
    mov eax, OFFSET frame_b + P + W
    mov [window_table + 5 * 8], rax
    invlpg [PAGE + 0xFFF]
    mov eax, [PAGE + 128]
    check "INVLPG, any address in the page", rax, 0xBBBB
    mov eax, OFFSET frame_a + P + W
    mov [window_table + 5 * 8], rax
    mov rax, cr3
    mov cr3, rax
    mov eax, [PAGE + 128]
    check "MOV CR3", rax, 0xAAAA
    cr4_set 0x80                                # PGE
    page P+W+G
    mov eax, [PAGE + 128]
    mov eax, OFFSET frame_b + P + W + G
    mov [window_table + 5 * 8], rax
    invlpg [PAGE]
    mov eax, [PAGE + 128]
    check "global page, INVLPG", rax, 0xBBBB
    mov eax, OFFSET frame_a + P + W + G
    mov [window_table + 5 * 8], rax
    cr4_clear 0x80
    mov eax, [PAGE + 128]
    check "global page, CR4.PGE changed", rax, 0xAAAA

    println "SMEP and SMAP"
    mov eax, 7
    xor ecx, ecx
    cpuid
    mov r15d, ebx
    bt r15d, 7
    check_true "CPUID has SMEP", c
    bt r15d, 20
    check_true "CPUID has SMAP", c
    page P+W+U
    cr4_set 0x100000
    kernel_runs "SMEP: kernel fetch from a user page", 0x11
    kernel_reads "SMEP: kernel read", NOCODE
    user_runs "SMEP: user fetch", NOCODE
    nxe_off
    kernel_runs "SMEP without NXE: the fetch bit is there too", 0x11
    pte 0
    user_runs "SMEP without NXE: absent", 0x14
    nxe_on
    cr4_clear 0x100000
    page P+W+U
    cr4_set 0x200000
    kernel_reads "SMAP: kernel read of a user page", 1
    kernel_writes "SMAP: kernel write", 3
    kernel_runs "SMAP: kernel fetch", NOCODE
    user_reads "SMAP: user read", NOCODE
    stac
    passes "SMAP with EFLAGS.AC: kernel read", mov eax, [PAGE]
    clac
    kernel_reads "SMAP after CLAC", 1
    cr4_clear 0x200000

    println "implicit supervisor access"
    # A local descriptor table on PAGE: the processor reads it as the kernel would, whoever asks.
    mov dword ptr [gdt + SLOT0], (PAGE & 0xFFFF) << 16 | 0xFF
    mov dword ptr [gdt + SLOT0 + 4], (PAGE & 0xFF000000) | (PAGE >> 16 & 0xFF) | 0x8200
    mov eax, SLOT0
    lldt ax
    pte 0
    mov eax, 0x0F
    faults "descriptor on an absent page", V_PF, 0, mov fs, eax
    cr2_is PAGE+8
    arm .Luser_load
    user user_load_fs, 0x0F
.Luser_load:
    fault_was "the same from ring 3: no user bit", V_PF, 0, USER_CODE+(user_load_fs-user_code)
    cr2_is PAGE+8
    mov dword ptr [frame_a + 8], 0x0000FFFF
    mov dword ptr [frame_a + 12], 0x00CFF200    # accessed bit clear
    page P+W
    arm .Luser_loads
    user user_load_fs, 0x0F
.Luser_loads:
    fault_was "ring 3 loads it from a supervisor page", V_BP, NOCODE, USER_CODE+(user_load_fs_end-user_code)
    movzx eax, byte ptr [frame_a + 13]
    check "its accessed bit is set", rax, 0xF3
    xor eax, eax
    mov fs, eax
    lldt ax

    println "PCID"
    mov eax, 1
    cpuid
    bt ecx, 17
    check_true "CPUID has PCID", c
    jnc .Lno_pcid
    mov rax, cr3
    or eax, 1
    mov cr3, rax
    mov rbx, cr4
    bts rbx, 17
    faults "CR4.PCIDE with CR3[11:0] not 0", V_GP, 0, mov cr4, rbx
    mov rax, cr3
    and rax, ~0xFFF
    mov cr3, rax
    passes "CR4.PCIDE", mov cr4, rbx
    page P+W
    mov rcx, cr3
    mov rdx, rcx
    or rdx, 5
    mov eax, [PAGE + 128]
    mov cr3, rdx                                # PCID 5
    mov eax, OFFSET frame_b + P + W
    mov [window_table + 5 * 8], rax
    invlpg [PAGE]
    mov eax, [PAGE + 128]
    check "INVLPG in PCID 5", rax, 0xBBBB
    mov cr3, rcx                                # back, forgetting PCID 0
    mov eax, [PAGE + 128]
    check "MOV CR3 without bit 63 forgets its PCID", rax, 0xBBBB
    mov rax, rdx
    bts rax, 63
    passes "MOV CR3 with bit 63", mov cr3, rax
    mov rax, cr3
    check "bit 63 is not kept", rax, rdx
    mov cr3, rcx
    mov rbx, cr4
    btr rbx, 17
    mov cr4, rbx
.Lno_pcid:
    finish

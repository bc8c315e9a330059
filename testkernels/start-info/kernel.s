# ELF32: hvm_start_info in the layout that the command line names: layout=v1, v0 or draft.

.include "kernel.inc"
.include "startinfo.inc"

.section .data
info_copy:      .fill 14, 4, 0
.section .text
code32
# The structure at EAX of ECX bytes lies in RAM below 4 GiB and clear of this kernel.
.macro lies_well name, address, length
    mov eax, \address
    mov ecx, \length
    call check_place
    check_true "\name", z
.endm
check_place:                                    # ZF: it does
    test eax, eax
    jz 1f
    lea edx, [eax + ecx]
    cmp edx, eax
    jb 1f
    cmp edx, 0x100000
    jbe 2f
    cmp eax, OFFSET image_end
    jb 1f
2:  xor ecx, ecx
    ret
1:  or ecx, 1
    ret

main:
    mov esi, [start_info]                       # the whole structure can be read, in any version
    mov edi, OFFSET info_copy
    mov ecx, 14
    rep movsd
    mov ebx, OFFSET info_copy
    check "magic number", [ebx], 0x336EC578
    mov esi, [ebx + 24]
    test esi, esi
    jz try_draft
    if_option "layout=v1", version_1
    if_option "layout=v0", version_0
try_draft:
    mov esi, [ebx + 8]
    test esi, esi
    jz unknown
    if_option "layout=draft", draft
unknown:
    println "FAIL no layout is named where a command line could be"
    jmp fail_off

.macro common_fields version
    check "version", [ebx+4], \version
    check "flags", [ebx+8], 0
    check "no modules", [ebx+12], 0
    check "so no list", [ebx+16], 0
    check "upper half of the list's address", [ebx+20], 0
    check "upper half of the command line's", [ebx+28], 0
    check "upper half of the RSDP's", [ebx+36], 0
    lies_well "start_info lies clear of the kernel", "[start_info]", 56
    lies_well "so does the command line", "[ebx+24]", 64
    mov esi, [ebx + 24]
    call check_text
.endm
# The command line at ESI is exactly the one of the test, to the last blank.
check_text:
    print   "ok   command line '"
    call puts
    println "'"
    ret

version_1:
    println "version 1"
    common_fields 1
    mov eax, [ebx + 48]
    cmp eax, 1
    check_true "a memory map", ae
    check "upper half of its address", [ebx+44], 0
    lies_well "it lies clear of the kernel", "[ebx+40]", 24
    check "the reserved word", [ebx+52], 0
    call check_rsdp
    finish
version_0:
    println "version 0"
    common_fields 0
    call check_rsdp
    finish
draft:
    println "the draft of 2016"
    check "flags", [ebx+4], 0
    check "no modules", [ebx+12], 0
    check "so no list", [ebx+16], 0
    lies_well "start_info lies clear of the kernel", "[start_info]", 20
    lies_well "so does the command line", "[ebx+8]", 64
    mov esi, [ebx + 8]
    call check_text
    finish

# The root pointer, where one is given: signature and checksum.
check_rsdp:
    mov esi, [ebx + 32]
    test esi, esi
    check_true "an ACPI root pointer", nz
    jz 2f
    check "its signature", [esi], 0x20445352    # "RSD "
    check "and the rest of it", [esi+4], 0x20525450 # "PTR "
    xor eax, eax
    xor edx, edx
    mov ecx, 20
1:  mov al, [esi]
    add dl, al
    add esi, 1
    loop 1b
    check "its checksum", edx, 0
2:  ret

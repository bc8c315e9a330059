# ELF32: the memory map of start_info version 1: entries in order, apart from each other, their memory really there at both
# ends, nothing just beyond. The command line names the bytes of RAM to expect, as ram=0x... in hexadecimal.

.include "kernel.inc"
.include "startinfo.inc"

.section .data
map:            .long 0
entries:        .long 0
ram:            .quad 0
expected_ram:   .long 0
top:            .long 0                         # end of the highest RAM below 4 GiB
found:          .long 0

.section .text
code32
main:
    mov ebx, [start_info]
    check "version", [ebx+4], 1
    mov eax, [ebx + 40]
    mov [map], eax
    mov eax, [ebx + 48]
    mov [entries], eax
    cmp eax, 1
    check_true "there are entries", ae
    mov ebx, [map]
    xor ebp, ebp
next:
    # An entry of type 0 is what QEMU's microvm ends its map with.
    cmp dword ptr [ebx + 16], 0
    je skip
    cmp dword ptr [ebx + 16], 7
    check_true "a known type", be
    check "its reserved word", [ebx+20], 0
    mov eax, [ebx + 8]
    or eax, [ebx + 12]
    check_true "not empty", nz
    mov eax, [ebx]
    mov edx, [ebx + 4]
    add eax, [ebx + 8]
    adc edx, [ebx + 12]
    check_true "no wrap-around", nc
    # Apart from all later entries.
    mov ecx, [entries]
    sub ecx, ebp
    lea esi, [ebx + 24]
    mov edi, 0                                  # overlaps
later:
    sub ecx, 1
    jz compared
    cmp dword ptr [esi + 16], 0
    je no_overlap
    # [ebx] end <= [esi] start, or [esi] end <= [ebx] start
    mov eax, [ebx]
    mov edx, [ebx + 4]
    add eax, [ebx + 8]
    adc edx, [ebx + 12]
    sub eax, 1
    sbb edx, 0
    cmp eax, [esi]
    sbb edx, [esi + 4]
    jb no_overlap
    mov eax, [esi]
    mov edx, [esi + 4]
    add eax, [esi + 8]
    adc edx, [esi + 12]
    sub eax, 1
    sbb edx, 0
    cmp eax, [ebx]
    sbb edx, [ebx + 4]
    jb no_overlap
    add edi, 1
no_overlap:
    add esi, 24
    jmp later
compared:
    check "overlaps with later ones", edi, 0
    cmp dword ptr [ebx + 16], 1
    jne skip
    mov eax, [ebx + 8]
    add [ram], eax
    mov eax, [ebx + 12]
    adc [ram + 4], eax
    cmp dword ptr [ebx + 4], 0
    jne skip
    mov esi, [ebx]
    call is_memory
    check_true "RAM at its beginning", z
    mov esi, [ebx]
    add esi, [ebx + 8]
    sub esi, 4
    call is_memory
    check_true "RAM at its end", z
    add esi, 4
    cmp esi, [top]
    jbe skip
    mov [top], esi
skip:
    add ebx, 24
    add ebp, 1
    cmp ebp, [entries]
    jb next

    # All the RAM there is.
    call find_command_line
1:  cmp dword ptr [esi], 0x3D6D6172             # "ram="
    je 2f
    add esi, 1
    cmp byte ptr [esi], 0
    jne 1b
2:  add esi, 6                                  # behind "ram=0x"
    xor eax, eax
3:  movzx ecx, byte ptr [esi]
    add esi, 1
    sub ecx, '0'
    jb 4f
    cmp ecx, 10
    jb 5f
    sub ecx, 'a' - '0' - 10
5:  shl eax, 4
    add eax, ecx
    jmp 3b
4:  mov [expected_ram], eax
    sub eax, [ram]
    cmp eax, 0x100000
    check_true "RAM in total, but for at most the legacy hole", be

    # The kernel and what it was given lie in RAM.
    mov esi, OFFSET pvh_entry
    call in_ram
    check_true "the kernel's code lies in RAM", z
    mov esi, OFFSET image_end
    call in_ram
    check_true "its end too", z
    # Beyond the RAM.
    mov esi, [top]
    mov eax, [esi]
    mov ecx, eax
    not eax
    mov [esi], eax
    cmp [esi], ecx
    check_true "a store just beyond the RAM leaves nothing", e
    mov esi, 0xD0000000
    mov eax, [esi]
    mov ecx, eax
    mov dword ptr [esi], 0x12345678
    cmp [esi], ecx
    check_true "nor one into the hole", e
    check "which reads as ones", [esi], 0xFFFFFFFF
    finish

# ZF: the doubleword at ESI keeps what is written to it. It is left as it was.
is_memory:
    push eax
    push ecx
    mov ecx, [esi]
    mov dword ptr [esi], 0xA5A5F00F
    mov eax, [esi]
    xor eax, 0xA5A5F00F
    jnz 1f
    mov dword ptr [esi], 0x5A5A0FF0
    mov eax, [esi]
    xor eax, 0x5A5A0FF0
1:  mov [esi], ecx
    pop ecx
    test eax, eax
    pop eax
    ret

# ZF: ESI lies in an entry of type RAM.
in_ram:
    push ebx
    push ecx
    mov ebx, [map]
    mov ecx, [entries]
1:  cmp dword ptr [ebx + 16], 1
    jne 2f
    cmp dword ptr [ebx + 4], 0
    jne 2f
    mov eax, esi
    sub eax, [ebx]
    jb 2f
    cmp dword ptr [ebx + 12], 0
    jne 3f
    cmp eax, [ebx + 8]
    jb 3f
2:  add ebx, 24
    loop 1b
    or eax, 1
    jmp 4f
3:  xor eax, eax
4:  pop ecx
    pop ebx
    ret

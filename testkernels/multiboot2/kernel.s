# Multiboot 2 ELF32: what a Multiboot 2 loader must hand over (specification 2.0, 3.3 and 3.6), to a kernel that it has to move.
#
#   boot information:  0 total_size, 4 reserved, 8 tags, each 8-aligned: 0 type, 4 size without padding, 8 contents
#   1 command line     2 loader     3 module: start, end, text     4 memory: lower, upper (KiB)     6 map: 24, 0, entries
#   9 sections: number, size, index of names, headers     14, 15 ACPI's root pointer     21 load base     0 end

.set CUSTOM_ENTRY, 1
.set MULTIBOOT_FLAGS, 0                         # no PVH note
.set MAGIC, 0xE85250D6
.set LOAD_BASE, 0x400000
.set SECTIONS, 7
.include "kernel.inc"

.section .multiboot, "a"
    .balign 8
header:
    .long MAGIC, 0, header_end - header, -(MAGIC + (header_end - header))
    .short 1, 0                                 # information: memory, map
    .long 16, 4, 6
    .short 6, 0                                 # modules at pages
    .long 8
    .short 10, 0                                # relocatable: from 4 MiB on, the lowest place
    .long 24, LOAD_BASE, 0xFFFFFFFF, 0x200000, 1
    .short 5, 1                                 # optional: a video mode
    .long 20, 1024, 768, 32
    .balign 8
    .short 0xABC, 1                             # optional: what nobody knows
    .long 8
    .short 9, 0                                 # entry for EFI: not for this machine
    .long 12, 0xFFFFFFFF
    .balign 8
    .short 0, 0
    .long 8
header_end:

.section .data
entry_eax:      .long 0
entry_flags:    .long 0
entry_cr0:      .long 0
upper_kib:      .long 0
memory_end:     .long 0                         # end of the RAM that begins at 1 MiB, from the map
modules:        .long 0
data_word:      .long 0x600DDA7A
.section .bss
bss_word:       .long 0
.section .text
code32
.globl multiboot_entry
multiboot_entry:
    # Nothing but the segments may be used yet: all of them must be flat, and so CS reads what DS wrote.
    mov [entry_eax], eax
    mov [start_info], ebx
    mov eax, cs:[entry_eax]
    mov es:[entry_eax], eax
    mov ss:[entry_eax], eax
    mov fs:[entry_eax], eax
    mov gs:[entry_eax], eax
    mov eax, cr0
    mov [entry_cr0], eax
    mov esp, OFFSET stack_top
    pushf
    pop [entry_flags]
    cld
    lgdt [gdt_pointer]
    jmp KCODE32:own_segments
own_segments:
    mov eax, KDATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    push 2
    popf
    call console_init
    mov ebx, [start_info]

    println "state"
    check "EAX", [entry_eax], 0x36D76289
    mov eax, [entry_cr0]
    and eax, 0x80000001
    check "CR0: PE without PG", eax, 1
    mov eax, [entry_flags]
    and eax, 0x20200
    check "EFLAGS: neither VM nor IF", eax, 0
    check "data is loaded", [data_word], 0x600DDA7A
    check "BSS is zero", [bss_word], 0
    mov eax, ebx
    and eax, 7
    check "boot information: aligned to 8", eax, 0
    check "reserved", [ebx+4], 0

    println "tags"
    mov edi, ebx
    add edi, [ebx]                              # the end of the boot information
    lea esi, [ebx + 8]
next_tag:
    lea eax, [esi + 8]
    cmp eax, edi
    ja tags_read
    cmp dword ptr [esi], 0
    je tags_read
    call tag
    mov eax, [esi + 4]
    add eax, 7
    and eax, -8
    add esi, eax
    jmp next_tag
tags_read:
    check "the last one ends them: type", [esi], 0
    check "size", [esi+4], 8
    lea eax, [esi + 8]
    sub edi, eax
    check "nothing comes behind it", edi, 0
    mov eax, [upper_kib]
    add eax, 1024
    shl eax, 10
    sub eax, [memory_end]
    check "upper memory ends where the map says", eax, 0
    print   "modules: "
    print_decimal "[modules]"
    println ""
    finish

# Looks at the tag at ESI; preserves ESI and EDI.
tag:
    push edi
    push esi
    mov eax, [esi]
    cmp eax, 1
    je command_line
    cmp eax, 2
    je loader
    cmp eax, 3
    je module
    cmp eax, 4
    je memory
    cmp eax, 6
    je map
    cmp eax, 9
    je sections
    cmp eax, 14
    je old_pointer
    cmp eax, 15
    je new_pointer
    cmp eax, 21
    je load_base
    print   "type "
    print_decimal eax
    println ""
tag_done:
    pop esi
    pop edi
    ret

command_line:
    print   "command line: '"
    add esi, 8
    call puts
    println "'"
    jmp tag_done

loader:
    cmp byte ptr [esi + 8], 0
    check_true "the loader has a name", nz
    jmp tag_done

memory:
    cmp dword ptr [esi + 8], 639                # a byte of KiB may be the BIOS's own
    check_true "lower memory to 639 KiB at least", ae
    mov eax, [esi + 12]
    mov [upper_kib], eax
    jmp tag_done

map:
    check "map: size of an entry", [esi+8], 24
    check "version", [esi+12], 0
    mov edi, esi
    add edi, [esi + 4]
    add esi, 16
next_entry:
    cmp esi, edi
    jae map_read
    cmp dword ptr [esi + 16], 1
    jne 1f
    cmp dword ptr [esi], 0x100000
    jne 1f
    cmp dword ptr [esi + 4], 0
    jne 1f
    mov eax, 0x100000
    add eax, [esi + 8]
    mov [memory_end], eax
1:  add esi, 24
    jmp next_entry
map_read:
    cmp esi, edi
    check_true "entries of 24 bytes fill the map", e
    cmp dword ptr [memory_end], OFFSET image_end
    check_true "the kernel lies in RAM at 1 MiB", ae
    jmp tag_done

sections:
    check "sections: number", [esi+8], SECTIONS
    check "size of a header", [esi+12], 40
    mov eax, [esi + 16]
    imul eax, eax, 40
    lea eax, [esi + eax + 20]
    check "the names are a string table", [eax+4], 3
    mov eax, [eax + 12]
    check "they are in memory: '.shs'", [eax+1], 0x7368732E
    jmp tag_done

old_pointer:
    check "ACPI 1.0's root pointer: size", [esi+4], 28
    mov ecx, 20
    call sum
    check "its bytes add up to", eax, 0
    jmp tag_done

new_pointer:
    check "ACPI 2.0's root pointer: size", [esi+4], 44
    check "'RSD '", [esi+8], 0x20445352
    mov ecx, 36
    call sum
    check "its bytes add up to", eax, 0
    mov eax, [esi + 32]
    check "it leads to 'XSDT'", [eax], 0x54445358
    jmp tag_done

load_base:
    check "load base", [esi+8], LOAD_BASE
    jmp tag_done

module:
    add dword ptr [modules], 1
    mov edi, esi
    mov esi, [edi + 8]
    mov ecx, [edi + 12]
    sub ecx, esi
    print   "module: "
    print_decimal ecx
    print   " bytes, hash "
    mov eax, 0x811C9DC5
    jecxz hashed
hash_byte:
    movzx edx, byte ptr [esi]
    xor eax, edx
    imul eax, eax, 0x01000193
    add esi, 1
    loop hash_byte
hashed:
    print_hex eax
    print   ", text '"
    lea esi, [edi + 16]
    call puts
    println "'"
    test dword ptr [edi + 8], 0xFFF
    check_true "on a page boundary", z
    cmp dword ptr [edi + 8], OFFSET image_end
    check_true "behind the kernel", ae
    jmp tag_done

# The sum of ECX bytes from ESI + 8 on, in AL; preserves ESI.
sum:
    xor eax, eax
1:  add al, [esi + ecx + 7]
    loop 1b
    ret
